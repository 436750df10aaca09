use super::*;
use crate::resolver::meaning::tests::world;

fn ask(name: &str, kind: RecordType) -> Message {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, kind));
    message
}

fn handle(bytes: &[u8], others: Others, transport: Transport) -> Outcome {
    answer(bytes, &mut world(&["red"]), others, transport, 7)
}

#[track_caller]
fn reply_to(message: &Message) -> Message {
    let bytes = message.to_vec().unwrap();
    match handle(&bytes, Others::Asked, Transport::Udp) {
        Outcome::Reply(reply) => Message::from_vec(&reply).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_repeats_the_question_and_is_true_now_only() {
    let message = ask("dB", RecordType::A);
    let reply = reply_to(&message);
    assert_eq!(reply.id, message.id);
    assert_eq!(reply.queries, message.queries);
    assert_eq!(reply.queries[0].name().to_ascii(), "dB.");
    assert!(reply.recursion_desired && reply.recursion_available && reply.authoritative);
    assert_eq!(reply.answers.len(), 1);
    assert_eq!(reply.answers[0].ttl, 0);
    assert!(reply.edns.is_none());
}

#[test]
fn codes_say_what_is_known() {
    let code = |name: &str, kind| {
        let reply = reply_to(&ask(name, kind));
        (reply.response_code, reply.answers.len())
    };
    assert_eq!(code("store", RecordType::A), (ResponseCode::NoError, 2));
    assert_eq!(code("store", RecordType::AAAA), (ResponseCode::NoError, 0));
    assert_eq!(code("db", RecordType::MX), (ResponseCode::NoError, 0));
    assert_eq!(code("db2", RecordType::A), (ResponseCode::NXDomain, 0));
    assert_eq!(code("nobody", RecordType::A), (ResponseCode::NXDomain, 0));
    let pointer = "2.0.0.10.in-addr.arpa";
    assert_eq!(code(pointer, RecordType::PTR), (ResponseCode::NoError, 1));
    assert_eq!(code(pointer, RecordType::A), (ResponseCode::NoError, 0));
}

#[test]
fn others_are_asked_as_far_as_they_may() {
    let outcome = |name: &str, kind, others| {
        let bytes = ask(name, kind).to_vec().unwrap();
        match handle(&bytes, others, Transport::Udp) {
            Outcome::Reply(reply) => Message::from_vec(&reply).unwrap().response_code.to_string(),
            Outcome::Forward(_) => "forward".to_owned(),
            Outcome::Silence => "silence".to_owned(),
        }
    };
    let (no, nowhere) = (
        ResponseCode::NXDomain.to_string(),
        ResponseCode::ServFail.to_string(),
    );
    assert_eq!(
        outcome("a.example", RecordType::A, Others::Asked),
        "forward"
    );
    assert_eq!(outcome("nobody", RecordType::A, Others::Asked), no);
    assert_eq!(outcome("org", RecordType::DNSKEY, Others::Asked), "forward");
    assert_eq!(outcome(".", RecordType::NS, Others::Asked), "forward");
    assert_eq!(
        outcome("nobody", RecordType::A, Others::AskedForAll),
        "forward"
    );
    assert_eq!(
        outcome("a.example", RecordType::A, Others::NotAsked),
        nowhere
    );
    assert_eq!(outcome("nobody", RecordType::A, Others::NotAsked), no);
    assert_eq!(outcome("db2", RecordType::A, Others::AskedForAll), no);
}

#[test]
fn what_is_no_question_is_said_to_be_none() {
    let good = ask("db", RecordType::A).to_vec().unwrap();
    let code = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        match handle(&bytes, Others::Asked, Transport::Udp) {
            Outcome::Reply(reply) => {
                assert_eq!(reply[..2], bytes[..2], "the number is the asker's");
                Some(reply[3] & 15)
            }
            Outcome::Silence => None,
            Outcome::Forward(_) => panic!("forwarded"),
        }
    };
    assert_eq!(code(&|bytes| bytes.truncate(11)), None);
    assert_eq!(code(&|bytes| bytes[2] |= 0x80), None, "a response");
    assert_eq!(code(&|bytes| bytes[2] |= 4 << 3), Some(4), "NOTIFY");
    assert_eq!(code(&|bytes| bytes[5] = 0), Some(1), "no question");
    assert_eq!(code(&|bytes| bytes[5] = 2), Some(1), "two questions");
    assert_eq!(code(&|bytes| bytes.truncate(14)), Some(1), "cut off");
    assert_eq!(
        code(&|bytes| bytes[12..14].copy_from_slice(&[0xc0, 12])),
        Some(1),
        "a loop"
    );
    assert_eq!(
        code(&|bytes| *bytes.last_mut().unwrap() = 3),
        Some(5),
        "class CH"
    );
}

#[test]
fn edns_is_answered_and_its_version_checked() {
    let mut message = ask("db", RecordType::A);
    message.set_edns(Edns::new());
    let reply = reply_to(&message);
    assert_eq!(reply.max_payload(), 4096);
    let mut edns = Edns::new();
    edns.set_version(1);
    message.set_edns(edns);
    let reply = reply_to(&message);
    // The same number means something else elsewhere (RFC 6895 section 2.3).
    assert_eq!(
        u16::from(reply.response_code),
        u16::from(ResponseCode::BADVERS)
    );
}

/// A world with so many bearers of a name that they do not fit into one datagram.
fn crowd(count: u8) -> crate::resolver::World {
    let mut world = world(&["red"]);
    let one = world.names[0].1.clone();
    world.names.extend((0..count).map(|last| {
        let mut bearer = one.clone();
        bearer.container = format!("c{last}");
        bearer.addresses = vec![[10, 0, 1, last].into()];
        ("crowd".to_owned(), bearer)
    }));
    world
}

#[test]
fn what_does_not_fit_is_cut_and_said_to_be() {
    let count = |payload: Option<u16>, transport| {
        let mut message = ask("crowd", RecordType::A);
        if let Some(payload) = payload {
            let mut edns = Edns::new();
            edns.set_max_payload(payload);
            message.set_edns(edns);
        }
        let bytes = message.to_vec().unwrap();
        let outcome = answer(&bytes, &mut crowd(200), Others::Asked, transport, 1);
        let Outcome::Reply(reply) = outcome else {
            panic!()
        };
        let limit = if transport == Transport::Tcp {
            65535
        } else {
            payload.unwrap_or(512)
        };
        assert!(reply.len() <= usize::from(limit), "{}", reply.len());
        let reply = Message::from_vec(&reply).unwrap();
        (reply.answers.len(), reply.truncation)
    };
    assert_eq!(count(None, Transport::Tcp), (200, false));
    assert_eq!(count(Some(4096), Transport::Udp), (200, false));
    let (some, truncated) = count(None, Transport::Udp);
    assert!(truncated && (20..40).contains(&some), "{some}");
}

#[test]
fn every_order_comes() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut items = [1, 2, 3];
        mix(&mut items, seed);
        orders.insert(items);
    }
    assert_eq!(orders.len(), 6);
}

#[test]
fn only_an_answer_to_this_question_is_one() {
    let message = ask("a.example", RecordType::A);
    let bytes = message.to_vec().unwrap();
    let Outcome::Forward(question) = handle(&bytes, Others::Asked, Transport::Udp) else {
        panic!()
    };
    assert_eq!(question.under(0x1234)[..2], [0x12, 0x34]);
    let honest = {
        let mut reply = message.clone().into_response();
        reply.metadata.id = 0x1234;
        reply.to_vec().unwrap()
    };
    assert_eq!(
        question.is_answered_by(&honest, 0x1234),
        Some(ResponseCode::NoError)
    );
    assert_eq!(question.is_answered_by(&honest, 0x1235), None);
    for (at, bit) in [(2, 0x80), (2, 0x08), (5, 1), (13, 1), (honest.len() - 3, 4)] {
        let mut forged = honest.clone();
        forged[at] ^= bit;
        assert_eq!(question.is_answered_by(&forged, 0x1234), None, "byte {at}");
    }
    assert_eq!(question.is_answered_by(&honest[..20], 0x1234), None);
    let passed = question.pass_on(honest);
    assert_eq!(passed[..2], bytes[..2]);
    // More than the asker takes.
    let long = question.pass_on(vec![0; 600]);
    assert!(Message::from_vec(&long).unwrap().truncation);
}

/// Bytes that a hostile program could send: real questions, changed at random. A fixed
/// seed and a fixed number of rounds, so that a failure comes back.
#[test]
fn nothing_that_arrives_makes_it_panic_or_grow() {
    let mut seed = 0x9e37_79b9_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut edns = ask("store", RecordType::ANY);
    edns.set_edns(Edns::new());
    let seeds: Vec<Vec<u8>> = [
        ask("db", RecordType::A),
        ask("2.0.0.10.in-addr.arpa", RecordType::PTR),
        ask(&format!("{0}.{0}.{0}", "x".repeat(63)), RecordType::TXT),
        edns,
    ]
    .iter()
    .map(|message| message.to_vec().unwrap())
    .collect();
    let mut answered = 0;
    for round in 0..40_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..random(6) {
            match random(4) {
                0 => bytes.truncate(random(bytes.len() + 1)),
                1 => bytes.insert(random(bytes.len() + 1), random(256) as u8),
                _ if bytes.is_empty() => {}
                2 => {
                    let at = random(bytes.len());
                    bytes[at] = random(256) as u8;
                }
                _ => {
                    let at = random(bytes.len());
                    bytes[at] ^= 1 << random(8);
                }
            }
        }
        let transport = [Transport::Udp, Transport::Tcp][random(2)];
        if let Outcome::Reply(reply) = handle(&bytes, Others::Asked, transport) {
            assert!(reply.len() <= bytes.len() + 128, "no amplifier");
            assert_eq!(reply[..2], bytes[..2]);
            answered += 1;
        }
    }
    assert!(answered > 1000, "{answered}");
}
