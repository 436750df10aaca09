//! Links in the store: one meaning per alias and receiver, and what goes with whom.

use minet_model::{ContainerId, ContainerName, Receiver};
use minet_state::{Error, LinkRow, NewContainer, ProcessIdentity, Store, Transaction};

fn id(digit: u8) -> ContainerId {
    ContainerId::from_bytes([digit; 32])
}

fn link(source: &str, alias: &str, receiver: &str) -> LinkRow {
    LinkRow {
        receiver: receiver.parse().unwrap(),
        alias: alias.parse().unwrap(),
        source: source.parse().unwrap(),
        holder: None,
        created: 1,
    }
}

fn admit(tx: &Transaction<'_>, digit: u8, name: &str) {
    let name: ContainerName = name.parse().unwrap();
    tx.admit(&NewContainer {
        id: &id(digit),
        name: &name,
        spec: "{}",
        settings: "{}",
        plan: "[]",
        namespace_of: None,
        created: 1,
        boot: "boot",
        supervisor: ProcessIdentity { pid: 1, start: 1 },
    })
    .unwrap();
}

fn told(links: &[LinkRow]) -> Vec<String> {
    let told = |link: &LinkRow| format!("{}:{} in {}", link.source, link.alias, link.receiver);
    links.iter().map(told).collect()
}

#[test]
fn an_alias_means_one_container_in_each_receiver() {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            tx.put_link(&link("db1", "db", "web"))?;
            tx.put_link(&link("db1", "DB", "web"))?;
            tx.put_link(&link("db2", "db", "api"))?;
            let error = tx.put_link(&link("db2", "Db", "web")).unwrap_err();
            assert!(
                matches!(&error, Error::AliasTaken { source_name, .. } if source_name == "db1")
            );
            let web = "web".parse().unwrap();
            assert_eq!(told(&tx.links_into(&web)?), ["db1:db in web"]);
            assert!(tx.link_named(&web, "dB")?.is_some());
            tx.delete_link(&web, &"DB".parse().unwrap())?;
            assert!(tx.links_into(&web)?.is_empty());
            assert_eq!(
                told(&tx.links_from(&"db2".parse().unwrap())?),
                ["db2:db in api"]
            );
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn a_link_of_run_goes_with_its_receiver_and_a_standing_one_stays() {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            admit(tx, 1, "web");
            let held = LinkRow {
                holder: Some(id(1)),
                ..link("db", "db", "web")
            };
            tx.put_link(&held)?;
            tx.put_link(&link("db", "store", "web"))?;
            let row = tx.container(&id(1))?.unwrap();
            tx.rename_container(&row, &"www".parse().unwrap())?;
            let www = Receiver::Container("www".parse().unwrap());
            assert_eq!(tx.links_into(&www)?.len(), 2);
            tx.delete_container(&id(1))?;
            assert_eq!(told(&tx.links_into(&www)?), ["db:store in www"]);
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn what_changed_meanwhile_is_not_taken_for_done() {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            assert!(tx.relinks()?.is_empty());
            tx.note_relink("/")?;
            let first = tx.relink("/")?.unwrap();
            tx.note_relink("/")?;
            tx.relinked(&first)?;
            let second = tx.relinks()?.pop().unwrap();
            tx.relinked(&second)?;
            assert!(tx.relinks()?.is_empty());
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn an_address_changed_by_hand_is_news_once() {
    let mut store = Store::in_memory().unwrap();
    let network = "backend".parse().unwrap();
    store
        .write(|tx| {
            admit(tx, 1, "db");
            let by_hand = Some("10.9.0.77".parse().unwrap());
            assert!(!tx.set_moved_address(&id(1), &network, None)?);
            assert!(tx.set_moved_address(&id(1), &network, by_hand)?);
            assert!(!tx.set_moved_address(&id(1), &network, by_hand)?);
            assert_eq!(tx.moved_address(&id(1), &network)?, by_hand);
            assert!(tx.set_moved_address(&id(1), &network, None)?);
            assert_eq!(tx.moved_address(&id(1), &network)?, None);
            Ok::<_, Error>(())
        })
        .unwrap();
}
