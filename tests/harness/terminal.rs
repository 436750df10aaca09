//! A terminal for programs that want a real one.

use crate::{Finished, Place, TestHost, Words, binaries};
use nix::pty::{OpenptyResult, Winsize, openpty};
use rustix::termios::{self, Winsize as Size};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A program at a terminal: what a user sees and types.
pub struct Terminal<'h> {
    host: &'h TestHost,
    line: String,
    child: Child,
    master: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// Reads what is displayed, until nobody has the terminal open any more.
    reader: JoinHandle<()>,
    started: Instant,
}

/// How long somebody may keep the terminal open whom minet has left behind.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl<'h> Terminal<'h> {
    /// Starts `minet` at a terminal of 24 rows and 80 columns.
    pub fn minet(host: &'h TestHost, arguments: impl Words) -> Self {
        let minet = vec![binaries::minet().display().to_string()];
        Self::program(host, [minet, arguments.words()].concat())
    }

    /// Starts a program of the host at such a terminal.
    pub fn program(host: &'h TestHost, words: impl Words) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("open a terminal");
        let stdio = || Stdio::from(slave.try_clone().expect("duplicate a descriptor"));
        let mut command = host.command(Place::Host);
        // A session of its own, with this terminal as the controlling one.
        command
            .args(["setsid", "--ctty", "--wait"])
            .args(words.words())
            .env("TERM", "xterm");
        let line = words.words().join(" ");
        let child = command
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("start it at a terminal");
        let master = File::from(master);
        let (screen, reader) = watch(master.try_clone().expect("duplicate a descriptor"));
        Terminal {
            host,
            line,
            child,
            master,
            screen,
            reader,
            started: Instant::now(),
        }
    }

    /// Types this text; `\r` is the return key, `\x03` is Ctrl-C.
    pub fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("type");
    }

    /// Makes the window this large.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let size = Size {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        termios::tcsetwinsize(&self.master, size).expect("resize the terminal");
    }

    /// Everything that was displayed so far.
    pub fn screen(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&screen).replace('\r', "")
    }

    /// Waits until this text is displayed.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        while !self.screen().contains(text) {
            if self.started.elapsed() > crate::running::PATIENCE {
                panic!(
                    "{}: {text:?} does not appear on\n{}",
                    self.line,
                    self.screen()
                );
            }
            thread::sleep(Duration::from_millis(3));
        }
    }

    /// The terminal's attributes, to see whether minet gave them back.
    pub fn attributes(&self) -> String {
        format!(
            "{:?}",
            termios::tcgetattr(&self.master).expect("read the terminal's attributes")
        )
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(&mut self) -> Finished<'h> {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            if self.started.elapsed() > crate::running::PATIENCE {
                panic!("{} still runs:\n{}", self.line, self.screen());
            }
            thread::sleep(Duration::from_millis(3));
        };
        // Whatever is still between the slave and the master.
        let ended = Instant::now();
        while !self.reader.is_finished() && ended.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(3));
        }
        Finished {
            host: self.host,
            line: self.line.clone(),
            status,
            stdout: self.screen(),
            stderr: String::new(),
            took: self.started.elapsed(),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn watch(mut master: File) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let screen = Arc::new(Mutex::new(Vec::new()));
    let display = Arc::clone(&screen);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            let mut display = display.lock().unwrap_or_else(PoisonError::into_inner);
            display.extend_from_slice(&buffer[..count]);
        }
    });
    (screen, reader)
}
