//! What minet remembers.

use super::{Examination, Finding, Patient};
use crate::{Error, process, time::now};

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "database",
        why: "Everything that has to be undone later stands in it.",
        look: database,
    },
    Examination {
        name: "supervisors",
        why: "A container whose supervisor is gone is dead, and leaves something to be undone.",
        look: supervisors,
    },
    Examination {
        name: "clock",
        why: "Times are for people to read; which address was free the longest is told by them, too.",
        look: clock,
    },
];

fn database(patient: &mut Patient) -> Result<Finding, Error> {
    let path = patient.paths.state_dir().join("minet.db");
    if !path.exists() {
        return Ok(Finding::fine("there is none yet"));
    }
    let shown = path.display().to_string();
    let complaints = patient
        .memory()
        .and_then(|mut memory| memory.read(|tx| Ok::<_, Error>(tx.quick_check()?)));
    let dir = patient.paths.state_dir().display();
    let away = format!(
        "stop all containers; mv {dir} {dir}.broken (containers, networks and leases are forgotten)"
    );
    Ok(match complaints {
        Ok(complaints) if complaints.is_empty() => Finding::fine(format!("{shown} is whole")),
        Ok(complaints) => Finding::wrong(complaints.join("; "), away),
        Err(error) => Finding::wrong(error.chain(), away),
    })
}

fn supervisors(patient: &mut Patient) -> Result<Finding, Error> {
    let rows = patient
        .memory()?
        .read(|tx| Ok::<_, Error>(tx.supervisors()?))?;
    let dead = rows
        .iter()
        .filter(|(boot, supervisor, _)| *boot != patient.boot || !process::is_alive(*supervisor))
        .count();
    Ok(match dead {
        0 => Finding::fine(format!("all {} are alive", rows.len())),
        dead => Finding::wrong(format!("{dead} of {} are gone", rows.len()), "minet gc"),
    })
}

fn clock(patient: &mut Patient) -> Result<Finding, Error> {
    /// One hour, in milliseconds: zones and small corrections are nobody's business.
    const HOUR: i64 = 3_600_000;
    let rows = patient
        .memory()?
        .read(|tx| Ok::<_, Error>(tx.containers()?))?;
    let newest = rows.iter().map(|row| row.created).max().unwrap_or(0);
    Ok(match newest > now() + HOUR {
        true => Finding::warning(
            format!(
                "a container was made at {}, which is yet to come",
                crate::format_time(newest)
            ),
            "set the clock, and keep it set: timedatectl set-ntp true",
        ),
        false => Finding::fine("no container is from the future"),
    })
}
