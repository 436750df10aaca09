use crate::{Error, Paths};
use minet_bridge::Rtnl;
use minet_names::resolver::Sockets;
use minet_nat::{Anatomy, Change, Firewall, Transit};
use minet_netns::{EtcFolder, Netns};

/// The machine that steps are applied to: open sockets to the kernel, opened on first use.
pub struct Machine {
    paths: Paths,
    rtnl: Option<Rtnl>,
    firewall: Option<Firewall>,
    inside: Inside,
    /// The process that holds the namespace open, where it is another one.
    holder: Option<i32>,
    /// The table in an empty namespace, for each kind of transit that was asked for.
    tables: Vec<(Transit, Anatomy)>,
    resolver: Option<Sockets>,
    etc: Option<EtcFolder>,
    /// Another container's namespace.
    joined: Option<Netns>,
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
            holder: None,
            tables: Vec::new(),
            resolver: None,
            etc: None,
            joined: None,
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

    /// What the kernel makes of the table's description, where nobody has touched it: in a
    /// network namespace that is gone again when this returns.
    pub fn table_as_it_should_be(&mut self, transit: Transit) -> Result<&Anatomy, Error> {
        let known = self.tables.iter().position(|(known, _)| *known == transit);
        let at = match known {
            Some(at) => at,
            None => {
                let (_netns, mut firewall) = Netns::create(Firewall::open)?;
                firewall.apply(&[Change::InstallTable(transit)])?;
                self.tables.push((transit, firewall.anatomy()?));
                self.tables.len() - 1
            }
        };
        Ok(&self.tables[at].1)
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
        self.holder = None;
    }

    /// The namespace of a container that another process watches over.
    pub(crate) fn look_inside(&mut self, netns: Netns, holder: i32) -> Result<(), Error> {
        let rtnl = netns.run(minet_bridge::Rtnl::open)??;
        self.inside = Inside::Held { netns, rtnl };
        self.holder = Some(holder);
        Ok(())
    }

    /// The process that holds the namespace open, where it is another one.
    pub(crate) fn holder(&self) -> Option<i32> {
        self.holder
    }

    /// The container lives in this namespace of another one, and shall not lose it when that
    /// one ends.
    pub(crate) fn join(&mut self, netns: Netns) {
        self.joined = Some(netns);
    }

    /// The other container's namespace in which this one lives.
    pub(crate) fn joined(&self) -> Option<&Netns> {
        self.joined.as_ref()
    }

    /// From now on, these are the sockets of the container's resolver, until somebody
    /// takes them to listen.
    pub fn set_resolver(&mut self, sockets: Option<Sockets>) {
        self.resolver = sockets;
    }

    /// The sockets of the container's resolver, for whoever listens.
    pub fn take_resolver(&mut self) -> Option<Sockets> {
        self.resolver.take()
    }

    /// From now on, this is where the container's generated files are.
    pub fn set_etc(&mut self, folder: Option<EtcFolder>) {
        self.etc = folder;
    }

    /// Where the container's generated files are, if they are held here.
    pub fn etc(&mut self) -> Option<&mut EtcFolder> {
        self.etc.as_mut()
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

impl Drop for Machine {
    /// Whoever waits for this command need not wait until the kernel has freed what it has
    /// deleted: another process holds the socket until then.
    fn drop(&mut self) {
        let Some(firewall) = self.firewall.take() else {
            return;
        };
        if let Some(rest) = firewall.unsettled() {
            // Without that process, closing takes its time here.
            let _ = minet_netns::linger(firewall.into(), rest);
        }
    }
}
