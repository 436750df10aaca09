//! The program's own file, kept out of a container's reach.
//!
//! A root directory that somebody else made may hold a command that begins with
//! `#!/proc/self/exe`: the kernel then executes minet itself inside the container, which
//! can keep the file open and write to it later (CVE-2019-5736). So before minet starts
//! anything in a foreign root it executes itself anew from a read-only mount that nobody
//! else can reach.

use crate::Error;
use minet_netns::own_program;
use nix::unistd::fexecve;
use std::{ffi::CString, os::unix::ffi::OsStrExt};

/// Makes sure that this process was executed from a file that cannot be written to.
/// Executes the program anew if it was not; call it before anything has been changed.
///
/// A process that is about to be split in two must do this before.
pub fn raise() -> Result<(), Error> {
    let act = "execute minet from a read-only mount";
    let flags = nix::sys::statvfs::statvfs("/proc/self/exe")
        .map_err(Error::process(act))?
        .flags();
    if flags.contains(nix::sys::statvfs::FsFlags::ST_RDONLY) {
        return Ok(());
    }
    let program = own_program()?;
    let words = |words: Vec<Vec<u8>>| -> Result<Vec<CString>, Error> {
        let words: Result<_, _> = words.into_iter().map(CString::new).collect();
        words.map_err(|error| Error::process(act)(std::io::Error::other(error)))
    };
    let arguments = words(
        std::env::args_os()
            .map(|word| word.as_bytes().to_vec())
            .collect(),
    )?;
    let variables =
        std::env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
    let variables = words(variables.collect())?;
    fexecve(&program, &arguments, &variables)
        .map(|never| match never {})
        .map_err(Error::process(act))
}
