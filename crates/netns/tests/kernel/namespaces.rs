use crate::support::require_root;
use minet_netns::{CreateError, LaunchError, Netns, NetnsError, sysctl};
use std::{convert::Infallible, fs, path::Path};

fn empty() -> Netns {
    require_root();
    let (netns, ()) = Netns::create(|| Ok::<_, Infallible>(())).unwrap();
    netns
}

fn interfaces() -> Vec<String> {
    let text = fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let names = text.lines().skip(2).filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

#[test]
fn a_namespace_is_new_and_the_caller_stays_where_it_was() {
    require_root();
    let before = Netns::current().unwrap().id().unwrap();
    let (netns, seen) = Netns::create(|| Ok::<_, Infallible>(interfaces())).unwrap();
    assert_eq!(seen, ["lo"]);
    assert_ne!(netns.id().unwrap(), before);
    assert!(!netns.is_the_callers_own().unwrap());
    assert_eq!(Netns::current().unwrap().id().unwrap(), before);
    assert!(
        netns
            .run(|| Netns::current().unwrap().is_the_callers_own().unwrap())
            .unwrap()
    );
    let inside = netns
        .run(|| Netns::current().unwrap().id().unwrap())
        .unwrap();
    assert_eq!(inside, netns.id().unwrap());
}

#[test]
fn a_failure_inside_is_the_callers_to_see() {
    require_root();
    let failed = Netns::create(|| Err::<(), _>(std::fmt::Error));
    assert!(matches!(failed, Err(CreateError::Inside(_))));
    let panicked = std::panic::catch_unwind(|| empty().run(|| panic!("inside")));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"inside"));
}

#[test]
fn what_is_not_a_network_namespace_is_refused() {
    let open = |path: &str| Netns::open(Path::new(path)).unwrap_err();
    assert!(matches!(open("/etc/passwd"), NetnsError::NotANamespace(_)));
    assert!(matches!(
        open("/proc/self/ns/uts"),
        NetnsError::NotANetworkNamespace(_)
    ));
    assert!(matches!(open("/no/such/file"), NetnsError::Failed(_)));
}

#[test]
fn sysctls_are_the_namespaces_own() {
    let key = "net.ipv4.ip_default_ttl";
    let before = sysctl::read(key).unwrap();
    let netns = empty();
    netns
        .run(|| {
            sysctl::write(key, "77").unwrap();
            assert_eq!(sysctl::read(key).unwrap(), "77");
            sysctl::write("net/ipv4/conf/lo/forwarding", "1").unwrap();
            assert_eq!(sysctl::read("net.ipv4.conf.lo.forwarding").unwrap(), "1");
            let unknown = sysctl::write("net.ipv4.no_such_key", "1").unwrap_err();
            assert_eq!(
                unknown.to_string(),
                "set the sysctl net.ipv4.no_such_key to 1"
            );
        })
        .unwrap();
    assert_eq!(sysctl::read(key).unwrap(), before);
}

#[test]
fn a_process_with_threads_is_not_copied() {
    use minet_netns::{InitProcess, Io, Launch, Root, RootAccess, prepare};
    let launch = Launch {
        command: vec!["true".to_owned()],
        env: Vec::new(),
        workdir: None,
        user: None,
        hostname: "x".to_owned(),
        domainname: None,
        tmpfs: Vec::new(),
        netns: None,
        root: Root::Host,
        access: RootAccess::ReadWrite,
        volumes: Vec::new(),
        etc: None,
        capabilities: minet_netns::Capabilities::NONE,
        seccomp: None,
        new_privileges: minet_model::NewPrivileges::Refused,
        oom_score: None,
        init: InitProcess::CommandIsInit,
        io: Io::Terminal,
        open_files: None,
    };
    // The test harness waits in a thread of its own.
    assert!(matches!(
        prepare(launch),
        Err(LaunchError::ManyThreads(2..))
    ));
}
