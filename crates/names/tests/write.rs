//! The writer against real files: readers at any moment, hostile paths, a full disk.

use minet_names::write::{Editor, Screen, WriteError, create, edit_in_place, write_in_place};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
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
    // That of the file itself is the container's to take, and nobody waits for it.
    let container = File::open(&path).unwrap();
    rustix::fs::flock(&container, rustix::fs::FlockOperation::LockExclusive).unwrap();
    write_in_place(&path, b"two\n").unwrap();
    let holder = File::open(&dir.0).unwrap();
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

/// Updates between a short and a long text, for one that keeps the file open and reads.
#[test]
fn a_reader_never_finds_the_file_empty_or_cut_off() {
    const UPDATES: usize = 8;
    let short = b"127.0.0.1\tlocalhost\n".to_vec();
    let long = [short.clone(), b"10.0.0.9\tregistry.internal\n".repeat(40)].concat();
    let dir = TestDir::new("reader");
    let path = dir.file(&short);
    let done = AtomicBool::new(false);
    let opened = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let file = File::open(&path).unwrap();
            opened.wait();
            read_until(&done, &file, &short, &long)
        });
        opened.wait();
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
fn read_until(done: &AtomicBool, file: &File, short: &[u8], long: &[u8]) -> Seen {
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

/// As the C library reads: open, read in pieces, close. Nothing but whole texts is seen, also
/// where they are longer than a page.
#[test]
fn who_opens_reads_and_closes_sees_whole_texts() {
    const UPDATES: usize = 4_000;
    let line = |number: usize| format!("10.{}.{}.9\tname-{number}\n", number / 250, number % 250);
    let text = |kind: usize| -> Vec<u8> {
        let lines = [3, 40, 400][kind % 3];
        (0..lines)
            .map(|number| line(number + 1000 * (kind % 7)))
            .collect::<String>()
            .into_bytes()
    };
    let texts: Vec<_> = (0..21).map(text).collect();
    let dir = TestDir::new("whole");
    let path = dir.file(&texts[0]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = [1000, 4096]
            .into_iter()
            .map(|piece| {
                scope.spawn({
                    let (done, path, texts) = (&done, &path, &texts);
                    move || read_whole(done, path, piece, texts)
                })
            })
            .collect();
        for kind in 0..UPDATES {
            write_in_place(&path, &texts[kind % texts.len()]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            let reads = reader.join().unwrap();
            assert!(reads > 50, "only {reads} reads");
        }
    });
}

fn read_whole(done: &AtomicBool, path: &Path, piece: usize, texts: &[Vec<u8>]) -> usize {
    use std::io::Read;
    let mut reads = 0;
    let mut buffer = vec![0; piece];
    while !done.load(Ordering::Relaxed) {
        let mut file = File::open(path).unwrap();
        let mut text = Vec::new();
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => break,
                len => text.extend_from_slice(&buffer[..len]),
            }
        }
        drop(file);
        // Where somebody has it open at every moment, nobody is waited for.
        thread::sleep(std::time::Duration::from_micros(200));
        assert!(
            texts.contains(&text),
            "no text that was ever written, {} bytes",
            text.len()
        );
        reads += 1;
    }
    reads
}

/// A screen that tells what it was asked to show, and that somebody writes into.
#[derive(Default)]
struct Shown {
    texts: Vec<Vec<u8>>,
    changed: Option<Vec<u8>>,
}

impl Screen for Shown {
    fn raise(&mut self, text: &[u8]) {
        self.texts.push(text.to_vec());
    }

    fn lower(&mut self) -> Option<Vec<u8>> {
        self.changed.take()
    }
}

#[test]
fn a_screen_is_for_readers_that_stay_and_what_is_written_there_is_kept() {
    let dir = TestDir::new("screen");
    let path = dir.file(b"one\n");
    let editor = Editor::of(&dir.0, Duration::from_secs(1)).unwrap();
    let edit = |editor: &Editor, screen: &mut Shown, line: &str| {
        let append = |old: &[u8]| [old, line.as_bytes()].concat();
        editor
            .edit_behind(screen, Path::new("hosts"), append)
            .unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let mut screen = Shown::default();
    assert_eq!(edit(&editor, &mut screen, "two\n"), "one\ntwo\n");
    assert!(screen.texts.is_empty(), "nobody was there");
    let _reader = File::open(&path).unwrap();
    assert_eq!(edit(&editor, &mut screen, "three\n"), "one\ntwo\nthree\n");
    assert_eq!(screen.texts, [b"one\ntwo\nthree\n"]);
    // It is written anew there, or only appended to.
    screen.changed = Some(b"mine\n".to_vec());
    assert_eq!(edit(&editor, &mut screen, "four\n"), "mine\nfour\n");
    screen.changed = Some(b"mine\nfour\nfive\nalso mine\n".to_vec());
    let all = "mine\nfour\nfive\nalso mine\n";
    assert_eq!(edit(&editor, &mut screen, "five\n"), all);
}

/// Somebody appends here while another appends to the screen.
#[test]
fn what_is_appended_on_either_side_of_a_screen_is_kept() {
    struct Busy(PathBuf);
    impl Screen for Busy {
        fn raise(&mut self, _text: &[u8]) {
            append(&self.0, "here\n");
        }

        fn lower(&mut self) -> Option<Vec<u8>> {
            Some(b"one\nours\nthere\n".to_vec())
        }
    }
    let dir = TestDir::new("sides");
    let path = dir.file(b"one\n");
    let _reader = File::open(&path).unwrap();
    let editor = Editor::of(&dir.0, Duration::from_secs(1)).unwrap();
    let edit = |old: &[u8]| [old, b"ours\n"].concat();
    let mut screen = Busy(path.clone());
    editor
        .edit_behind(&mut screen, Path::new("hosts"), edit)
        .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "one\nhere\nours\nthere\n");
}

fn append(path: &Path, line: &str) {
    let file = fs::OpenOptions::new().append(true).open(path);
    file.unwrap().write_all(line.as_bytes()).unwrap();
}

/// What somebody writes between the look at the file and its change is not lost.
#[test]
fn a_line_that_comes_meanwhile_stays() {
    let dir = TestDir::new("meanwhile");
    let path = dir.file(b"one\n");
    let times = std::cell::Cell::new(0);
    edit_in_place(&path, |old| {
        times.set(times.get() + 1);
        if times.get() == 1 {
            append(&path, "theirs\n");
        }
        [old, b"ours\n"].concat()
    })
    .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntheirs\nours\n");
}
