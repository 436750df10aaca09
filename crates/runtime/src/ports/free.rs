//! A port to suggest instead of one that is taken.

use super::{UsedBy, socket};
use minet_model::Protocol;
use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
};

/// How far to look upwards and downwards.
const REACH: u16 = 64;

/// The lowest port that needs no privilege (`net.ipv4.ip_unprivileged_port_start`).
const FIRST_UNPRIVILEGED: u16 = 1024;

/// The nearest port that is free on all of `addresses` at this moment, upwards first.
pub(super) fn nearby(
    protocol: Protocol,
    addresses: &[IpAddr],
    port: u16,
    used_by: &UsedBy<'_>,
) -> Option<u16> {
    let lowest = if port < FIRST_UNPRIVILEGED {
        1
    } else {
        FIRST_UNPRIVILEGED
    };
    let upwards = (port..=port.saturating_add(REACH)).skip(1);
    let downwards = (port.saturating_sub(REACH).max(lowest)..port).rev();
    upwards.chain(downwards).find(|&port| {
        addresses
            .iter()
            .all(|&ip| is_free(protocol, ip, port, used_by))
    })
}

/// Whether it could be taken; the port is free again when this returns.
fn is_free(protocol: Protocol, ip: IpAddr, port: u16, used_by: &UsedBy<'_>) -> bool {
    if used_by(protocol, ip, port).is_some() {
        return false;
    }
    match socket::take(protocol, SocketAddr::new(ip, port)) {
        Ok(_) => true,
        // Only a port that is taken is a reason: a host without IPv6 has no `[::]`.
        Err(error) => error.kind() != ErrorKind::AddrInUse,
    }
}
