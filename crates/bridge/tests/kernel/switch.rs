use crate::host::{Namespace, mac, minet0, name, subnet};
use minet_bridge::{Cause, Made, Removed, Rtnl, address, link, switch};

#[test]
fn a_switch_is_as_wished() {
    let mut host = Namespace::new();
    assert_eq!(
        switch::create(&mut host.rtnl, &minet0()).unwrap(),
        Made::Now
    );

    let link = &host.ip("link show minet0")[0];
    assert_eq!(link["linkinfo"]["info_kind"], "bridge");
    assert_eq!(link["linkinfo"]["info_data"]["stp_state"], 0);
    assert_eq!(link["address"], "02:42:ac:11:00:01");
    assert_eq!(link["mtu"], 1400);
    assert_eq!(link["ifalias"], "minet:bridge");
    assert_eq!(link["inet6_addr_gen_mode"], "none");
    assert!(link["flags"].as_array().unwrap().contains(&"UP".into()));
    let addresses = host.ip("address show minet0")[0]["addr_info"].clone();
    assert_eq!(addresses.as_array().unwrap().len(), 1, "no IPv6 address");
    assert_eq!(addresses[0]["local"], "172.17.0.1");
    assert_eq!(addresses[0]["prefixlen"], 16);
    assert_eq!(addresses[0]["broadcast"], "172.17.255.255");

    let found = link::find(&mut host.rtnl, &name("minet0"))
        .unwrap()
        .unwrap();
    assert_eq!(found.stp, Some(false));
    assert_eq!(found.kind.as_deref(), Some("bridge"));
    assert_eq!(found.mac, Some(mac("02:42:ac:11:00:01")));
    assert_eq!(found.alias.as_deref(), Some("minet:bridge"));
    assert!(found.up);
    assert_eq!(
        address::list(&mut host.rtnl, &name("minet0")).unwrap(),
        [subnet("172.17.0.1/16")]
    );
}

#[test]
fn creating_twice_is_already_and_repairs() {
    let mut host = Namespace::new();
    switch::create(&mut host.rtnl, &minet0()).unwrap();
    host.ip_do("address flush dev minet0");
    host.ip_do("link set minet0 down mtu 1300");
    assert_eq!(
        switch::create(&mut host.rtnl, &minet0()).unwrap(),
        Made::Already
    );
    let link = &host.ip("address show minet0")[0];
    assert_eq!(link["mtu"], 1400);
    assert_eq!(link["addr_info"][0]["local"], "172.17.0.1");
    assert!(link["flags"].as_array().unwrap().contains(&"UP".into()));
}

#[test]
fn removing_twice_leaves_nothing() {
    let mut host = Namespace::new();
    switch::create(&mut host.rtnl, &minet0()).unwrap();
    assert_eq!(
        switch::remove(&mut host.rtnl, &minet0()).unwrap(),
        Removed::Now
    );
    assert_eq!(
        switch::remove(&mut host.rtnl, &minet0()).unwrap(),
        Removed::AlreadyGone
    );
    assert_eq!(host.names(), ["lo"]);
}

#[test]
fn what_belongs_to_others_is_neither_used_nor_changed_nor_removed() {
    let mut host = Namespace::new();
    host.ip_do("link add minet0 type veth peer name other");
    let error = switch::create(&mut host.rtnl, &minet0()).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotABridge { kind: Some(kind) } if kind == "veth"));
    assert!(error.to_string().starts_with("create bridge minet0: "));
    assert!(switch::remove(&mut host.rtnl, &minet0()).is_err());
    host.ip_do("link del minet0");

    host.ip_do("link add minet0 type bridge");
    let error = switch::create(&mut host.rtnl, &minet0()).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotOurs { alias: None }));
    host.ip_do("link set minet0 alias theirs");
    let error = switch::create(&mut host.rtnl, &minet0()).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotOurs { alias: Some(alias) } if alias == "theirs"));
    assert!(switch::remove(&mut host.rtnl, &minet0()).is_err());
    let link = &host.ip("link show minet0")[0];
    assert_eq!(
        (&link["ifalias"], &link["mtu"]),
        (&"theirs".into(), &1500.into())
    );
}

#[test]
fn a_half_made_switch_is_finished_and_removed() {
    let mut host = Namespace::new();
    host.ip_do("link add minet0 address 02:42:ac:11:00:01 type bridge");
    assert_eq!(
        switch::create(&mut host.rtnl, &minet0()).unwrap(),
        Made::Already
    );
    host.ip_do("link del minet0");
    host.ip_do("link add minet0 address 02:42:ac:11:00:01 type bridge");
    assert_eq!(
        switch::remove(&mut host.rtnl, &minet0()).unwrap(),
        Removed::Now
    );
}

#[test]
fn its_mac_and_mtu_stay_when_ports_come_and_go() {
    let mut host = Namespace::new();
    switch::create(&mut host.rtnl, &minet0()).unwrap();
    host.ip_do(
        "link add p0 address 02:00:00:00:00:01 mtu 1280 master minet0 type veth peer name p1",
    );
    let link = &host.ip("link show minet0")[0];
    assert_eq!(
        (&link["address"], &link["mtu"]),
        (&"02:42:ac:11:00:01".into(), &1400.into())
    );
    host.ip_do("link del p0");
    let link = &host.ip("link show minet0")[0];
    assert_eq!(
        (&link["address"], &link["mtu"]),
        (&"02:42:ac:11:00:01".into(), &1400.into())
    );
}

#[test]
fn an_mtu_below_ipv6_is_no_obstacle() {
    let mut host = Namespace::new();
    let spec = switch::SwitchSpec {
        mtu: 1000,
        ..minet0()
    };
    switch::create(&mut host.rtnl, &spec).unwrap();
    assert_eq!(host.ip("link show minet0")[0]["mtu"], 1000);
}

#[test]
fn a_name_of_fifteen_bytes_is_found() {
    let mut host = Namespace::new();
    let spec = switch::SwitchSpec {
        name: name("a23456789012345"),
        ..minet0()
    };
    switch::create(&mut host.rtnl, &spec).unwrap();
    assert!(link::find(&mut host.rtnl, &spec.name).unwrap().is_some());
    assert!(
        link::find(&mut host.rtnl, &name("a2345678901234"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn two_creators_at_once_both_succeed() {
    for _ in 0..20 {
        let host = Namespace::new();
        let create = || {
            host.run(|| {
                let mut rtnl = Rtnl::open().unwrap();
                switch::create(&mut rtnl, &minet0()).unwrap()
            })
        };
        let outcomes = std::thread::scope(|scope| {
            let both = [scope.spawn(create), scope.spawn(create)];
            both.map(|thread| thread.join().unwrap())
        });
        assert_eq!(
            outcomes.iter().filter(|made| **made == Made::Now).count(),
            1
        );
    }
}

#[test]
fn without_the_right_the_error_says_so() {
    let host = Namespace::new();
    host.run(|| {
        let mut rtnl = Rtnl::open().unwrap();
        // Capabilities belong to a thread, and this one dies soon.
        caps::clear(None, caps::CapSet::Effective).expect("give up the capabilities");
        let error = switch::create(&mut rtnl, &minet0()).unwrap_err();
        assert!(matches!(error.cause(), Cause::PermissionDenied(_)));
        assert_eq!(error.errno(), Some(nix::libc::EPERM));
        assert_eq!(
            error.to_string(),
            "create bridge minet0: Operation not permitted; \
             this needs CAP_NET_ADMIN in the network namespace"
        );
    });
}
