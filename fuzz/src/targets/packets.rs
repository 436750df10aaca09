//! Packets that a container sends to its supervisor.

use super::{Target, promise};
use minet_names::resolver::{
    Bearer, Directory, Meaning, Others, Outcome, SharedNetwork, Transport, Why, World, answer,
    asked_name, meaning, show,
};
use std::{convert::Infallible, net::IpAddr};

pub(super) fn targets() -> Vec<Target> {
    vec![Target {
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
    }]
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
        links: Vec::new(),
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
