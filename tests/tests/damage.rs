//! What a machine does to minet's files behind its back: each is a clear error or a clean
//! recovery, never a panic, and never damage to what runs.

use minet_tests::{Finished, Place, TestHost};

const DATABASE: &str = "/var/lib/minet/minet.db";

/// Changes the database by hand, and leaves all of it in the one file.
fn sql(host: &TestHost, statement: &str) {
    let script = format!(
        "import sqlite3; db = sqlite3.connect('{DATABASE}', isolation_level=None)
db.execute('{statement}'); db.execute('PRAGMA wal_checkpoint(TRUNCATE)')"
    );
    host.exec(["python3", "-c", &script]).succeed();
}

/// It failed with a message that says where, and what is wrong there.
#[track_caller]
fn fails_clearly(finished: Finished<'_>, words: &[&str]) {
    assert_ne!(finished.code(), 0, "{finished}");
    let said = finished.stderr().to_owned();
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[test]
fn a_database_of_a_newer_minet_is_refused_and_left_alone() {
    let host = TestHost::new();
    host.minet("run --name once -- true").succeed();
    sql(&host, "PRAGMA user_version = 9999");
    let newer = host.sh(&format!("sha256sum {DATABASE}")).succeed();
    for command in ["ps -a", "run --rm -- true", "gc", "check", "rm once"] {
        fails_clearly(host.minet(command), &["newer minet", "upgrade minet"]);
    }
    let sum = host.sh(&format!("sha256sum {DATABASE}")).succeed();
    assert_eq!(newer, sum);
}

#[test]
fn a_corrupt_or_truncated_database_is_named_and_what_runs_goes_on() {
    for damage in [
        "head -c 65536 /dev/urandom >minet.db",
        "truncate -s 1000 minet.db",
        "truncate -s 4096 minet.db",
        "dd if=/dev/urandom of=minet.db bs=4096 seek=1 count=8 conv=notrunc",
    ] {
        let host = TestHost::new();
        host.minet("run --name once -- true").succeed();
        sql(&host, "VACUUM");
        let damage = format!("cd /var/lib/minet; rm -f minet.db-wal minet.db-shm; {damage}");
        host.sh(&damage).succeed();
        for command in ["ps -a", "run --rm -- true", "gc --all"] {
            fails_clearly(host.minet(command), &["minet: "]);
        }
        // The way out.
        host.sh("rm /var/lib/minet/minet.db*").succeed();
        host.minet("run --rm -- true").succeed();
        host.minet("gc --all").succeed();
    }
}

/// The state on a disk of its own, of which `fill` leaves nothing, and takes what is given back:
/// what is new is refused, what runs goes on, and everything can be stopped and taken away.
fn with_a_full_disk(options: &str, fill: &str, words: &[&str]) {
    let host = TestHost::new();
    let mount = format!(
        "mkdir -p /var/lib/minet; mount -t tmpfs -o mode=700,{options} tmpfs /var/lib/minet"
    );
    host.sh(&mount).succeed();
    let before = host.snapshot();
    host.minet("network create lab").succeed();
    for name in ["web", "api", "db", "cron"] {
        host.leave(&format!("--name {name} -p 80"), "exec sleep 1000");
    }
    host.leave("--name crash --restart always", "sleep 0.2; exit 1");
    host.minet("run --name old -- true").succeed();
    // It begins again, as long as there is a machine to fill.
    let fill = format!("cd /var/lib/minet; while :; do {fill} 2>/dev/null || :; sleep 0.001; done");
    let mut thief = host.spawn(Place::Host, ["sh", "-c", &fill]);
    minet_tests::eventually("the disk to be full", || {
        host.sh("cd /var/lib/minet; ! (echo x >probe$$) 2>/dev/null")
            .code()
            == 0
    });
    // What is left is soon no more than what is kept for taking things away.
    let mut refused = (0..100)
        .map(|n| host.minet(format!("run -d --name more{n} -- sleep 1000")))
        .skip_while(|run| run.code() == 0);
    fails_clearly(refused.next().expect("one is refused"), words);
    for _ in 0..5 {
        fails_clearly(host.minet("run -d -- sleep 1000"), words);
    }
    host.minet("ps -a").succeed();
    host.minet("exec web -- true").succeed();
    host.minet("kill db").succeed();
    host.minet("stop -t 1 api crash").succeed();
    host.minet("rm -f web").succeed();
    host.minet("rm old api").succeed();
    host.minet("network rm lab").succeed();
    // A supervisor that dies meanwhile leaves what the next command takes away.
    let cron = host.inspect("cron")["State"]["Pid"].to_string();
    host.sh(&format!(
        "kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{cron}/status)"
    ))
    .succeed();
    host.minet("gc").succeed();
    assert_eq!(host.inspect("cron")["State"]["Status"], "exited");
    host.minet("container prune -f").succeed();
    let left = host.minet("ps -aq").succeed();
    for more in left.split_whitespace() {
        host.minet(["rm", "-f", more]).succeed();
    }
    host.minet("gc --all").succeed();
    thief.signal("KILL");
    assert_ne!(thief.finish().code(), 0);
    host.sh("sleep 0.1; rm -f /var/lib/minet/fill* /var/lib/minet/probe*")
        .succeed();
    before.assert_unchanged(&host);
    host.minet("run --rm --name more -- true").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_full_disk_refuses_what_is_new_and_lets_all_be_taken_away() {
    // Not a byte is left.
    let fill = "cat /dev/zero >>fill";
    with_a_full_disk("size=4m", fill, &["minet: "]);
}

#[test]
fn so_does_a_full_table_of_inodes() {
    let fill = "touch $(seq -f fill%g 100)";
    with_a_full_disk("nr_inodes=60", fill, &["minet: "]);
}

/// Where each change costs some of what is left, all of it may still be made.
#[test]
fn on_a_full_disk_a_crowd_can_be_taken_away() {
    let host = TestHost::new();
    host.sh("mkdir -p /var/lib/minet; mount -t tmpfs -o mode=700,size=6m tmpfs /var/lib/minet")
        .succeed();
    let before = host.snapshot();
    let long = "x".repeat(3000);
    for n in 0..60 {
        let label = format!("text={long}");
        host.minet([
            "run",
            "--name",
            &format!("c{n}"),
            "--label",
            &label,
            "--",
            "true",
        ])
        .succeed();
    }
    host.sh("cat /dev/zero >/var/lib/minet/fill 2>/dev/null || :")
        .succeed();
    // What is refused takes nothing of what is kept for the others.
    for n in 0..30 {
        let label = format!("text={long}{n}");
        let more = host.minet(["run", "--label", &label, "--", "true"]);
        if more.code() != 0 {
            fails_clearly(more, &["no space left in /var/lib/minet", "still works"]);
        }
    }
    for n in 0..60 {
        host.minet(format!("rm c{n}")).succeed();
    }
    host.minet("container prune -f").succeed();
    assert_eq!(host.minet("ps -aq").succeed(), "");
    host.minet("gc --all").succeed();
    host.sh("rm /var/lib/minet/fill").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn where_everything_is_on_one_disk_it_is_the_same() {
    let host = TestHost::new();
    host.sh("mkdir /run/root; mount -t tmpfs -o mode=700,size=6m,nr_inodes=100 tmpfs /run/root")
        .succeed();
    let before = host.snapshot();
    let minet = |words: &str| host.minet(format!("--root /run/root/minet {words}"));
    minet("run -d --name web -p 80 -- sleep 1000").succeed();
    minet("run -d --name api -- sleep 1000").succeed();
    host.sh("cd /run/root; cat /dev/zero >fill 2>/dev/null || :; touch $(seq -f fill%g 200) 2>/dev/null || :")
        .succeed();
    fails_clearly(minet("run -d --name more -- sleep 1000"), &["minet: "]);
    minet("exec web -- true").succeed();
    minet("stop -t 1 api").succeed();
    minet("rm -f web api").succeed();
    minet("gc --all").succeed();
    host.sh("rm -rf /run/root/*").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_read_only_state_can_be_looked_at_and_refuses_the_rest() {
    let host = TestHost::new();
    host.sh("mkdir -p /var/lib/minet; mount -t tmpfs -o mode=700 tmpfs /var/lib/minet")
        .succeed();
    host.minet("run --name old -- true").succeed();
    host.sh("mount -o remount,ro /var/lib/minet").succeed();
    let before = host.snapshot();
    fails_clearly(host.minet("run --rm -- true"), &["minet: "]);
    fails_clearly(host.minet("rm old"), &["minet: "]);
    before.assert_unchanged(&host);
    host.sh("mount -o remount,rw /var/lib/minet").succeed();
    host.minet("rm old").succeed();
    host.minet("gc --all").succeed();
}

#[test]
fn a_wiped_run_directory_loses_nothing_that_runs() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.leave("--name web -p 8080:80", "exec sleep 1000");
    host.sh("rm -rf /run/minet /run/netns").succeed();
    let listed = host.minet("ps").succeed();
    assert!(listed.contains("web"), "{listed}");
    host.minet("repair").code();
    host.minet("exec web -- true").succeed();
    host.leave("--name more", "exec sleep 1000");
    host.minet("rm -f web more").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_name_of_a_namespace_that_somebody_replaced_is_not_followed() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.leave("--name web", "exec sleep 1000");
    let address = host.address_of("web");
    host.sh("ln -sfn /proc/1/ns/net /run/netns/web").succeed();
    // What is entered is the container's namespace, by its process and inode.
    let seen = host.minet("exec web -- ip -4 -brief address").succeed();
    assert!(seen.contains(&address), "{seen}");
    host.minet("rm -f web").succeed();
    host.sh("ip link show lan0").succeed();
    host.sh("rm -f /run/netns/web").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_reused_pid_and_a_changed_clock_are_nobody_s_container() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut bystander = host.spawn(Place::Host, ["sh", "-c", "echo $$; exec sleep 1000"]);
    bystander.wait_for("\n");
    let number = bystander.stdout().trim().to_owned();
    let id = host.leave("--name web", "exec sleep 1000");
    let find = "ps -eo pid,args | sed -n 's/^ *\\([0-9]*\\) .*minet run -d.*/\\1/p' | head -1";
    let supervisor = host.sh(find).succeed();
    // As if it had died, its number were another's now, and the clock had gone back a year.
    host.sh(&format!("kill -9 {supervisor}")).succeed();
    sql(
        &host,
        &format!(
            "UPDATE container SET supervisor_pid = {number}, init_pid = {number}, started = started + 31536000000, created = created + 31536000000"
        ),
    );
    host.minet("ps -a").succeed();
    host.minet("gc --all").succeed();
    assert!(!bystander.has_ended());
    let listed = host.minet("ps -a --no-trunc").succeed();
    assert!(
        listed.contains(&id) && listed.contains("Exited"),
        "{listed}"
    );
    host.minet("rm web").succeed();
    host.sh(&format!("kill {number}")).succeed();
    before.assert_unchanged(&host);
}
