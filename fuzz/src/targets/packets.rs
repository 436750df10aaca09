//! Packets that a container sends to its supervisor, and what comes back from servers outside.

use super::{Target, promise};
use minet_names::resolver::{
    Bearer, Directory, Meaning, Others, Outcome, SharedNetwork, Transport, Why, World, answer,
    asked_name, meaning, query, show,
};
use std::{convert::Infallible, net::IpAddr};

pub(super) fn targets() -> Vec<Target> {
    vec![dns(), dns_answer()]
}

fn dns() -> Target {
    Target {
        name: "dns",
        examples: &[
            // db A; with EDNS; many AAAA; www.example.org MX, for others
            "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x02db\0\0\x01\0\x01",
            "\x12\x34\x01\0\0\x01\0\0\0\0\0\x01\x02db\0\0\x01\0\x01\0\0\x29\x04\x70\0\0\0\0\0\0",
            "\0\x01\x01\0\0\x01\0\0\0\0\0\0\x04many\x03red\0\0\x1c\0\x01",
            "\0\x02\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x0f\0\x01",
            // 2.0.17.172.in-addr.arpa PTR, and the same by a pointer into itself
            "\0\x03\x01\0\0\x01\0\0\0\0\0\0\x012\x010\x0217\x03172\x07in-addr\x04arpa\0\0\x0c\0\x01",
            "\0\x03\x01\0\0\x01\0\0\0\0\0\0\x012\x010\x0217\x03172\x07in-addr\0\x0c\0\x0c\0\x01",
        ],
        run: |input| {
            is_answered_as_it_should(input, Transport::Udp)?;
            is_answered_as_it_should(input, Transport::Tcp)
        },
    }
}

fn dns_answer() -> Target {
    Target {
        name: "dns-answer",
        examples: &[
            // That it is a response is added below, as these are texts.
            // www.example.org A 10.0.0.1; the same with EDNS; no such name; refused, and no more
            "\x12\x34\x01\0\0\x01\0\x01\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01\x03www\x07example\x03org\0\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01",
            "\x12\x34\x01\0\0\x01\0\x01\0\0\0\x01\x03wWw\x07example\x03org\0\0\x01\0\x01\x03www\x07example\x03org\0\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01\0\0\x29\x04\x70\0\0\0\0\0\0",
            "\x12\x34\x01\x03\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01",
            "\x12\x34\x01\x05\0\0\0\0\0\0\0\0",
        ],
        run: |input| {
            let mut answer = input.to_vec();
            answer
                .get_mut(2)
                .into_iter()
                .for_each(|flags| *flags ^= 0x80);
            is_passed_on_as_it_should(&answer, Transport::Udp)?;
            is_passed_on_as_it_should(&answer, Transport::Tcp)
        },
    }
}

/// The number under which a server is asked, and that of the asker.
const NUMBERS: [u16; 2] = [0x1234, 0x0102];

/// What is taken for an answer is one to this question, and what the asker gets is his, fits
/// and says no more than that it would not fit.
fn is_passed_on_as_it_should(input: &[u8], transport: Transport) -> Result<(), String> {
    let (_, mut bytes) = query("www.example.org", None).map_err(|error| error.to_string())?;
    bytes[..2].copy_from_slice(&NUMBERS[1].to_be_bytes());
    let Outcome::Forward(question) = answer(&bytes, &mut world(), Others::Asked, transport, 0)
    else {
        return Err("the question is not for others".to_owned());
    };
    if question.is_answered_by(input, NUMBERS[0]).is_none() {
        return Ok(());
    }
    promise(
        input[..2] == NUMBERS[0].to_be_bytes() && input[2] & 0x80 != 0,
        || "took for an answer what is none".to_owned(),
    )?;
    let longest = match transport {
        Transport::Udp => 512,
        Transport::Tcp => usize::from(u16::MAX),
    };
    let passed = question.pass_on(input.to_vec());
    promise(passed.len() <= longest, || {
        format!("an answer of {} bytes", passed.len())
    })?;
    promise(passed[..2] == NUMBERS[1].to_be_bytes(), || {
        "an answer to somebody else".to_owned()
    })?;
    promise(passed[2..] == input[2..] || passed[2] & 2 != 0, || {
        "another answer than the server's".to_owned()
    })
}

/// One network, with one who is called `db` and more than fit of `many`.
fn world() -> World {
    let bearer = |name: &str, addresses| Bearer {
        container: name.to_owned(),
        network: "red".to_owned(),
        why: Why::Name,
        running: true,
        addresses,
    };
    let nth = |number: u8| IpAddr::from([172, 17, number, 2]);
    let nth6 = |number: u8| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(number)]);
    let many = (0..=255).map(|number| bearer("many", vec![nth(number), nth6(number)]));
    World {
        networks: vec![SharedNetwork {
            name: "red".to_owned(),
            gateways: vec![[172, 17, 0, 1].into()],
        }],
        names: many
            .chain([bearer("db", vec![nth(0)])])
            .map(|bearer| (bearer.container.clone(), bearer))
            .collect(),
        links: vec![("store".to_owned(), "db".to_owned())],
        ipv4_alone: Vec::new(),
    }
}

/// The world, and what it was asked for.
#[derive(Default)]
struct Listening {
    asked: Option<String>,
}

impl Directory for Listening {
    type Error = Infallible;

    fn meaning(&mut self, name: &str) -> Result<Meaning, Infallible> {
        self.asked = Some(name.to_owned());
        meaning(&mut world(), name)
    }

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Infallible> {
        world().networks()
    }

    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Infallible> {
        world().bearers(network, name)
    }

    fn linked(&mut self, alias: &str) -> Result<Option<String>, Infallible> {
        world().linked(alias)
    }

    fn opens_ipv6(&mut self, network: &str, source: &str) -> Result<bool, Infallible> {
        world().opens_ipv6(network, source)
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Infallible> {
        world().at(network, address)
    }
}

/// An answer is one to this question, fits, and can be read; silence is for what is none.
fn is_answered_as_it_should(input: &[u8], transport: Transport) -> Result<(), String> {
    let is_question = input.len() >= 12 && input[2] & 0x80 == 0;
    let longest = match transport {
        Transport::Udp => 4096,
        Transport::Tcp => usize::from(u16::MAX),
    };
    let mut directory = Listening::default();
    let outcome = answer(input, &mut directory, Others::Asked, transport, 7);
    // Whoever answers has asked for the meaning of a name before, all of them at once.
    let foreseen = asked_name(input);
    promise(
        directory.asked.is_none() || directory.asked == foreseen,
        || {
            let asked = directory.asked;
            format!("{foreseen:?} was looked up, and {asked:?} is asked for")
        },
    )?;
    match outcome {
        Outcome::Reply(reply) => {
            promise(is_question, || "answered what is no question".to_owned())?;
            promise(reply.len() <= longest, || {
                format!("an answer of {} bytes", reply.len())
            })?;
            promise(reply[..2] == input[..2] && reply[2] & 0x80 != 0, || {
                "an answer to something else".to_owned()
            })?;
            promise(show(&reply).is_some(), || {
                "an answer that nobody can read".to_owned()
            })
        }
        Outcome::Forward(_) => {
            promise(is_question, || "asks others what is no question".to_owned())
        }
        Outcome::Silence => promise(!is_question, || "a question without an answer".to_owned()),
    }
}
