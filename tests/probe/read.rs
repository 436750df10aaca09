//! A reader of a hosts file that is rewritten all the time.
//!
//! Each text has, if there are links, their names between `first-N` and `last-N`, with the
//! same number. What is read is whole, or printed as `torn`.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::{Duration, Instant},
};

/// A writer waits so long for one that has the file open; whoever was kept from its
/// processor for as long as that proves nothing.
const PATIENCE: Duration = Duration::from_millis(250);

/// How it is read, each time from `open` to `close`.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// In pieces of 64 bytes.
    Pieces,
    /// At once.
    Whole,
}

/// Reads without a pause until there is a file called `stop`.
pub(crate) fn read(manner: Manner, file: &Path, stop: &Path) -> io::Result<()> {
    println!("ready");
    let (mut reads, mut torn) = (0_u64, 0);
    while reads % 256 != 0 || !stop.exists() {
        let began = Instant::now();
        let text = once(manner, file)?;
        reads += 1;
        if !is_whole(&text) && began.elapsed() < PATIENCE && torn < 3 {
            torn += 1;
            println!("torn: {}", String::from_utf8_lossy(&text));
        }
    }
    println!("read {reads} times");
    Ok(())
}

fn once(manner: Manner, path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    let mut piece = [0; 65536];
    let piece = match manner {
        Manner::Pieces => &mut piece[..64],
        Manner::Whole => &mut piece[..],
    };
    loop {
        match file.read(piece)? {
            0 => return Ok(text),
            length => text.extend_from_slice(&piece[..length]),
        }
    }
}

fn is_whole(text: &[u8]) -> bool {
    let number = |prefix: &str| {
        let text = std::str::from_utf8(text).ok()?;
        let (_, behind) = text.split_once(prefix)?;
        behind.split_whitespace().next()
    };
    text.starts_with(b"# minet begin\n127.0.0.1\tlocalhost\n")
        && text.ends_with(b"\n# minet end\n")
        && !text.contains(&0)
        && number("first-") == number("last-")
}
