//! Everything minet does to a machine.
//!
//! This is the whole list; there is no other place from which the network of a machine is
//! changed. Each step stands in a file of its own under `steps/`, where its four answers
//! are side by side: how to *apply* it, how to *undo* it, how to *check* that it is still
//! so, and how to *explain* it, as the command that does the same.

use crate::{Error, machine::Machine, steps::*};
use serde::{Deserialize, Serialize};

/// One change to the machine, as data: it can be stored, printed, applied and undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    // What a network needs, once.
    /// The nftables table with its fixed chains and empty sets.
    InstallTable(InstallTable),
    /// The bridge, the switch of the network, with the host's address on it.
    MakeBridge(MakeBridge),
    /// A further bridge, joined to it by a trunk.
    MakeShard(MakeShard),
    /// A bridge that somebody else made is the switch of the network.
    UseBridge(UseBridge),
    /// The network's elements in the sets of the table.
    AdmitNetwork(AdmitNetwork),
    /// Containers stay out of the bridges of others.
    Restrain(Restrain),
    /// Accepting rules in chains of other firewalls that drop what they do not know.
    PassForeignDrop(PassForeignDrop),
    /// The bridge's kernel parameters.
    TuneBridge(TuneBridge),
    /// The host passes packets on between interfaces.
    TurnOnForwarding(TurnOnForwarding),
    /// The host's IPv6 addresses on the bridge.
    GiveGateway6(GiveGateway6),
    /// The host passes IPv6 packets on between interfaces.
    TurnOnForwarding6(TurnOnForwarding6),

    // What a container needs.
    /// A network namespace with a name.
    MakeNamespace(MakeNamespace),
    /// Kernel parameters inside the namespace.
    TuneNamespace(TuneNamespace),
    /// A veth pair: one end on the bridge, the other inside.
    LayCable(LayCable),
    /// What may come out of the cable: only what the container is.
    GuardCable(GuardCable),
    /// The container's address.
    GiveAddress(GiveAddress),
    /// An interface inside goes up.
    SetLinkUp(SetLinkUp),
    /// The way to everywhere else.
    AddDefaultRoute(AddDefaultRoute),
    /// The host and the container know where the other one is.
    Introduce(Introduce),
    /// The host answers for the container's IPv6 address.
    AnswerFor(AnswerFor),
    /// The container's name server on 127.0.0.11.
    AnswerNames(AnswerNames),
    /// The way to one destination besides.
    AddRoute(AddRoute),
    /// The container's hosts, resolv.conf and hostname.
    WriteEtcFiles(WriteEtcFiles),
    /// minet's lines in the container's hosts file.
    RewriteHosts(RewriteHosts),
    /// The empty files and directories on which things are mounted.
    MakeMountPoints(MakeMountPoints),
    /// The elements that lead host ports to the container.
    PublishPorts(PublishPorts),
    /// A network that stands gets other settings.
    ChangeNetwork(ChangeNetwork),
    /// A cable follows its network's.
    ChangeCable(ChangeCable),
    /// The neighbours are told who has the address now.
    Announce(Announce),
    /// The elements that let the container reach those that it has links to.
    OpenEdges(OpenEdges),
}

/// The five answers of a step.
pub trait Act {
    /// Makes it so.
    fn apply(&self, machine: &mut Machine) -> Result<(), Error>;

    /// Takes it back. Idempotent: what is already gone is success.
    fn undo(&self, machine: &mut Machine) -> Result<(), Error>;

    /// Compares it with the kernel.
    fn check(&self, machine: &mut Machine) -> Result<Finding, Error>;

    /// Makes it so again where [`Act::check`] found a difference; whatever else is there,
    /// and whoever uses it, stays.
    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        self.apply(machine)
    }

    /// Tells what it does, in commands and in a sentence.
    fn explain(&self) -> Explanation;
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The kernel has what the step made.
    AsPlanned,
    /// It does not; this is the difference.
    Differs(String),
}

impl Finding {
    /// As planned if `so`, else the difference.
    pub fn expect(so: bool, difference: impl FnOnce() -> String) -> Self {
        match so {
            true => Finding::AsPlanned,
            false => Finding::Differs(difference()),
        }
    }
}

/// A step in words and commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the step does, as a short heading: "lay a cable to minet0".
    pub what: String,
    /// Why, in one sentence.
    pub why: String,
    /// The commands of a shell that do the same.
    pub up: Vec<String>,
    /// The commands that take it back; none where it goes by itself.
    pub down: Vec<String>,
}

impl Step {
    /// The step's four answers.
    pub fn act(&self) -> &dyn Act {
        match self {
            Step::InstallTable(step) => step,
            Step::MakeBridge(step) => step,
            Step::MakeShard(step) => step,
            Step::UseBridge(step) => step,
            Step::AdmitNetwork(step) => step,
            Step::Restrain(step) => step,
            Step::PassForeignDrop(step) => step,
            Step::TuneBridge(step) => step,
            Step::TurnOnForwarding(step) => step,
            Step::GiveGateway6(step) => step,
            Step::TurnOnForwarding6(step) => step,
            Step::MakeNamespace(step) => step,
            Step::TuneNamespace(step) => step,
            Step::LayCable(step) => step,
            Step::GuardCable(step) => step,
            Step::GiveAddress(step) => step,
            Step::SetLinkUp(step) => step,
            Step::AddDefaultRoute(step) => step,
            Step::Introduce(step) => step,
            Step::AnswerFor(step) => step,
            Step::AnswerNames(step) => step,
            Step::AddRoute(step) => step,
            Step::WriteEtcFiles(step) => step,
            Step::RewriteHosts(step) => step,
            Step::MakeMountPoints(step) => step,
            Step::PublishPorts(step) => step,
            Step::ChangeNetwork(step) => step,
            Step::ChangeCable(step) => step,
            Step::Announce(step) => step,
            Step::OpenEdges(step) => step,
        }
    }
}
