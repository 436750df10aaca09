//! The writer against real files: readers at any moment, hostile paths, a full disk.

use minet_names::write::{WriteError, create, edit_in_place, write_in_place};
use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// A directory of this test alone, gone at the end.
struct TestDir(PathBuf);

impl TestDir {
    fn new(test: &str) -> Self {
        let name = format!("minet-names-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        TestDir(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, text: &[u8]) -> PathBuf {
        let path = self.path("hosts");
        create(&path, text).unwrap();
        path
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_inode_stays_and_the_text_is_exact() {
    let dir = TestDir::new("inode");
    let path = dir.file(b"one\n");
    let before = fs::metadata(&path).unwrap();
    assert_eq!(before.permissions().mode() & 0o777, 0o644);
    for text in [
        "one and much more\nand more\n",
        "x\n",
        "",
        "no line end",
        "y\n",
    ] {
        write_in_place(&path, text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino());
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let dir = TestDir::new("same");
    let path = dir.file(b"one\n");
    let before = fs::metadata(&path).unwrap();
    edit_in_place(&path, |old| old.to_vec()).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (after.mtime(), after.mtime_nsec()),
        (before.mtime(), before.mtime_nsec())
    );
}

#[test]
fn only_regular_files_are_written_and_no_symlink_is_followed() {
    let dir = TestDir::new("kinds");
    let target = dir.path("target");
    fs::write(&target, "untouched").unwrap();
    symlink(&target, dir.path("link")).unwrap();
    symlink(dir.path("nowhere"), dir.path("dangling")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path("pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();

    for name in ["link", "dangling", "missing"] {
        let error = write_in_place(&dir.path(name), b"x").unwrap_err();
        assert!(matches!(error, WriteError::Open { .. }), "{name}: {error}");
    }
    for path in [dir.path("pipe"), dir.0.clone(), PathBuf::from("/dev/null")] {
        let error = write_in_place(&path, b"x").unwrap_err();
        assert!(
            matches!(error, WriteError::NotRegular(_)),
            "{path:?}: {error}"
        );
    }
    for name in ["link", "dangling", "target"] {
        let error = create(&dir.path(name), b"x").unwrap_err();
        assert!(matches!(error, WriteError::Open { .. }), "{name}: {error}");
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    assert!(!dir.path("nowhere").exists());
}

#[test]
fn a_lock_that_is_never_given_back_is_an_error_and_not_a_wait() {
    let dir = TestDir::new("lock");
    let path = dir.file(b"one\n");
    let holder = File::open(&path).unwrap();
    rustix::fs::flock(&holder, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = write_in_place(&path, b"x").unwrap_err();
    assert!(matches!(error, WriteError::Locked(_)), "{error}");
    drop(holder);
    write_in_place(&path, b"x").unwrap();
}

#[test]
fn a_file_blown_up_by_its_container_is_not_read() {
    let dir = TestDir::new("long");
    let path = dir.file(b"");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let error = write_in_place(&path, b"x").unwrap_err();
    assert!(matches!(error, WriteError::TooLong(_)), "{error}");
}

#[test]
fn of_two_editors_none_loses_a_line() {
    const EDITS: usize = 300;
    let dir = TestDir::new("editors");
    let path = dir.file(b"");
    thread::scope(|scope| {
        for line in ["a\n", "b\n"] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..EDITS {
                    edit_in_place(path, |old| [old, line.as_bytes()].concat()).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read(&path).unwrap().len(), 2 * 2 * EDITS);
}

/// A few thousand updates between a short and a long text, while somebody reads.
#[test]
fn a_reader_never_finds_the_file_empty_or_cut_off() {
    const UPDATES: usize = 4_000;
    let short = b"127.0.0.1\tlocalhost\n".to_vec();
    let long = [short.clone(), b"10.0.0.9\tregistry.internal\n".repeat(40)].concat();
    let dir = TestDir::new("reader");
    let path = dir.file(&short);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&done, &path, &short, &long));
        for _ in 0..UPDATES / 2 {
            write_in_place(&path, &long).unwrap();
            write_in_place(&path, &short).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let seen = reader.join().unwrap();
        assert!(seen.reads > 100, "{seen:?}");
        // Reads that fall into the copying itself: no lock is against them, but they are few
        // even where the writer loses its processor in the middle.
        assert!(seen.mixed * 4 <= seen.reads, "{seen:?}");
    });
}

#[derive(Debug, Default)]
struct Seen {
    reads: usize,
    mixed: usize,
}

/// Reads the file again and again: it always begins with all of `short`, and each byte
/// behind is that of `long` or padding.
fn read_until(done: &AtomicBool, path: &Path, short: &[u8], long: &[u8]) -> Seen {
    let file = File::open(path).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let mut seen = Seen::default();
    while !done.load(Ordering::Relaxed) {
        let len = file.read_at(&mut buffer, 0).unwrap();
        let text = &buffer[..len];
        let of_either = |(byte, expected): (&u8, &u8)| byte == expected || b"\n\0".contains(byte);
        let told = || String::from_utf8_lossy(text);
        assert!(text.starts_with(short), "cut off: {:?}", told());
        assert!(len <= long.len(), "too long: {:?}", told());
        assert!(text.iter().zip(long).all(of_either), "{:?}", told());
        let whole = [short, long].map(<[u8]>::trim_ascii_end);
        let padding = |byte: &&u8| b"\n\0".contains(byte);
        let padded = text.iter().rev().take_while(padding).count();
        seen.reads += 1;
        seen.mixed += usize::from(!whole.contains(&&text[..len - padded]));
    }
    seen
}
