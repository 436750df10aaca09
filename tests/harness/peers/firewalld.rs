//! The real firewalld, and the bus that it listens to.

use super::furnish;
use crate::{Finished, Place, Running, TestHost, eventually};

/// A system bus without users of its own.
const BUS: &str = r#"<busconfig>
<type>system</type>
<listen>unix:path=/run/dbus/system_bus_socket</listen>
<policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy>
</busconfig>
"#;

/// The daemon, for as long as this value or its host lives.
pub struct Firewalld<'h> {
    host: &'h TestHost,
    _bus: Running<'h>,
    _daemon: Running<'h>,
}

impl<'h> Firewalld<'h> {
    /// Starts it as it is installed: default zone `public`, nftables behind it.
    #[track_caller]
    pub fn start(host: &'h TestHost) -> Self {
        furnish(host, "firewalld");
        // Without a configuration it has its defaults, which are those of the package.
        host.sh("mkdir -p /run/dbus /var/log/firewalld /etc/firewalld")
            .succeed();
        let bus = host.file("bus.conf", BUS);
        let bus = format!("dbus-daemon --nofork --config-file={}", bus.display());
        let bus = host.spawn(Place::Host, bus);
        eventually("the bus", || {
            host.sh("test -S /run/dbus/system_bus_socket").code() == 0
        });
        let firewalld = Firewalld {
            host,
            _bus: bus,
            _daemon: host.spawn(Place::Host, "firewalld --nofork --nopid"),
        };
        eventually("firewalld", || firewalld.run("--state").code() == 0);
        firewalld
    }

    /// The `firewall-cmd` of the command line.
    pub fn run(&self, arguments: &str) -> Finished<'h> {
        self.host.exec(format!("firewall-cmd {arguments}"))
    }
}
