//! Asking the servers outside, by turns.
//!
//! ```text
//!   first   ├──────── its share ────────┼─ ─ ─ a late answer counts, too ─ ─ ─┤
//!   second                              ├──────── its share ────────┼─ ─ ─ ─ ─┤
//!   third                                                           ├─────────┤
//!           0 s                                                             4.5 s
//! ```
//!
//! One that says no (SERVFAIL, REFUSED), or where nobody listens, ends its turn at once.

use super::{
    exchange::{Dial, exchange},
    question::Question,
    upstream::{Server, Upstreams},
};
use hickory_proto::op::ResponseCode;
use std::{pin::Pin, time::Duration};
use tokio::{
    pin,
    time::{Instant, timeout_at},
};

/// How long all servers together may take. The C libraries give up after five seconds and
/// ask again; whoever answers later than that answers nobody.
const PATIENCE: Duration = Duration::from_millis(4500);

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The answer for who asked.
    pub bytes: Vec<u8>,
    /// Whose it is; none if nobody answered.
    pub server: Option<Server>,
}

/// What was heard: an answer, or at best that a server has none.
type Heard = Result<Forwarded, Option<Forwarded>>;

/// Asks the servers until one answers; that none did is an answer too.
///
/// The time that is left is shared by the servers that are left, so that the last one is
/// still asked in time. Whoever lets its share pass is not given up: it goes on being waited
/// for beside those that follow. That there is no such name is an answer.
pub async fn forward(question: &Question, upstreams: &Upstreams, dial: &dyn Dial) -> Forwarded {
    let servers = upstreams.turns();
    let asking = Asking {
        question,
        upstreams,
        dial,
        end: Instant::now() + PATIENCE,
    };
    asking.by_turns(&servers).await.unwrap_or_else(|no| {
        no.unwrap_or_else(|| Forwarded {
            bytes: question.unanswered(),
            server: None,
        })
    })
}

struct Asking<'a> {
    question: &'a Question,
    upstreams: &'a Upstreams,
    dial: &'a dyn Dial,
    end: Instant,
}

impl Asking<'_> {
    /// Boxed, since it asks the others by itself.
    fn by_turns<'f>(
        &'f self,
        servers: &'f [Server],
    ) -> Pin<Box<dyn Future<Output = Heard> + Send + 'f>> {
        Box::pin(async move {
            let Some((server, others)) = servers.split_first() else {
                return Err(None);
            };
            let first = self.one(*server);
            pin!(first);
            match timeout_at(self.end_of_share(servers.len()), &mut first).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(no)) => self.by_turns(others).await.map_err(|later| later.or(no)),
                Err(_) => {
                    self.upstreams.failed(*server);
                    whoever_answers(first, self.by_turns(others)).await
                }
            }
        })
    }

    fn end_of_share(&self, servers: usize) -> Instant {
        let now = Instant::now();
        let left = self.end.saturating_duration_since(now);
        now + left / u32::try_from(servers).unwrap_or(1)
    }

    async fn one(&self, server: Server) -> Heard {
        let asked = exchange(self.question, server, self.dial);
        let (code, answer) = match timeout_at(self.end, asked).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => {
                self.upstreams.failed(server);
                return Err(None);
            }
            Err(_) => return Err(None),
        };
        let forwarded = Forwarded {
            bytes: self.question.pass_on(answer),
            server: Some(server),
        };
        match code {
            ResponseCode::ServFail | ResponseCode::Refused => Err(Some(forwarded)),
            _ => Ok(forwarded),
        }
    }
}

/// The answer of whoever has one first; the last word that there is none.
async fn whoever_answers(
    first: impl Future<Output = Heard>,
    others: impl Future<Output = Heard>,
) -> Heard {
    pin!(first, others);
    tokio::select! {
        heard = &mut first => match heard {
            Ok(answer) => Ok(answer),
            Err(no) => others.await.map_err(|later| later.or(no)),
        },
        heard = &mut others => match heard {
            Ok(answer) => Ok(answer),
            Err(no) => first.await.map_err(|earlier| no.or(earlier)),
        },
    }
}
