use crate::{Error, Paths};
use minet_bridge::Rtnl;
use minet_nat::Firewall;
use minet_netns::Netns;

/// The machine that steps are applied to: open sockets to the kernel, opened on first use.
pub struct Machine {
    paths: Paths,
    rtnl: Option<Rtnl>,
    firewall: Option<Firewall>,
    inside: Inside,
}

/// What the steps know of the container's network namespace.
pub enum Inside {
    /// Nobody here holds it: it was never made, or another process made it and is gone.
    Unknown,
    /// It is held open here, with a netlink socket that was opened inside.
    Held {
        /// The namespace.
        netns: Netns,
        /// A socket stays in the namespace it was opened in, so nobody need enter again.
        rtnl: Rtnl,
    },
    /// Its last process has ended and nobody needs it: the kernel takes it down in the
    /// background, and with it every interface inside, and with those their host ends.
    Dying,
}

impl Machine {
    /// A machine whose things are kept at these places.
    pub fn new(paths: Paths) -> Self {
        Machine {
            paths,
            rtnl: None,
            firewall: None,
            inside: Inside::Unknown,
        }
    }

    /// Where things are kept.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The netlink socket in the host's namespace.
    pub fn rtnl(&mut self) -> Result<&mut Rtnl, Error> {
        if self.rtnl.is_none() {
            self.rtnl = Some(Rtnl::open()?);
        }
        Ok(self.rtnl.as_mut().expect("opened above"))
    }

    /// The nftables socket in the host's namespace.
    pub fn firewall(&mut self) -> Result<&mut Firewall, Error> {
        if self.firewall.is_none() {
            self.firewall = Some(Firewall::open()?);
        }
        Ok(self.firewall.as_mut().expect("opened above"))
    }

    /// Closes the sockets in the host's namespace; the next use opens them again.
    pub fn let_go(&mut self) {
        self.rtnl = None;
        self.firewall = None;
    }

    /// The same for a process that nobody waits for, after things were deleted.
    pub fn let_go_at_leisure(&mut self) {
        self.rtnl = None;
        if let Some(firewall) = self.firewall.take() {
            firewall.close_at_leisure();
        }
    }

    /// The container's namespace, as far as it is known here.
    pub fn inside(&mut self) -> &mut Inside {
        &mut self.inside
    }

    /// From now on, this is the container's namespace.
    pub fn set_inside(&mut self, inside: Inside) {
        self.inside = inside;
    }

    /// The netlink socket inside the container, if the namespace is held here.
    pub fn rtnl_inside(&mut self) -> Option<&mut Rtnl> {
        match &mut self.inside {
            Inside::Held { rtnl, .. } => Some(rtnl),
            Inside::Unknown | Inside::Dying => None,
        }
    }

    /// The namespace that a plan has made.
    pub(crate) fn netns_inside(&self) -> Result<&Netns, Error> {
        match &self.inside {
            Inside::Held { netns, .. } => Ok(netns),
            Inside::Unknown | Inside::Dying => Err(Error::NoNamespace),
        }
    }

    /// Both sockets and the namespace, for the one step that needs all three.
    pub fn host_and_inside(&mut self) -> Result<(&mut Rtnl, &Netns), Error> {
        self.rtnl()?;
        match (&mut self.rtnl, &self.inside) {
            (Some(rtnl), Inside::Held { netns, .. }) => Ok((rtnl, netns)),
            _ => Err(Error::NoNamespace),
        }
    }
}
