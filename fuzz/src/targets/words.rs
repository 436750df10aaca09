//! What users type as options and arguments.

use super::{Target, promise, text};
use minet_model::{
    AddHost, AddressRange, ContainerName, ExposedPorts, HostName, IfName, LinkSpec, LogLimits,
    MacAddr, NetworkArgument, NetworkId, NetworkMode, NetworkName, NetworkSpec, PublishSpec,
    RestartPolicy, SecurityOption, SignalNumber, Sysctl, Tmpfs, UserSpec, Volume,
};
use std::{fmt::Display, str::FromStr};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "publish",
            examples: &[
                "8080:80",
                "127.0.0.1:8000-8010:80-90/udp",
                "[::1]:53:53/tcp",
                "80",
                "0.0.0.0::80/sctp",
            ],
            run: |input| {
                let _ = text(input).parse::<PublishSpec>().map_err(spoken);
                let _ = text(input).parse::<ExposedPorts>().map_err(spoken);
                Ok(())
            },
        },
        Target {
            name: "names",
            examples: &["web", "db_1.example-2", "minet0", "a1b2c3d4", "eth0"],
            run: names,
        },
        Target {
            name: "addresses",
            examples: &["02:42:ac:11:00:02", "10.0.0.0/25", "10.0.0.9-10.0.0.20"],
            run: |input| {
                round_trip::<MacAddr>(input)?;
                round_trip::<AddressRange>(input)
            },
        },
        Target {
            name: "network",
            examples: &[
                "bridge",
                "container:web",
                "ns:/run/netns/a",
                "name=back,ip=10.0.0.7,mac-address=02:00:00:00:00:07,alias=db,ifname=lan,gw-priority=-3,anti-spoof=false",
            ],
            run: |input| {
                let _ = text(input).parse::<NetworkMode>();
                let _ = text(input).parse::<NetworkArgument>();
                Ok(())
            },
        },
        Target {
            name: "network-option",
            examples: &[
                "com.docker.network.bridge.name=br7",
                "com.docker.network.driver.mtu=1400",
                "com.docker.network.bridge.enable_icc=false",
            ],
            run: |input| {
                let text = text(input);
                let (key, value) = text.split_once('=').unwrap_or((&text, ""));
                let name = "a".parse().map_err(|_| "a is no name")?;
                let _ = NetworkSpec::named(name).set_option(key, value);
                Ok(())
            },
        },
        Target {
            name: "link",
            examples: &["db", "db:alias", "db001:db002 db003", "/web/db:x"],
            run: |input| match text(input).parse::<LinkSpec>() {
                Ok(link) => promise(is_a_link(&link), || format!("{link:?}")),
                Err(_) => Ok(()),
            },
        },
        Target {
            name: "add-host",
            examples: &["db:10.0.0.7", "host:host-gateway", "v6:[::1]", "v6=fe80::1"],
            run: |input| match text(input).parse::<AddHost>() {
                Ok(add) => promise(is_plain(add.name.as_str()), || format!("{add:?}")),
                Err(_) => Ok(()),
            },
        },
        Target {
            name: "process",
            examples: &[
                "/srv:/mnt:ro",
                "net.ipv4.ip_forward=1",
                "33:www-data",
                "SIGTERM",
                "on-failure:3",
                "max-size=10m",
                "seccomp=unconfined",
            ],
            run: |input| {
                let text = text(input);
                let _ = (text.parse::<UserSpec>(), text.parse::<SignalNumber>());
                let _ = (
                    text.parse::<RestartPolicy>(),
                    text.parse::<SecurityOption>(),
                );
                let _ = LogLimits::default().set(&text);
                if let Ok(sysctl) = text.parse::<Sysctl>() {
                    let key = sysctl.key();
                    promise(
                        key.starts_with("net.")
                            && !key.contains(['/', '\n'])
                            && !key.contains(".."),
                        || format!("key {key:?}"),
                    )?;
                }
                if let Ok(volume) = text.parse::<Volume>() {
                    let target = &volume.target;
                    promise(target.is_absolute() && !target.ends_with(".."), || {
                        format!("{target:?}")
                    })?;
                }
                if let Ok(tmpfs) = text.parse::<Tmpfs>() {
                    let target = &tmpfs.target;
                    let plain = |(_, value): &(_, String)| !value.contains([',', '=', '\n']);
                    promise(
                        target.is_absolute()
                            && !target.ends_with("..")
                            && tmpfs.kernel_options().iter().all(plain),
                        || format!("{tmpfs:?}"),
                    )?;
                }
                Ok(())
            },
        },
    ]
}

/// An error may say anything, but it must be able to.
fn spoken(error: impl Display) -> String {
    error.to_string()
}

fn names(input: &[u8]) -> Result<(), String> {
    round_trip::<ContainerName>(input)?;
    round_trip::<NetworkName>(input)?;
    round_trip::<HostName>(input)?;
    round_trip::<IfName>(input)?;
    round_trip::<NetworkId>(input)?;
    let text = text(input);
    // These become names of files.
    let file = |name: &str| !name.contains('/') && name != "." && name != "..";
    if let Ok(name) = text.parse::<ContainerName>() {
        promise(file(name.as_str()) && is_plain(name.as_str()), || {
            format!("container {name}")
        })?;
    }
    if let Ok(name) = text.parse::<IfName>() {
        promise(file(name.as_str()) && name.as_str().len() < 16, || {
            format!("interface {name}")
        })?;
    }
    if let Ok(name) = text.parse::<HostName>() {
        promise(is_plain(name.as_str()), || format!("host {name}"))?;
    }
    Ok(())
}

/// No white space, no control characters: it stays within its line and column.
/// It has names, each can stand in a line of a hosts file, and written again it is the same.
fn is_a_link(link: &LinkSpec) -> bool {
    let aliases: Vec<&str> = link.aliases.iter().map(|alias| alias.as_str()).collect();
    let again = format!("{}:{}", link.source, aliases.join(","));
    !aliases.is_empty()
        && aliases.iter().all(|alias| is_plain(alias))
        && again.parse::<LinkSpec>().as_ref() == Ok(link)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is accepted is written as what reads as the same.
fn round_trip<T: FromStr + Display + PartialEq>(input: &[u8]) -> Result<(), String> {
    let Ok(value) = text(input).parse::<T>() else {
        return Ok(());
    };
    let written = value.to_string();
    let same = written.parse::<T>().is_ok_and(|again| again == value);
    promise(same, || {
        format!("is written as {written:?}, which is not the same")
    })
}
