//! Both ends of small conversations, for the figures that no ready-made program gives.

use anyhow::{Context, Result, bail, ensure};
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// `serve PORT…`: echoes what it hears. `connect ADDRESS TIMES`: how long each new
/// connection takes. `bounce ADDRESS TIMES`: how long a byte takes there and back.
pub(crate) fn talk(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", ref ports @ ..] => serve(ports),
        ["connect", address, times] => report(connect(address, times.parse()?)?),
        ["bounce", address, times] => report(bounce(address, times.parse()?)?),
        _ => bail!("talk how?"),
    }
}

/// One number for each, in microseconds.
fn report(times: Vec<Duration>) -> Result<()> {
    let times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

fn serve(ports: &[&str]) -> Result<()> {
    let listeners = ports.iter().map(|port| {
        let listener = TcpListener::bind(("0.0.0.0", port.parse()?));
        listener.with_context(|| format!("listen at port {port}"))
    });
    let listeners: Vec<TcpListener> = listeners.collect::<Result<_>>()?;
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| thread::spawn(move || accept(&listener)))
        .collect();
    for thread in threads {
        ensure!(thread.join().is_ok(), "a server panicked");
    }
    Ok(())
}

fn accept(listener: &TcpListener) {
    for stream in listener.incoming().map_while(Result::ok) {
        thread::spawn(move || echo(stream));
    }
}

/// Until the other side has enough; then nobody needs an error either.
fn echo(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut bytes = [0; 512];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        if stream.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn connect(address: &str, times: usize) -> Result<Vec<Duration>> {
    patiently(address)?;
    (0..times)
        .map(|_| {
            let began = Instant::now();
            let stream = TcpStream::connect(address)?;
            let took = began.elapsed();
            drop(stream);
            Ok(took)
        })
        .collect()
}

fn bounce(address: &str, times: usize) -> Result<Vec<Duration>> {
    let mut stream = patiently(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    (0..times)
        .map(|_| {
            let began = Instant::now();
            stream.write_all(&[1])?;
            stream.read_exact(&mut [0])?;
            Ok(began.elapsed())
        })
        .collect()
}

/// A server may still be on its way up.
fn patiently(address: &str) -> Result<TcpStream> {
    let began = Instant::now();
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => return Err(error.into()),
            Err(error) if began.elapsed() > Duration::from_secs(10) => {
                return Err(error).with_context(|| format!("connect to {address}"));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}
