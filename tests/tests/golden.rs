//! The nftables table as `nft` shows it: reviewed by eye whenever it changes.
//!
//! `UPDATE_GOLDEN=1 cargo test -p minet-tests --test whole golden` writes the file anew.

use minet_tests::{TestHost, without_counters, without_ids};
use std::{fs, path::PathBuf};

#[test]
fn the_table_with_one_published_port_reads_like_a_lesson() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80 -p 127.0.0.1:5353:53/udp");
    let table = host.exec("nft list table inet minet").succeed();
    assert_golden("table.nft", &without_ids(&without_counters(&table)));
}

#[test]
fn what_nft_lists_is_what_nft_reads() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80");
    // Types, comments and interval sets have to be such that nft can load its own listing.
    let script = "nft list table inet minet >/run/table; nft -f /run/table --check";
    host.sh(script).succeed();
}

#[track_caller]
fn assert_golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    let text = format!("{}\n", text.trim_end());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).expect("write the golden file");
        return;
    }
    let golden = fs::read_to_string(&path).expect("read the golden file");
    let is: Vec<&str> = text.lines().collect();
    let was: Vec<&str> = golden.lines().collect();
    let first = is.iter().zip(&was).position(|(is, was)| is != was);
    let line = first.unwrap_or_else(|| is.len().min(was.len()));
    assert_eq!(
        text,
        golden,
        "{} differs from line {}",
        path.display(),
        line + 1
    );
}
