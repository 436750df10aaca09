//! What no safe function offers, because it is asked for by nobody with good intentions.
#![expect(
    unsafe_code,
    reason = "system calls by number are what an attacker makes"
)]

use nix::errno::Errno;
use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// Makes a system call with these arguments; none if its name is not known here.
pub(crate) fn call(name: &str, arguments: [u64; 6]) -> Option<Result<(), Errno>> {
    let number = match name {
        "add_key" => libc::SYS_add_key,
        "bpf" => libc::SYS_bpf,
        "clone3" => libc::SYS_clone3,
        "io_uring_setup" => libc::SYS_io_uring_setup,
        "kexec_load" => libc::SYS_kexec_load,
        "keyctl" => libc::SYS_keyctl,
        "mount" => libc::SYS_mount,
        "open_by_handle_at" => libc::SYS_open_by_handle_at,
        "perf_event_open" => libc::SYS_perf_event_open,
        "personality" => libc::SYS_personality,
        "ptrace" => libc::SYS_ptrace,
        "setns" => libc::SYS_setns,
        "socket" => libc::SYS_socket,
        "swapon" => libc::SYS_swapon,
        "unshare" => libc::SYS_unshare,
        "userfaultfd" => libc::SYS_userfaultfd,
        // Beyond what any kernel has.
        "newest" => 4000,
        _ => return None,
    };
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: none of these writes to memory of ours when its pointers are null, and none
    // makes a second process that would go on with this one's memory.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    Some(Errno::result(answer).map(drop))
}

/// Sends a frame out of an interface, as it is (packet(7)); needs `CAP_NET_RAW`.
pub(crate) fn send_frame(interface: &str, frame: &[u8]) -> io::Result<()> {
    let (socket, address) = packet_socket(interface)?;
    // SAFETY: the frame and the address are valid for reading for the lengths given.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            ADDRESS_LEN,
        )
    };
    Errno::result(sent).map(drop).map_err(io::Error::from)
}

/// A socket that hears every frame of an interface, those of others too.
pub(crate) fn open_ear(interface: &str) -> io::Result<OwnedFd> {
    let (socket, address) = packet_socket(interface)?;
    // SAFETY: the address is valid for reading for the length given.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), ADDRESS_LEN) };
    Errno::result(bound)?;
    Ok(socket)
}

const ADDRESS_LEN: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;

fn packet_socket(interface: &str) -> io::Result<(OwnedFd, libc::sockaddr_ll)> {
    let everything = (libc::ETH_P_ALL as u16).to_be();
    // SAFETY: integers only.
    let socket = unsafe {
        libc::socket(
            libc::AF_PACKET,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            i32::from(everything),
        )
    };
    let socket = Errno::result(socket)?;
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: a sockaddr_ll is plain integers.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = everything;
    let index = nix::net::if_::if_nametoindex(interface)?;
    address.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    Ok((socket, address))
}
