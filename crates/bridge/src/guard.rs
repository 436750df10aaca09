//! The guard at a cable: what a container may send, and as whom.
//!
//! ```text
//!  container ══ eth0 ═════ cable ═════ host end ──[ guard ]── minet0
//!                                                    │
//!             own MAC, own addresses ────────────────┼──▶ on
//!             somebody else's; tags, STP, router     └──▶ dropped
//!             advertisements, DHCP answers, redirects
//! ```
//!
//! A bridge believes what it hears: an ARP answer that says "I am the gateway" is the
//! gateway, a frame that comes from a neighbour's MAC moves the neighbour. So the host's end
//! of a cable has a filter for what comes in there, before the bridge sees it: a queueing
//! discipline of the kind `ingress`, which queues nothing, and a program of the classic
//! packet filter ([`program`]) that reads a frame's headers.
//!
//! ```text
//! tc qdisc add dev HOST ingress                                         set
//! tc filter replace dev HOST ingress pref 1 handle 1 bpf da bytecode …
//! tc qdisc del dev HOST ingress                                         remove
//! ```
//!
//! Why this and not rules of nftables: it dies with the cable. Nothing has to be removed
//! when a container ends, and no other container's packets pass by it. Why not what bridges
//! offer (`locked` ports, port isolation): that knows MACs and nothing above.
//!
//! The answer of a program that reads beyond a frame's end is 0, which means "pass". Hence
//! the length is asked before every header on which identity depends.

mod program;

pub use program::{Identity, TooManyAddresses, as_bytecode, program};

use crate::{Cause, Error, Removed, Rtnl, error::During, link, rtnl::Request};
use minet_model::{IfName, bpf::Instruction};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    tc::{TcAttribute, TcBpfFlags, TcFilterBpfOption, TcHandle, TcHeader, TcMessage, TcOption},
};

/// `TCA_BPF_OPS_LEN` and `TCA_BPF_OPS` in `linux/pkt_cls.h`: a program without a file.
const OPS_LEN: u16 = 4;
const OPS: u16 = 5;

/// Preference 1 and `ETH_P_ALL`, as `tcm_info` has them: the latter in network order.
const INFO: u32 = 1 << 16 | (libc::ETH_P_ALL as u16).to_be() as u32;

/// Where the discipline is, and under which handle it is known: `ffff:`.
const INGRESS: TcHandle = TcHandle {
    major: 0xffff,
    minor: 0,
};

/// Puts a guard at the host's end of a cable; one that stands there already is relieved.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`]; a kernel without `sch_ingress` or
/// `cls_bpf` refuses with `ENOENT`.
pub fn set(rtnl: &mut Rtnl, host_end: &IfName, identity: &Identity) -> Result<(), Error> {
    let instructions = program(identity)
        .map_err(|error| Cause::Malformed(error.to_string()))
        .during(|| format!("compose the guard of cable {host_end}"))?;
    try_set(rtnl, host_end, &instructions).during(|| {
        format!("guard cable {host_end} (the kernel needs sch_ingress and cls_bpf for that)")
    })
}

fn try_set(rtnl: &mut Rtnl, host_end: &IfName, program: &[Instruction]) -> Result<(), Cause> {
    let index = link::require(rtnl, host_end)?.index;
    let [discipline, filter] = rtnl.request_all([
        Request::with_flags(
            RouteNetlinkMessage::NewQueueDiscipline(discipline(index)),
            NLM_F_CREATE | NLM_F_EXCL,
        ),
        // Without NLM_F_EXCL the kernel replaces the program in one go.
        Request::with_flags(
            RouteNetlinkMessage::NewTrafficFilter(filter(index, program)),
            NLM_F_CREATE,
        ),
    ])?;
    match discipline {
        Err(refusal) if refusal.errno != libc::EEXIST => return Err(refusal.into()),
        Ok(()) | Err(_) => {}
    }
    Ok(filter?)
}

/// Takes a guard away; without an interface there is none.
///
/// # Errors
///
/// [`Cause::PermissionDenied`].
pub fn remove(rtnl: &mut Rtnl, host_end: &IfName) -> Result<Removed, Error> {
    try_remove(rtnl, host_end).during(|| format!("remove the guard of cable {host_end}"))
}

fn try_remove(rtnl: &mut Rtnl, host_end: &IfName) -> Result<Removed, Cause> {
    let Some(link) = link::by_name(rtnl, host_end)? else {
        return Ok(Removed::AlreadyGone);
    };
    let message = RouteNetlinkMessage::DelQueueDiscipline(discipline(link.index));
    match rtnl.request_one(Request::new(message))? {
        Ok(()) => Ok(Removed::Now),
        // EINVAL and ENOENT: there is no such discipline; which one depends on the kernel.
        Err(refusal) if matches!(refusal.errno, libc::EINVAL | libc::ENOENT | libc::ENODEV) => {
            Ok(Removed::AlreadyGone)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Whether exactly this guard stands at the cable.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], or an answer that is none.
pub fn stands(rtnl: &mut Rtnl, host_end: &IfName, identity: &Identity) -> Result<bool, Error> {
    let Ok(expected) = program(identity) else {
        return Ok(false);
    };
    try_find(rtnl, host_end)
        .map(|found| found == Some(bytes_of(&expected)))
        .during(|| format!("look at the guard of cable {host_end}"))
}

/// The bytes of the program that is there.
fn try_find(rtnl: &mut Rtnl, host_end: &IfName) -> Result<Option<Vec<u8>>, Cause> {
    let index = link::require(rtnl, host_end)?.index;
    let mut question = TcMessage::default();
    question.header = header(index, INGRESS);
    let list = match rtnl.dump(&RouteNetlinkMessage::GetTrafficFilter(question)) {
        // There is no such discipline.
        Err(cause) if cause.errno() == Some(libc::EINVAL) => return Ok(None),
        list => list?,
    };
    let mut programs = list.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewTrafficFilter(filter) => bytecode_in(filter),
        _ => None,
    });
    Ok(programs.next_back())
}

fn bytecode_in(filter: TcMessage) -> Option<Vec<u8>> {
    let options = filter
        .attributes
        .into_iter()
        .find_map(|attribute| match attribute {
            TcAttribute::Options(options) => Some(options),
            _ => None,
        });
    options?.into_iter().find_map(|option| match option {
        TcOption::Bpf(TcFilterBpfOption::Other(nla)) => {
            use netlink_packet_core::Nla;
            (nla.kind() == OPS).then(|| {
                let mut bytes = vec![0; nla.value_len()];
                nla.emit_value(&mut bytes);
                bytes
            })
        }
        _ => None,
    })
}

fn header(index: u32, parent: TcHandle) -> TcHeader {
    TcHeader {
        index: index.cast_signed(),
        parent,
        ..TcHeader::default()
    }
}

fn discipline(index: u32) -> TcMessage {
    let mut message = TcMessage::default();
    // TC_H_INGRESS: the parent of what comes in.
    message.header = header(
        index,
        TcHandle {
            major: 0xffff,
            minor: 0xfff1,
        },
    );
    message.header.handle = INGRESS;
    message
        .attributes
        .push(TcAttribute::Kind("ingress".to_owned()));
    message
}

fn filter(index: u32, program: &[Instruction]) -> TcMessage {
    let mut message = TcMessage::default();
    message.header = header(index, INGRESS);
    message.header.handle = TcHandle { major: 0, minor: 1 };
    message.header.info = INFO;
    let count = u16::try_from(program.len()).expect("a program is short");
    let options = [
        TcFilterBpfOption::Other(DefaultNla::new(OPS_LEN, count.to_ne_bytes().to_vec())),
        TcFilterBpfOption::Other(DefaultNla::new(OPS, bytes_of(program))),
        // The program's answer is the verdict itself.
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
    ];
    message.attributes.extend([
        TcAttribute::Kind("bpf".to_owned()),
        TcAttribute::Options(options.into_iter().map(TcOption::Bpf).collect()),
    ]);
    message
}

/// As the kernel's array of `struct sock_filter`.
fn bytes_of(program: &[Instruction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 * program.len());
    for instruction in program {
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.if_true, instruction.if_false]);
        bytes.extend(instruction.value.to_ne_bytes());
    }
    bytes
}
