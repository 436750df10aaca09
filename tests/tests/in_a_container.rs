//! A host that is a container itself, of LXC or systemd-nspawn.

use minet_tests::TestHost;

/// `/proc/sys` as LXC (`proc:mixed`) and systemd-nspawn (`--private-network`) lay it out:
/// read-only, and over it the real `/proc/sys/net`.
const ONLY_NET_CAN_BE_WRITTEN: &str = "
    mkdir /run/net
    mount --bind /proc/sys/net /run/net
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    mount --move /run/net /proc/sys/net";

#[test]
fn kernel_parameters_below_a_mount_of_their_own_can_be_set() {
    let host = TestHost::new();
    host.sh(ONLY_NET_CAN_BE_WRITTEN).succeed();
    let hops = "cat /proc/sys/net/ipv4/ip_default_ttl";
    let inside = host.run_sh("--sysctl net.ipv4.ip_default_ttl=7", hops);
    assert_eq!(inside.succeed(), "7");
    let forwarding = "cat /proc/sys/net/ipv4/ip_forward";
    assert_eq!(host.sh(forwarding).succeed(), "1");
    host.minet("gc --all").succeed();
    assert_eq!(host.sh(forwarding).succeed(), "0");
}

#[test]
fn another_part_of_proc_in_their_place_is_not_believed() {
    let host = TestHost::new();
    // What would be written to as net.ipv4.ip_forward is not that.
    host.sh("mount --bind /proc/sys /proc/sys/net").succeed();
    let run = host.minet("run --rm -- true");
    let look_alike = "/proc/sys/net is not the kernel's proc file system";
    assert!(run.stderr().contains(look_alike), "{run}");
    run.end_with(125);
}
