use crate::{Error, Transaction, error::is_taken, networks::parse};
use minet_model::{ContainerId, ContainerName};
use rusqlite::{OptionalExtension, Row, params};

/// A process that cannot be confused with another one that got its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The process ID.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: clock ticks from boot to its start (proc(5)).
    pub start: u64,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its plan is being carried out.
    Starting,
    /// Its command runs.
    Running,
    /// Its command has ended and will be started again.
    Restarting,
    /// Its command has ended, or never began.
    Exited,
}

impl Status {
    /// The word that Docker uses for it in `State.Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Starting => "created",
            Status::Running => "running",
            Status::Restarting => "restarting",
            Status::Exited => "exited",
        }
    }

    fn from_column(text: String) -> Result<Self, Error> {
        match text.as_str() {
            "created" => Ok(Status::Starting),
            "running" => Ok(Status::Running),
            "restarting" => Ok(Status::Restarting),
            "exited" => Ok(Status::Exited),
            _ => Err(Error::Corrupt {
                what: "the status of a container",
                text,
            }),
        }
    }
}

/// What its user wants of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It shall run, as far as its restart policy goes.
    Run,
    /// Somebody stopped it, or it has ended for good.
    Rest,
    /// It is being removed: whoever lays it to rest forgets it, too.
    Gone,
}

impl Wish {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Wish::Run => "run",
            Wish::Rest => "rest",
            Wish::Gone => "gone",
        }
    }

    fn from_column(text: String) -> Result<Self, Error> {
        match text.as_str() {
            "run" => Ok(Wish::Run),
            "rest" => Ok(Wish::Rest),
            "gone" => Ok(Wish::Gone),
            _ => Err(Error::Corrupt {
                what: "the wish for a container",
                text,
            }),
        }
    }
}

/// A container that is about to be made.
#[derive(Debug, Clone)]
pub struct NewContainer<'a> {
    /// Its identity.
    pub id: &'a ContainerId,
    /// Its name.
    pub name: &'a ContainerName,
    /// The spec as JSON.
    pub spec: &'a str,
    /// What was chosen for it (addresses, names, files), as JSON.
    pub settings: &'a str,
    /// The steps that make it, as JSON.
    pub plan: &'a str,
    /// The container whose namespace it shares.
    pub namespace_of: Option<&'a ContainerId>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// This boot.
    pub boot: &'a str,
    /// Who makes it and watches over it.
    pub supervisor: ProcessIdentity,
}

/// The part of a row that speaks of something alive, or of something to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The boot in which it was made.
    pub boot: String,
    /// The process that watches over it.
    pub supervisor: ProcessIdentity,
    /// The first process inside, once there is one.
    pub init: Option<ProcessIdentity>,
    /// The inode of its network namespace, once there is one.
    pub netns: Option<u64>,
}

/// A container as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRow {
    /// Its identity.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The spec as JSON.
    pub spec: String,
    /// What was chosen for it, as JSON.
    pub settings: String,
    /// The steps that are to be undone when it ends, as JSON; none when that is done.
    pub plan: Option<String>,
    /// The container whose namespace it shares.
    pub namespace_of: Option<ContainerId>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub started: Option<i64>,
    /// Milliseconds since 1970.
    pub finished: Option<i64>,
    /// What it is doing.
    pub status: Status,
    /// How its command ended: 0..=255.
    pub exit_code: Option<i32>,
    /// Why it could not be started again.
    pub error: Option<String>,
    /// What its user wants of it.
    pub wish: Wish,
    /// The signal that somebody meant to end it with, if it was killed on his behalf.
    pub ended_by: Option<i32>,
    /// How often its restart policy has started it again.
    pub restarts: u32,
    /// Present from admission until everything is undone.
    pub live: Option<Live>,
}

impl Transaction<'_> {
    /// Records a container before anything of it is made. One holder per name.
    pub fn admit(&self, new: &NewContainer<'_>) -> Result<(), Error> {
        let inserted = self.inner.execute(
            "INSERT INTO container (id, name, spec, settings, plan, namespace_of, created, status,
                boot, supervisor_pid, supervisor_start)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'created', ?8, ?9, ?10)",
            params![
                new.id.as_str(),
                new.name.as_str(),
                new.spec,
                new.settings,
                new.plan,
                new.namespace_of.map(ContainerId::as_str),
                new.created,
                new.boot,
                new.supervisor.pid,
                new.supervisor.start,
            ],
        );
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if is_taken(&error) => Err(self.name_taken(new.name)?),
            Err(error) => Err(Error::during("record a container")(error)),
        }
    }

    /// The name is free, or an error that says who has it.
    pub fn require_free_name(&self, name: &ContainerName) -> Result<(), Error> {
        match self.container_by_name(name.as_str())? {
            None => Ok(()),
            Some(_) => Err(self.name_taken(name)?),
        }
    }

    fn name_taken(&self, name: &ContainerName) -> Result<Error, Error> {
        let holder = self.container_by_name(name.as_str())?;
        Ok(Error::NameTaken {
            name: name.to_string(),
            holder: holder.map(|row| row.id.to_string()).unwrap_or_default(),
        })
    }

    /// Records that the command runs.
    pub fn mark_running(
        &self,
        id: &ContainerId,
        init: ProcessIdentity,
        netns: u64,
        now: i64,
    ) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET status = 'running', started = ?2, init_pid = ?3,
                    init_start = ?4, netns = ?5 WHERE id = ?1",
                params![id.as_str(), now, init.pid, init.start, netns],
            )
            .map(drop)
            .map_err(Error::during("record that a container runs"))
    }

    /// Records how it ended; whether anything is still to be undone is said by
    /// [`Transaction::settle`].
    pub fn mark_exited(&self, id: &ContainerId, exit_code: i32, now: i64) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET status = 'exited', exit_code = ?2, finished = ?3
                 WHERE id = ?1 AND status <> 'exited'",
                params![id.as_str(), exit_code, now],
            )
            .map(drop)
            .map_err(Error::during("record that a container ended"))
    }

    /// Records what a container is to be from now on, and what was chosen for it, as JSON.
    pub fn set_wish(&self, id: &ContainerId, spec: &str, settings: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET spec = ?2, settings = ?3 WHERE id = ?1",
                [id.as_str(), spec, settings],
            )
            .map(drop)
            .map_err(Error::during("record a change of a container"))
    }

    /// Keeps only these steps (as JSON) for a later undo.
    pub fn set_plan(&self, id: &ContainerId, plan: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET plan = ?2 WHERE id = ?1",
                [id.as_str(), plan],
            )
            .map(drop)
            .map_err(Error::during("record what is left to undo"))
    }

    /// Everything is undone: the row no longer speaks of anything alive.
    pub fn settle(&self, id: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET plan = NULL, boot = NULL, supervisor_pid = NULL,
                    supervisor_start = NULL, init_pid = NULL, init_start = NULL, netns = NULL
                 WHERE id = ?1",
                [id.as_str()],
            )
            .map(drop)
            .map_err(Error::during("settle a container"))
    }

    /// Forgets a container.
    pub fn delete_container(&self, id: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM container WHERE id = ?1", [id.as_str()])
            .map(drop)
            .map_err(Error::during("remove a container"))
    }

    /// The container of this name.
    pub fn container_by_name(&self, name: &str) -> Result<Option<ContainerRow>, Error> {
        self.one_container("SELECT * FROM container WHERE name = ?1", [name])
    }

    /// The container with this ID.
    pub fn container(&self, id: &ContainerId) -> Result<Option<ContainerRow>, Error> {
        self.one_container("SELECT * FROM container WHERE id = ?1", [id.as_str()])
    }

    /// The containers whose ID begins so, at most two: none, the one, or ambiguous.
    pub fn containers_by_prefix(&self, prefix: &str) -> Result<Vec<ContainerRow>, Error> {
        // Hexadecimal digits only, so no wildcard of LIKE can come in.
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        self.many_containers(
            "SELECT * FROM container WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2",
            [prefix.to_ascii_lowercase()],
        )
    }

    /// All containers, the newest first.
    pub fn containers(&self) -> Result<Vec<ContainerRow>, Error> {
        self.many_containers("SELECT * FROM container ORDER BY created DESC, id", [])
    }

    /// The containers that are alive or have something left to undo.
    pub fn live_containers(&self) -> Result<Vec<ContainerRow>, Error> {
        self.many_containers("SELECT * FROM container WHERE boot IS NOT NULL", [])
    }

    /// What SQLite finds wrong with the file; nothing if it is whole.
    pub fn quick_check(&self) -> Result<Vec<String>, Error> {
        let act = Error::during("check the database");
        let mut statement = self.inner.prepare("PRAGMA quick_check").map_err(&act)?;
        let lines = statement
            .query_map([], |row| row.get::<_, String>(0))
            .map_err(&act)?;
        let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(act)?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Who supervises what, and nothing more: the cheap look that every command takes. It
    /// is answered from an index alone; a container's row may fill several pages.
    pub fn supervisors(&self) -> Result<Vec<(String, ProcessIdentity, String)>, Error> {
        let act = Error::during("list the supervisors");
        let mut statement = self
            .inner
            .prepare_cached(
                "SELECT boot, supervisor_pid, supervisor_start, id FROM container WHERE boot IS NOT NULL",
            )
            .map_err(&act)?;
        let rows = statement
            .query_map([], |row| {
                Ok((
                    row.get(0)?,
                    ProcessIdentity {
                        pid: row.get(1)?,
                        start: row.get(2)?,
                    },
                    row.get(3)?,
                ))
            })
            .map_err(&act)?;
        rows.collect::<Result<_, _>>().map_err(act)
    }

    /// The last that began before this one of those who watch over containers in this boot:
    /// the older, and of those of one age the one whose container's ID comes first.
    pub fn supervisor_before(
        &self,
        boot: &str,
        start: u64,
        id: &str,
    ) -> Result<Option<(ProcessIdentity, String)>, Error> {
        self.inner
            .prepare_cached(
                "SELECT supervisor_pid, supervisor_start, id FROM container
                 INDEXED BY container_watch
                 WHERE boot IS NOT NULL AND boot = ?1 AND (supervisor_start, id) < (?2, ?3)
                 ORDER BY supervisor_start DESC, id DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![boot, start, id], |row| {
                        let process = ProcessIdentity {
                            pid: row.get(0)?,
                            start: row.get(1)?,
                        };
                        Ok((process, row.get(2)?))
                    })
                    .optional()
            })
            .map_err(Error::during("look for the supervisor before"))
    }

    /// The containers that live in the namespace of this one.
    pub fn guests_of(&self, host: &ContainerId) -> Result<Vec<ContainerRow>, Error> {
        self.many_containers(
            "SELECT * FROM container WHERE namespace_of = ?1 AND boot IS NOT NULL",
            [host.as_str()],
        )
    }

    fn one_container(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<ContainerRow>, Error> {
        self.inner
            .prepare_cached(query)
            .and_then(|mut statement| {
                statement
                    .query_row(parameters, |row| Ok(read_container(row)))
                    .optional()
            })
            .map_err(Error::during("look up a container"))?
            .transpose()
    }

    fn many_containers(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<ContainerRow>, Error> {
        let act = Error::during("list containers");
        let mut statement = self.inner.prepare_cached(query).map_err(&act)?;
        let rows = statement
            .query_map(parameters, |row| Ok(read_container(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }
}

fn read_container(row: &Row<'_>) -> Result<ContainerRow, Error> {
    let act = Error::during("read a container");
    let namespace_of: Option<String> = row.get("namespace_of").map_err(&act)?;
    Ok(ContainerRow {
        id: parse("the ID of a container", row.get("id").map_err(&act)?)?,
        name: parse("the name of a container", row.get("name").map_err(&act)?)?,
        spec: row.get("spec").map_err(&act)?,
        settings: row.get("settings").map_err(&act)?,
        plan: row.get("plan").map_err(&act)?,
        namespace_of: namespace_of
            .map(|id| parse("whose namespace is shared", id))
            .transpose()?,
        created: row.get("created").map_err(&act)?,
        started: row.get("started").map_err(&act)?,
        finished: row.get("finished").map_err(&act)?,
        status: Status::from_column(row.get("status").map_err(&act)?)?,
        exit_code: row.get("exit_code").map_err(&act)?,
        error: row.get("error").map_err(&act)?,
        wish: Wish::from_column(row.get("wish").map_err(&act)?)?,
        ended_by: row.get("ended_by").map_err(&act)?,
        restarts: row.get("restarts").map_err(&act)?,
        live: read_live(row)?,
    })
}

fn read_live(row: &Row<'_>) -> Result<Option<Live>, Error> {
    let act = Error::during("read a container");
    let boot: Option<String> = row.get("boot").map_err(&act)?;
    let init_pid: Option<i32> = row.get("init_pid").map_err(&act)?;
    let init_start: Option<u64> = row.get("init_start").map_err(&act)?;
    let Some(boot) = boot else { return Ok(None) };
    Ok(Some(Live {
        boot,
        supervisor: ProcessIdentity {
            pid: row.get("supervisor_pid").map_err(&act)?,
            start: row.get("supervisor_start").map_err(&act)?,
        },
        init: init_pid
            .zip(init_start)
            .map(|(pid, start)| ProcessIdentity { pid, start }),
        netns: row.get("netns").map_err(&act)?,
    }))
}
