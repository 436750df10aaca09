//! Files that others write: the host's, a user's, a container's.

use super::{Target, promise, text};
use minet_config::Config;
use minet_model::Seccomp;
use minet_names::{
    hosts::{self, Block, Entry},
    resolv::ResolvConf,
};
use minet_netns::seccomp;
use std::{net::IpAddr, path::Path};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "config-toml",
            examples: &[
                "bip = \"10.1.0.1/24\"\nmtu = 1400\ndns = [\"1.1.1.1\"]\nicc = false\n",
                "default-address-pools = [{ base = \"10.0.0.0/8\", size = 24 }]\n[network.bridge]\nip6 = true\n",
            ],
            run: |input| {
                let _ = Config::parse(Path::new("/etc/minet/config.toml"), &text(input));
                Ok(())
            },
        },
        Target {
            name: "daemon-json",
            examples: &[
                r#"{"bip": "10.1.0.1/24", "mtu": 1400, "dns": ["1.1.1.1"], "log-driver": "journald"}"#,
                r#"{"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}], "ipv6": true, "fixed-cidr-v6": "fd00::/64"}"#,
            ],
            run: |input| {
                let _ = Config::parse(Path::new("/etc/docker/daemon.json"), &text(input));
                Ok(())
            },
        },
        Target {
            name: "resolv.conf",
            examples: &[
                "nameserver 127.0.0.53\nsearch corp.example a.b\noptions ndots:2 edns0\n",
                "domain x\nnameserver fe80::1%eth0\r\n# comment\nsortlist 1.2.3.4\n",
            ],
            run: resolv_conf,
        },
        Target {
            name: "hosts",
            examples: &[
                "127.0.0.1 localhost\n# minet begin\n10.0.0.9 db\n# minet end\n1.2.3.4 mine\n",
                "::1\tlocalhost ip6-localhost\n10.0.0.7   a b c # note",
            ],
            run: hosts_file,
        },
        Target {
            name: "seccomp",
            examples: &[
                r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
                "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
                {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
                {"names": ["ptrace"], "action": "SCMP_ACT_TRACE", "errnoRet": 7, "includes": {"minKernel": "4.8"}}]}"#,
            ],
            run: |input| {
                let choice = Seccomp::Profile { text: text(input) };
                let _ = seccomp::filter(&choice, minet_netns::Capabilities::NONE);
                Ok(())
            },
        },
    ]
}

/// What is read and written again says the same, in lines of known kinds only.
fn resolv_conf(input: &[u8]) -> Result<(), String> {
    let written = ResolvConf::parse(&text(input)).render();
    let again = ResolvConf::parse(&written).render();
    promise(written == again, || {
        format!("{written:?} becomes {again:?}")
    })?;
    let known = |line: &str| {
        let kinds = ["nameserver ", "search ", "options ", "#"];
        line.is_empty() || kinds.iter().any(|kind| line.starts_with(kind))
    };
    promise(written.lines().all(known), || format!("{written:?}"))
}

/// A user's lines stay, minet's are there once, and doing it twice is doing it once.
fn hosts_file(input: &[u8]) -> Result<(), String> {
    let name = "db.example".parse().map_err(|_| "no name")?;
    let block = Block::of_entries(&[Entry::new(IpAddr::from([10, 0, 0, 9]), name)]);
    let once = hosts::update(input, &block);
    let twice = hosts::update(&once, &block);
    promise(once == twice, || "a second update changes more".to_owned())?;
    let written = block.as_str().as_bytes();
    let there = once.windows(written.len()).any(|part| part == written);
    promise(there, || "the block is not there".to_owned())?;
    // Without a marker of minet's, all that was there is there.
    if !input
        .windows(5)
        .any(|part| part.eq_ignore_ascii_case(b"minet"))
    {
        promise(once.starts_with(input), || {
            "a user's line is gone".to_owned()
        })?;
    }
    let copy = hosts::of_host(input, &[]);
    promise(copy == input, || {
        "the host's lines are not its own".to_owned()
    })?;
    // Of a base no marker is left, so the next update finds the block and nothing else.
    let based = hosts::on_base(input, &block);
    let again = hosts::update(&based, &block);
    promise(based == again, || {
        "on a base an update changes more".to_owned()
    })?;
    promise(based.ends_with(written), || {
        "the block is not behind its base".to_owned()
    })?;
    Ok(())
}
