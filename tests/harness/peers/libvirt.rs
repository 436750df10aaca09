//! The real libvirt, for its virtual networks.

use super::furnish;
use crate::{Finished, Place, Running, TestHost, eventually};

/// Machines, of which there are none, would run as the one user that there is.
const MACHINES: &str = r#"mkdir -p /etc/libvirt
printf 'user = "root"\ngroup = "root"\n' >/etc/libvirt/qemu.conf"#;

/// For one user and one group, and no policy daemon.
const CONFIGURATION: &str = r#"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
"#;

/// The network `default` as libvirt ships it, but that nobody answers DHCP and DNS there, and
/// that its bridge forwards from the first moment on.
const NETWORK: &str = "<network><name>default</name><forward mode='nat'/>
<bridge name='virbr0' stp='off' delay='0'/><dns enable='no'/>
<ip address='192.168.122.1' netmask='255.255.255.0'/></network>
";

/// A namespace plugged into that network as a machine's card is.
const MACHINE: &str = "
mkdir -p /run/netns; ip netns add machine
ip link add vnet0 type veth peer name eth0 netns machine; ip link set vnet0 master virbr0 up
ip -n machine address add 192.168.122.50/24 dev eth0; ip -n machine link set eth0 up
ip -n machine link set lo up; ip -n machine route add default via 192.168.122.1";

/// The daemon with its default network, for as long as this value or its host lives.
pub struct Libvirt<'h> {
    host: &'h TestHost,
    _daemon: Running<'h>,
}

impl<'h> Libvirt<'h> {
    /// The address of what is plugged into its network.
    pub const MACHINE: &'static str = "192.168.122.50";

    /// Starts it and its network, with a machine on it.
    #[track_caller]
    pub fn start(host: &'h TestHost) -> Self {
        furnish(host, "libvirtd");
        host.sh(MACHINES).succeed();
        let configuration = host.file("libvirtd.conf", CONFIGURATION);
        let daemon = format!("libvirtd --config {}", configuration.display());
        let libvirt = Libvirt {
            host,
            _daemon: host.spawn(Place::Host, daemon),
        };
        eventually("libvirtd", || libvirt.virsh("net-list").code() == 0);
        let network = host.file("network.xml", NETWORK);
        libvirt
            .virsh(&format!("net-create {}", network.display()))
            .succeed();
        host.sh(MACHINE).succeed();
        libvirt
    }

    /// `virsh`, connected to the driver of networks.
    pub fn virsh(&self, arguments: &str) -> Finished<'h> {
        self.host
            .exec(format!("virsh --connect network:///system {arguments}"))
    }

    /// `probe serve` on the machine. It is ready.
    #[track_caller]
    pub fn serve(&self, sockets: &str) -> Running<'h> {
        let probe = self.host.probe();
        let serve = format!("ip netns exec machine {probe} serve {sockets}");
        let mut server = self.host.spawn(Place::Host, serve);
        server.wait_for("ready");
        server
    }

    /// Asks a `probe serve` from the machine.
    pub fn ask(&self, question: &str) -> Finished<'h> {
        let probe = self.host.probe();
        self.host
            .exec(format!("ip netns exec machine {probe} ask {question}"))
    }
}
