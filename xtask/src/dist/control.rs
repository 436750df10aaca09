//! What dpkg has to know of the package.

use super::tree;
use crate::shell;
use anyhow::Result;
use std::{path::Path, process::Command};

/// The fields of `DEBIAN/control` that are not the same everywhere.
pub(crate) struct Control {
    version: String,
    architecture: String,
    libc: String,
    installed_size: u64,
}

impl Control {
    /// For the files below `root`, on this machine.
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let architecture = shell::output_of(Command::new("dpkg").arg("--print-architecture"))?;
        Ok(Control {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: architecture.trim().to_owned(),
            libc: libc_of_this_machine(),
            installed_size: tree::size_of(root)?,
        })
    }

    /// `minet_0.1.0_amd64.deb`
    pub(crate) fn file_name(&self) -> String {
        format!("minet_{}_{}.deb", self.version, self.architecture)
    }

    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        tree::write(&root.join("DEBIAN/control"), &self.text())
    }

    fn text(&self) -> String {
        let Control {
            version,
            architecture,
            libc,
            installed_size,
        } = self;
        format!(
            "\
Package: minet
Version: {version}
Architecture: {architecture}
Maintainer: The minet authors <minet@localhost>
Installed-Size: {installed_size}
Depends: {libc}, libgcc-s1, libmnl0 (>= 1.0.3), libnftnl11 (>= 1.2.4)
Suggests: iproute2, nftables, bash-completion
Section: admin
Priority: optional
Description: container networking that you can see through
 minet gives a process the network that Docker would give it: a namespace of
 its own, a cable to a bridge, an address, a way out, published ports, names.
 There is no daemon and there are no images, and every step can be shown as
 the ip or nft command that does the same.
"
        )
    }
}

/// What was linked against the C library of this machine may need all that it has.
fn libc_of_this_machine() -> String {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Version}", "libc6"]);
    let version = shell::output_of(&mut query).unwrap_or_default();
    // Debian's revision, behind the hyphen, changes nothing of it.
    match version
        .split('-')
        .next()
        .filter(|version| !version.is_empty())
    {
        Some(version) => format!("libc6 (>= {version})"),
        None => "libc6".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_that_dpkg_asks_for() {
        let control = Control {
            version: "1.2.3".to_owned(),
            architecture: "arm64".to_owned(),
            libc: "libc6".to_owned(),
            installed_size: 4000,
        };
        assert_eq!(control.file_name(), "minet_1.2.3_arm64.deb");
        for line in control.text().lines() {
            assert!(line.starts_with(' ') || line.contains(": "), "{line}");
            assert!(line.len() < 80, "{line}");
        }
    }
}
