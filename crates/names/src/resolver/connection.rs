//! One TCP connection of an asker.

use super::{
    framed,
    question::Question,
    serve::{LONGEST_QUESTION, Shared},
    wire::{Outcome, Transport},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::Mutex,
    task::JoinSet,
    time::timeout,
};

/// How long a connection may be silent, or not take what it is sent.
const SILENCE: Duration = Duration::from_secs(3);

/// Answers what is asked, until the asker leaves or falls silent.
///
/// Whoever asks much at once gets each answer as soon as it is there, in whatever order (RFC
/// 7766 section 6.2.1.1): a server outside that takes its time holds up its own answer alone.
pub(super) async fn attend(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, writer) = stream.into_split();
    let writer = Arc::new(Mutex::new(writer));
    // Dropped, and so ended, with the connection.
    let mut under_way = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        match timeout(SILENCE, reader.peek(&mut [0])).await {
            Ok(said) => drop(said?),
            Err(_) if under_way.is_empty() => return Ok(()),
            // It is not silent, it waits.
            Err(_) => continue,
        }
        let question = framed::receive(&mut reader, LONGEST_QUESTION);
        let bytes = match timeout(SILENCE, question).await? {
            Ok(bytes) => bytes,
            // It has asked all that it wants to know, and may still listen.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        };
        match shared.mind.answer(&[&bytes], Transport::Tcp).pop() {
            Some(Outcome::Reply(reply)) => send(&writer, &reply).await?,
            Some(Outcome::Forward(question)) if shared.has_room() => {
                under_way.spawn(forward(question, Arc::clone(&shared), Arc::clone(&writer)));
            }
            Some(Outcome::Forward(question)) => send(&writer, &question.refused()).await?,
            // On a connection, too, who asks nothing gets no answer, and is not kept.
            Some(Outcome::Silence) | None => return Ok(()),
        }
    }
    while under_way.join_next().await.is_some() {}
    Ok(())
}

async fn forward(question: Question, shared: Arc<Shared>, writer: Arc<Mutex<OwnedWriteHalf>>) {
    let answer = shared.ask(&question).await;
    // Whoever does not take it has gone, which the other half finds out.
    let _ = send(&writer, &answer).await;
}

/// Sends an answer; after one that was not taken as a whole there are no more.
async fn send(writer: &Mutex<OwnedWriteHalf>, bytes: &[u8]) -> io::Result<()> {
    let mut writer = writer.lock().await;
    match timeout(SILENCE, framed::send(&mut *writer, bytes)).await {
        Ok(Ok(())) => Ok(()),
        failed => {
            writer.shutdown().await?;
            failed?
        }
    }
}
