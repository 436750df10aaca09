//! What is handed to others: the Debian package, its manual, its completion.

use minet_tests::{Terminal, TestHost, minet, xtask};
use std::{fs, path::Path, process::Command};

/// Runs a command that has to succeed; what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("start it");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What bash offers for a line that ends in the middle of its last word.
fn offered(host: &TestHost, root: &Path, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let script = format!(
        "PATH={root}/usr/bin:$PATH; . {root}/usr/share/bash-completion/completions/minet; \
         COMP_WORDS=({line}); COMP_CWORD={}; COMP_TYPE=9; \
         COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; \
         function=$(complete -p minet | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
         $function minet '{}' '{}' && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
        root = root.display(),
    );
    let text = host.exec(["bash", "-c", &script]).succeed();
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Bash takes a word apart at = and :, and minet's words have both.
fn bash_completes_what_it_splits(host: &TestHost, root: &Path) {
    let mut shell = Terminal::program(host, "bash --norc -i");
    let root = root.display();
    shell.type_in(&format!("PS1=; PATH={root}/usr/bin:$PATH\r"));
    shell.type_in(&format!(
        ". {root}/usr/share/bash-completion/completions/minet\r"
    ));
    for (typed, completed) in [
        ("run --network=wi", "run --network=wires "),
        ("run --network container:we", "run --network container:web "),
        ("run --network=container:we", "run --network=container:web "),
        ("run -p 80:80 --network wi", "run -p 80:80 --network wires "),
        ("ps --filter=st", "ps --filter=status="),
        ("ps --filter st", "ps --filter status="),
    ] {
        shell.type_in(&format!("minet {typed}\t"));
        shell.wait_for(&format!("minet {completed}"));
        shell.type_in("\x15");
    }
    shell.type_in("exit\r");
    shell.finish().succeed();
}

#[test]
fn the_package_installs_runs_completes_and_goes() {
    let host = TestHost::new();
    let dir = host.scratch_dir();
    let small = dir.join("minet");
    run(Command::new("strip").arg("-o").arg(&small).arg(minet()));
    let mut pack = Command::new(xtask());
    pack.arg("dist").arg("--binary").arg(&small);
    run(pack.arg("--output").arg(dir.join("dist")));
    let packages = fs::read_dir(dir.join("dist")).unwrap();
    let mut packages = packages.map(|entry| entry.unwrap().path());
    let package = packages.find(|path| path.extension().is_some_and(|ending| ending == "deb"));
    let package = package.expect("a package");

    let root = dir.join("machine");
    for part in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |arguments: &[&str]| {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", root.display()));
        // The libraries are those of the machine around.
        dpkg.args(["--force-depends", "--force-not-root", "--force-bad-path"]);
        run(dpkg.args(arguments))
    };
    dpkg(&["--install", package.to_str().unwrap()]);
    for file in [
        "usr/bin/minet",
        "usr/lib/systemd/system/minet-restore.service",
        "usr/share/zsh/vendor-completions/_minet",
        "usr/share/fish/vendor_completions.d/minet.fish",
        "usr/share/doc/minet/copyright",
        "usr/share/doc/minet/changelog.gz",
        "usr/share/man/man1/minet.1.gz",
    ] {
        assert!(root.join(file).is_file(), "{file} is missing");
    }
    let page = root.join("usr/share/man/man1/minet-network-create.1.gz");
    let page = run(Command::new("zcat").arg(page));
    assert!(page.contains("\\-\\-subnet"), "{page}");

    // The example says nothing that is not so, and every key of it is one.
    let example = root.join("usr/share/doc/minet/examples/config.toml");
    let installed = root.join("usr/bin/minet").display().to_string();
    let check = |file: &Path| {
        let file = file.display().to_string();
        host.exec([installed.as_str(), "config", "check", file.as_str()])
            .succeed()
    };
    assert_eq!(check(&example), "");
    let active: String = fs::read_to_string(&example)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#" && !line.contains("br0"))
        .map(|line| format!("{}\n", line.trim_start_matches('#')))
        .collect();
    assert!(active.contains("\nbip = "), "{active}");
    check(&host.file("active.toml", &active));

    host.leave("--name web --network bridge", "sleep 100");
    host.leave("--name wide --rm", "sleep 100");
    host.minet("network create wires").succeed();
    assert_eq!(offered(&host, &root, "minet rm -f we"), ["web"]);
    assert_eq!(offered(&host, &root, "minet exec wi"), ["wide"]);
    assert_eq!(offered(&host, &root, "minet network rm wi"), ["wires"]);
    assert_eq!(
        offered(&host, &root, "minet network connect "),
        ["bridge", "wires"]
    );
    assert_eq!(
        offered(&host, &root, "minet run --restart un"),
        ["unless-stopped"]
    );
    // Whom a link is to, be they awaited still.
    host.minet("link awaited:db web").succeed();
    assert_eq!(offered(&host, &root, "minet link we"), ["web"]);
    assert_eq!(offered(&host, &root, "minet run --link wi"), ["wide"]);
    assert_eq!(offered(&host, &root, "minet unlink "), ["awaited"]);
    // Who has ended cannot be stopped.
    host.leave("--name weary", "true");
    host.minet("wait weary").succeed();
    assert_eq!(offered(&host, &root, "minet stop we"), ["web"]);
    assert_eq!(offered(&host, &root, "minet start we"), ["weary", "web"]);
    bash_completes_what_it_splits(&host, &root);
    assert_eq!(offered(&host, &root, "minet resta"), ["restart"]);
    let elsewhere = offered(&host, &root, "minet --root /nonexistent rm we");
    assert!(elsewhere.iter().all(String::is_empty), "{elsewhere:?}");

    dpkg(&["--purge", "minet"]);
    // No file is left that would keep a directory.
    assert!(!root.join("usr").exists());
}
