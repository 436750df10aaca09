//! The generated files: how much a container can write into them, who else sees that, and by
//! which way minet finds them again.

use minet_tests::{Place, TestHost};

const FILES: [&str; 3] = ["hosts", "resolv.conf", "hostname"];

/// Bytes that are free where minet keeps what does not survive a reboot.
fn free_in_run(host: &TestHost) -> u64 {
    let free = host.sh("stat -f -c '%a %S' /run").succeed();
    let mut numbers = free.split(' ').map(|word| word.parse::<u64>().unwrap());
    numbers.next().unwrap() * numbers.next().unwrap()
}

fn knows(hosts: &str, name: &str) -> bool {
    let mut lines = hosts.lines();
    lines.any(|line| line.split_whitespace().skip(1).any(|word| word == name))
}

/// A container's hosts file, as it sees it.
fn names_in(host: &TestHost, container: &str) -> String {
    host.minet(format!("exec {container} -- cat /etc/hosts"))
        .succeed()
}

#[test]
fn a_container_fills_its_files_and_nothing_of_the_hosts() {
    let host = TestHost::new();
    host.sh("mount -t tmpfs -o size=8m tmpfs /run; mkdir /run/lock /run/root; mkdir /run/root/etc /run/root/bin /run/root/lib /run/root/lib64 /run/root/usr")
        .succeed();
    let root =
        "--rootfs /run/root -v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro";
    for options in ["", "--mode none", "--mode host", "--user 0 --init", root] {
        let before = free_in_run(&host);
        let attacker = host.leave(
            options,
            // Each file once, and one more of it by way of a hole.
            "for f in hosts resolv.conf hostname; do yes >>/etc/$f; done 2>/dev/null
             yes | dd of=/etc/hostname bs=64k seek=100000 conv=notrunc 2>/dev/null
             echo full; exec sleep 1000",
        );
        minet_tests::eventually("the container to have written all it can", || {
            host.minet(["logs", &attacker]).succeed().contains("full")
        });
        let taken = before.saturating_sub(free_in_run(&host));
        assert!(taken < 64 * 1024, "{taken} bytes of /run with {options:?}");
        let used = host.minet([
            "exec",
            &attacker,
            "--",
            "du",
            "-ck",
            "/etc/hosts",
            "/etc/resolv.conf",
            "/etc/hostname",
        ]);
        let used = used.succeed();
        let total = used.lines().last().and_then(|line| line.split('\t').next());
        let total: u64 = total.unwrap().parse().unwrap();
        assert!((200..1024).contains(&total), "{used}");
        // It cannot make itself another, nor is there anything else in there.
        host.minet(["rm", "-f", &attacker]).succeed();
    }
    for file in FILES {
        let size = host.sh(&format!("stat -c %s /etc/{file}")).succeed();
        assert!(size.parse::<u64>().unwrap() < 64 * 1024, "{file}: {size}");
    }
}

#[test]
fn what_one_has_filled_is_told_once_and_hinders_nobody() {
    let host = TestHost::new();
    let _attacker = host.idle("attacker", "");
    let _other = host.idle("other", "");
    host.minet([
        "exec",
        "attacker",
        "--",
        "sh",
        "-c",
        "yes >>/etc/hosts 2>/dev/null || :",
    ])
    .succeed();
    host.minet("link other:db attacker").succeed();
    let told = host.minet("run -d --name third --link other -- sleep 1000");
    assert_eq!(told.stderr(), "", "{told}");
    told.succeed();
    host.minet("link third:db other").succeed();
    assert!(knows(&names_in(&host, "other"), "db"));
    let quiet = host.minet("ps -q");
    assert!(quiet.took().as_millis() < 2000, "{quiet}");
    assert_eq!(quiet.stderr(), "", "{quiet}");
}

#[test]
fn those_that_share_a_network_share_the_very_files() {
    let host = TestHost::new();
    host.minet("network create lab").succeed();
    let mut owner = host.idle("owner", "--network lab");
    let _db = host.idle("db", "--network lab");
    let _guest = host.idle("guest", "--mode container:owner");
    let inode = |name: &str| {
        let stat = "stat -c %i:%d /etc/hosts /etc/resolv.conf /etc/hostname";
        host.minet(format!("exec {name} -- {stat}")).succeed()
    };
    assert_eq!(inode("owner"), inode("guest"));
    host.minet("link db:store owner").succeed();
    assert!(knows(&names_in(&host, "guest"), "store"));
    host.minet([
        "exec",
        "guest",
        "--",
        "sh",
        "-c",
        "echo '192.0.2.9 mine' >>/etc/hosts",
    ])
    .succeed();
    assert!(names_in(&host, "owner").contains("192.0.2.9 mine"));
    // A read-only one that shares can read them, and its neighbour write still.
    let guest = host.idle("reader", "--read-only --mode container:guest");
    assert_eq!(inode("reader"), inode("owner"));
    let write = ["exec", "reader", "--", "sh", "-c", "echo x >>/etc/hosts"];
    assert_ne!(host.minet(write).code(), 0);
    drop(guest);
    // With their maker they do not go, as long as somebody lives there.
    let files = inode("guest");
    owner.signal("TERM");
    host.minet("wait owner").succeed();
    assert_eq!(inode("guest"), files);
    let _late = host.idle("late", "--mode container:guest");
    assert_eq!(inode("late"), files);
    let before = host.exec("cat /proc/1/mountinfo").succeed();
    host.minet("rm -f late guest reader owner db").succeed();
    assert_eq!(host.exec("cat /proc/1/mountinfo").succeed(), before);
}

#[test]
fn what_was_written_outlives_the_command_and_not_the_container() {
    let host = TestHost::new();
    let life = "echo life >>/etc/hosts; grep -c life /etc/hosts; test $(grep -c life /etc/hosts) -gt 2 && exec sleep 1000; exit 1";
    host.leave("--name web --restart always", life);
    minet_tests::eventually("the third life", || {
        host.minet("logs web").succeed() == "1\n2\n3"
    });
    let _guest = host.idle("guest", "--mode container:web");
    assert!(names_in(&host, "guest").contains("life\nlife\nlife"));
    host.minet("run -d --name db -- sleep 1000").succeed();
    host.minet("link db web").succeed();
    assert!(knows(&names_in(&host, "web"), "db"));
    host.minet("rm -f guest").succeed();
    host.minet("restart web").succeed();
    minet_tests::eventually("its third life again", || {
        host.minet("logs web").succeed() == "1\n2\n3\n1\n2\n3"
    });
    let hosts = names_in(&host, "web");
    assert!(hosts.contains("life") && knows(&hosts, "db"), "{hosts}");
    assert!(!hosts.contains("life\nlife\nlife\nlife"), "{hosts}");
}

#[test]
fn a_wiped_run_directory_is_led_to_them_again() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80");
    let _db = host.idle("db", "");
    host.sh("rm -rf /run/minet").succeed();
    let found = host.minet("check").end_with(1);
    assert!(found.contains("leads to no files"), "{found}");
    assert_eq!(host.minet("repair").code(), 0);
    host.minet("check").succeed();
    host.minet("link db:store web").succeed();
    assert!(knows(&names_in(&host, "web"), "store"));
    // The supervisor's line is in there, too.
    host.minet("publish web 8081:80").succeed();
    let path = host.inspect("web")["HostsPath"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(knows(&host.exec(["cat", &path]).succeed(), "store"));
}

#[test]
fn a_link_that_leads_to_another_process_is_not_followed() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let _db = host.idle("db", "");
    // As if the supervisor's number were another's by now, who has a directory open under it.
    let mut other = host.spawn(
        Place::Host,
        ["sh", "-c", "exec 5</etc; echo $$; exec sleep 1000"],
    );
    other.wait_for("\n");
    let other = other.stdout().trim().to_owned();
    let path = host.inspect("web")["HostsPath"]
        .as_str()
        .unwrap()
        .to_owned();
    let dir = path.strip_suffix("/hosts").unwrap();
    let before = host.sh("sha256sum /etc/hosts; ls /etc").succeed();
    host.sh(&format!("ln -sfn /proc/{other}/fd/5 {dir}"))
        .succeed();
    host.sh(&format!("test -e {dir}/hosts")).succeed();
    host.minet("link db:store web").succeed();
    assert_ne!(host.minet("publish web 8081:80").code(), 0);
    assert_eq!(host.sh("sha256sum /etc/hosts; ls /etc").succeed(), before);
    assert_eq!(host.minet("repair").code(), 0);
    host.minet("publish web 8081:80").succeed();
    host.sh(&format!("ln -sfn /proc/{other}/fd/5 {dir}"))
        .succeed();
    host.minet("rm -f web").succeed();
    assert_eq!(host.sh("sha256sum /etc/hosts; ls /etc").succeed(), before);
}

#[test]
fn nothing_is_mounted_on_the_host_and_nothing_stays() {
    let host = TestHost::new();
    let before = host.exec("cat /proc/1/mountinfo").succeed();
    let mut web = host.idle("web", "");
    let path = host.inspect("web")["HostsPath"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(host.exec("cat /proc/1/mountinfo").succeed(), before);
    let device = host.exec(["stat", "-L", "-c", "%d", &path]).succeed();
    let hosts = host.exec("stat -c %d /run").succeed();
    assert_ne!(device, hosts);
    web.signal("KILL");
    assert_ne!(web.finish().code(), 0);
    host.minet("gc").succeed();
    assert_eq!(host.sh("ls /run/minet/containers").succeed(), "");
    assert_eq!(host.exec("cat /proc/1/mountinfo").succeed(), before);
}
