//! The table in the kernel: changing it in transactions, asking it by key.

use crate::change::Change;
use crate::command::Command;
use crate::error::Error;
use crate::netlink::batch::Batch;
use crate::netlink::encode::encode;
use crate::netlink::socket::{Complaint, Socket};
use crate::publication::Publication;
use crate::table::{Transit, layout};
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How often a transaction is tried anew without what turned out to be done already.
/// Two are enough unless somebody else keeps changing the same elements.
const ATTEMPTS: usize = 8;

/// A door to the table `inet minet`, and to conntrack, in the network namespace in which
/// it was opened.
///
/// Changes take some 15 µs. What takes time is closing a netfilter socket, any one, within
/// some 20 ms after something was deleted: the kernel first waits until no processor can
/// still be reading what is to be freed (`nft_rcv_nl_event`), and lets no transaction begin
/// meanwhile. So open one and use it for everything; and let somebody hold its descriptor
/// ([`AsFd`], `OwnedFd::from`) who is in no hurry to close it.
pub struct Firewall {
    pub(crate) socket: Socket,
}

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

impl Firewall {
    /// Opens the door in the namespace of the calling thread.
    ///
    /// # Errors
    /// [`Error::NotSupported`] on a kernel without netfilter's netlink.
    pub fn open() -> Result<Self, Error> {
        let socket =
            Socket::open().map_err(|errno| Error::socket("open a netfilter socket", errno))?;
        Ok(Firewall { socket })
    }

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
        let planned = self.plan(changes)?;
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

    /// The commands of all changes. Whose port it is that shall be unpublished is asked first.
    fn plan<'a>(&mut self, changes: &'a [Change]) -> Result<Vec<Planned<'a>>, Error> {
        let mut planned = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let commands = match change {
                Change::Unpublish(publication) => self.plan_removal(publication)?,
                Change::Publish(Publication { port, .. }) if port.host_ip.is_ipv6() => {
                    return Err(Error::NotIpv4 { port: *port });
                }
                Change::InstallTable(_)
                | Change::AddNetwork(_)
                | Change::RemoveNetwork(_)
                | Change::Publish(_)
                | Change::RemoveTable => change.commands(),
            };
            planned.extend(commands.into_iter().map(|command| Planned {
                change,
                index,
                command,
            }));
        }
        Ok(planned)
    }

    /// Nothing, if the port is not published or leads elsewhere by now.
    fn plan_removal(&mut self, publication: &Publication) -> Result<Vec<Command>, Error> {
        let table = layout(Transit::Untouched);
        let commands = || {
            let claim = publication.claim(&table);
            claim
                .into_iter()
                .chain(publication.remove(&table))
                .collect()
        };
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

/// What was attempted, when it cannot be said more precisely.
const ACT: &str = "change table inet minet";

impl AsFd for Firewall {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Firewall> for OwnedFd {
    /// For whoever shall close the socket at leisure.
    fn from(firewall: Firewall) -> OwnedFd {
        firewall.socket.into()
    }
}
