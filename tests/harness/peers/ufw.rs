//! The real ufw, Ubuntu's and Debian's front end of iptables.

use super::furnish;
use crate::{Finished, TestHost};

/// As its package does it; what that leaves in `/etc/ufw`, only root may read.
const CONFIGURE: &str = "
mkdir -p /etc/ufw/applications.d /etc/default
cp /usr/share/ufw/*.rules /usr/share/ufw/*.init /usr/share/ufw/ufw.conf /etc/ufw
cat >/etc/default/ufw <<END
IPV6=yes
DEFAULT_INPUT_POLICY=\"DROP\"
DEFAULT_OUTPUT_POLICY=\"ACCEPT\"
DEFAULT_FORWARD_POLICY=\"$FORWARD\"
DEFAULT_APPLICATION_POLICY=\"SKIP\"
MANAGE_BUILTINS=no
IPT_MODULES=\"\"
END";

/// What ufw does with what is passed on; the package's choice is to drop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// By the chain's policy.
    Drop,
    /// By a rule in a chain of ufw's own.
    Reject,
}

/// A host with ufw, which is not enabled yet.
pub struct Ufw<'h> {
    host: &'h TestHost,
}

impl<'h> Ufw<'h> {
    /// Brings its configuration into the host.
    #[track_caller]
    pub fn configure(host: &'h TestHost, forward: Forward) -> Self {
        furnish(host, "ufw");
        let policy = match forward {
            Forward::Drop => "DROP",
            Forward::Reject => "REJECT",
        };
        host.sh(&format!("FORWARD={policy}\n{CONFIGURE}")).succeed();
        Ufw { host }
    }

    /// The `ufw` of the command line.
    pub fn run(&self, arguments: &str) -> Finished<'h> {
        self.host.exec(format!("ufw --force {arguments}"))
    }
}
