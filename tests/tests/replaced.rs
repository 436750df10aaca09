//! Somebody on the host puts other files in the place of those over which a container's hosts,
//! resolv.conf and hostname are mounted; the kernel takes the mounts away, and minet notices.

use minet_tests::{TestHost, eventually};

const IDLE: &str = "exec sleep 1000";

/// The files that a container ought to see, looked at without a command of minet's.
struct Files {
    pid: String,
}

impl Files {
    fn of(host: &TestHost, container: &str) -> Self {
        let pid = host.inspect(container)["State"]["Pid"].to_string();
        Files { pid }
    }

    fn read(&self, host: &TestHost, file: &str) -> String {
        let script = format!("nsenter --target {} --mount cat /etc/{file}", self.pid);
        host.sh(&script).stdout().to_owned()
    }

    fn are_its_own(&self, host: &TestHost) -> bool {
        self.read(host, "hosts").contains("\tstore ")
            && self
                .read(host, "resolv.conf")
                .starts_with("nameserver 127.0.0.11")
            && self.read(host, "hostname").trim() == "own-name"
    }
}

#[test]
fn what_a_container_sees_comes_back_whoever_replaces_it() {
    let host = TestHost::new();
    host.leave("--name db", IDLE);
    let web = "--name web -h own-name --link db:store";
    host.leave(web, IDLE);
    host.leave("--name guest --network container:web", IDLE);
    let seen = ["web", "guest"].map(|name| Files::of(&host, name));
    let are_there = || seen.iter().all(|files| files.are_its_own(&host));
    assert!(are_there());
    for replace in [
        "sed -i 's/localhost/localhost here/' /etc/hosts",
        "cp /etc/resolv.conf /etc/new; mv /etc/new /etc/resolv.conf",
        "cp /etc/hostname /etc/new; mv /etc/new /etc/hostname",
        // As an editor that keeps what was.
        "mv /etc/hosts /etc/hosts~; cp /etc/hosts~ /etc/hosts",
        "rm /etc/hosts; cp /etc/hosts~ /etc/hosts",
        // As systemd-resolved has it, which replaces the file behind the link.
        "mkdir /run/stub; mv /etc/resolv.conf /run/stub/file; ln -s /run/stub/file /etc/resolv.conf",
        "cp /run/stub/file /run/stub/new; mv /run/stub/new /run/stub/file",
        // Another link.
        "cp /run/stub/file /run/stub/other; ln -sfn /run/stub/other /etc/resolv.conf",
    ] {
        host.sh(replace).succeed();
        eventually(replace, are_there);
        // What has come back is the very file, and goes on being written.
        host.minet("link db:other web").succeed();
        assert!(
            seen[1].read(&host, "hosts").contains(" other "),
            "{replace}"
        );
        host.minet("unlink db:other").succeed();
        host.minet("check").succeed();
    }
}

/// While nobody guards, the next guard, or `minet repair`, finds out.
#[test]
fn what_was_replaced_while_nobody_looked_is_found() {
    let host = TestHost::new();
    let mut guard = host.idle("guard", "");
    host.leave("--name db", IDLE);
    host.leave("--name web -h own-name --link db:store", IDLE);
    let web = Files::of(&host, "web");
    guard.freeze();
    host.sh("sed -i s/localhost/localhost/ /etc/hosts")
        .succeed();
    assert!(!web.are_its_own(&host));
    let found = host.minet("check web").end_with(1);
    let words = [
        "container web",
        "on /etc/hosts",
        "another file was put there",
    ];
    assert!(words.iter().all(|word| found.contains(word)), "{found}");
    let told = host.minet("repair web").succeed();
    assert!(told.contains("/etc/hosts"), "{told}");
    assert!(web.are_its_own(&host));

    host.sh("sed -i s/localhost/localhost/ /etc/hosts")
        .succeed();
    guard.signal("KILL");
    eventually("the next guard", || web.are_its_own(&host));
}

#[test]
fn what_is_not_minets_to_show_is_left_alone() {
    let host = TestHost::new();
    let mine = host.file("mine", "10.7.7.7 mine\n");
    let volume = format!("--name web -v {}:/etc/hosts", mine.display());
    host.leave(&volume, IDLE);
    host.leave("--name hosty --network host", IDLE);
    host.leave("--name bare --no-hosts", IDLE);
    host.leave("--name added --network host --add-host a:10.1.1.1", IDLE);
    let files = ["web", "hosty", "bare", "added"].map(|name| Files::of(&host, name));
    let hosts = |at: usize| files[at].read(&host, "hosts");
    host.sh("echo 10.6.6.6 new >>/etc/hosts; sed -i s/localhost/localhost/ /etc/hosts")
        .succeed();
    eventually("what was added", || hosts(3).contains("10.1.1.1\ta"));
    // A copy of the host's file and nothing else, so the new one is as good.
    assert!(hosts(1).contains("new") && hosts(2).contains("new"));
    // A volume over a file that is replaced goes, too; minet does not put it back.
    assert!(hosts(0).contains("new"), "{}", hosts(0));
    host.minet("check").succeed();
}
