//! Changing the table: all or nothing, and what is done already is done.

use crate::change::Change;
use crate::command::Command;
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::batch::Batch;
use crate::netlink::encode::encode;
use crate::netlink::socket::Complaint;
use crate::publication::Publication;
use crate::table::any_layout;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::time::Instant;

/// How often a transaction is tried anew without what turned out to be done already.
/// Two are enough unless somebody else keeps changing the same elements.
const ATTEMPTS: usize = 8;

/// What was attempted, when it cannot be said more precisely.
const ACT: &str = "change table inet minet";

/// A command with the change that it belongs to.
struct Planned<'a> {
    change: &'a Change,
    /// The place of the change among the others.
    index: usize,
    command: Command,
}

/// A transaction that was sent.
struct Sent {
    complaints: Vec<Complaint>,
    /// Which message carried which of the planned commands, in ascending order.
    numbers: Vec<(u32, usize)>,
}

/// What a complaint of the kernel means for a transaction.
enum Verdict {
    /// This command is done already.
    SkipCommand,
    /// The whole change is done already, or no longer ours to do.
    SkipChange,
    /// Somebody else was faster, in one direction or the other: look again.
    TryAgain,
    Fail(Error),
}

/// What is believed about the table before a transaction.
#[derive(Clone, Copy)]
enum Belief {
    /// Ask: a transaction that fails for being done already costs 15 ms.
    Unknown,
    There,
    Missing,
}

impl Firewall {
    /// Carries out all changes in one transaction: all of them take effect at the same
    /// moment, or none does.
    ///
    /// What is done already is skipped: see [`Change`].
    ///
    /// # Errors
    /// [`Error::PortTaken`] when a port leads to another container, [`Error::NoTable`] when
    /// something is added and the table is missing, [`Error::NotPermitted`],
    /// [`Error::NotSupported`], and whatever else the kernel refuses.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), Error> {
        match self.attempt(changes, Belief::Unknown) {
            // It was there when it was asked for, and is not any more.
            Err(Error::NoTable { .. }) if changes.iter().any(Change::installs) => {
                self.attempt(changes, Belief::Missing)
            }
            result => result,
        }
    }

    fn attempt(&mut self, changes: &[Change], belief: Belief) -> Result<(), Error> {
        let planned = self.plan(changes, belief)?;
        let mut done = BTreeSet::new();
        for _ in 0..ATTEMPTS {
            let sent = self.send(&planned, &done)?;
            if sent.complaints.is_empty() {
                return Ok(());
            }
            self.learn(&planned, sent, &mut done)?;
        }
        Err(Error::Refused {
            act: ACT.to_owned(),
            words: Some("somebody else keeps changing it".to_owned()),
            source: Errno::EBUSY,
        })
    }

    /// The commands of all changes. Whether the table is there, and whose port it is that
    /// shall be unpublished, is asked first.
    fn plan<'a>(
        &mut self,
        changes: &'a [Change],
        mut belief: Belief,
    ) -> Result<Vec<Planned<'a>>, Error> {
        let only_if = |needed, change: &Change| match needed {
            true => change.commands(),
            false => Vec::new(),
        };
        let mut planned = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let commands = match change {
                Change::Unpublish(publication) => self.plan_removal(publication)?,
                Change::Publish(Publication {
                    port, container, ..
                }) if port.host_ip.is_ipv6() != container.is_ipv6() => {
                    return Err(Error::OtherFamily {
                        port: *port,
                        container: *container,
                    });
                }
                Change::InstallTable(_) => {
                    let is_there = self.table_is_there(belief)?;
                    belief = Belief::There;
                    only_if(!is_there, change)
                }
                Change::RemoveTable => {
                    let is_there = self.table_is_there(belief)?;
                    belief = Belief::Missing;
                    only_if(is_there, change)
                }
                Change::NameOlder(_)
                | Change::ForgetOlder(_)
                | Change::AddNetwork(_)
                | Change::ReplaceNetwork(..)
                | Change::RemoveNetwork(_)
                | Change::Restrain(_)
                | Change::Release(_)
                | Change::CloseTransit6
                | Change::OpenTransit6
                | Change::OpenEdge(_)
                | Change::CloseEdge(_)
                | Change::Publish(_) => change.commands(),
            };
            planned.extend(commands.into_iter().map(|command| Planned {
                change,
                index,
                command,
            }));
        }
        Ok(planned)
    }

    fn table_is_there(&mut self, belief: Belief) -> Result<bool, Error> {
        match belief {
            Belief::Unknown => self.table_is_installed(),
            Belief::There => Ok(true),
            Belief::Missing => Ok(false),
        }
    }

    /// Nothing, if the port is not published or leads elsewhere by now.
    fn plan_removal(&mut self, publication: &Publication) -> Result<Vec<Command>, Error> {
        let table = any_layout();
        let commands = || vec![publication.claim(table), publication.remove(table)];
        Ok(match self.publication(&publication.port)? {
            Some(installed) if publication.is(&installed) => commands(),
            Some(_) | None => Vec::new(),
        })
    }

    /// Sends one transaction without the commands that are `done`.
    fn send(&mut self, planned: &[Planned<'_>], done: &BTreeSet<usize>) -> Result<Sent, Error> {
        let mut batch = Batch::begin(self.socket.next_seq());
        let mut numbers = Vec::new();
        for (at, planned) in planned.iter().enumerate() {
            if !done.contains(&at) {
                numbers.push((batch.push(&encode(&planned.command)), at));
                if planned.command.deletes() {
                    self.deleted = Some(Instant::now());
                }
            }
        }
        let mut complaints = Vec::new();
        if !numbers.is_empty() {
            let (bytes, next_seq) = batch.end();
            let answer = self.socket.exchange(&bytes, next_seq);
            complaints = answer
                .map_err(|errno| Error::socket(ACT, errno))?
                .complaints;
        }
        Ok(Sent {
            complaints,
            numbers,
        })
    }

    /// Marks what needs no doing any more. Fails when nothing is left but to fail: what
    /// goes wrong behind a skipped command may go right without it.
    fn learn(
        &mut self,
        planned: &[Planned<'_>],
        sent: Sent,
        done: &mut BTreeSet<usize>,
    ) -> Result<(), Error> {
        let mut failure = None;
        let mut progress = false;
        for complaint in sent.complaints {
            let number = |(seq, _): &(u32, usize)| *seq;
            let Ok(found) = sent.numbers.binary_search_by_key(&complaint.seq, number) else {
                // About the transaction as a whole.
                return Err(complaint.into_error(ACT, "nftables"));
            };
            let at = sent.numbers[found].1;
            if done.contains(&at) {
                continue;
            }
            match self.judge(&planned[at], complaint)? {
                Verdict::SkipCommand => {
                    progress |= done.insert(at);
                }
                Verdict::SkipChange => {
                    let same = |other: &usize| planned[*other].index == planned[at].index;
                    done.extend((0..planned.len()).filter(same));
                    progress = true;
                }
                Verdict::TryAgain => progress = true,
                Verdict::Fail(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) if !progress => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    fn judge(&mut self, planned: &Planned<'_>, complaint: Complaint) -> Result<Verdict, Error> {
        use Command::{AddElement, AddTable, DeleteElement, DeleteTable};
        let act = planned.change.describe();
        Ok(match (planned.change, &planned.command, complaint.errno) {
            (_, AddTable { .. }, Errno::EEXIST) => Verdict::SkipChange,
            (_, DeleteTable | DeleteElement { .. }, Errno::ENOENT) => Verdict::SkipCommand,
            (Change::Unpublish(_), AddElement { .. }, Errno::EEXIST | Errno::ENOENT) => {
                Verdict::SkipChange
            }
            (Change::Publish(publication), AddElement { .. }, Errno::EEXIST) => {
                self.judge_taken(publication)?
            }
            (_, AddElement { .. }, Errno::ENOENT) => Verdict::Fail(Error::NoTable { act }),
            (_, AddElement { .. }, Errno::EEXIST | Errno::ENOTEMPTY) => {
                Verdict::Fail(Error::Overlap { act })
            }
            (_, command, _) => Verdict::Fail(complaint.into_error(&act, &command.to_nft())),
        })
    }

    /// The port is taken: by whom?
    fn judge_taken(&mut self, publication: &Publication) -> Result<Verdict, Error> {
        let port = publication.port;
        Ok(match self.publication(&port)? {
            Some(installed) if publication.is(&installed) => Verdict::SkipCommand,
            Some(installed) => Verdict::Fail(Error::PortTaken {
                port,
                owner: installed.owner,
            }),
            None => Verdict::TryAgain,
        })
    }
}
