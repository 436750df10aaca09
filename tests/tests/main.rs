//! The whole program, from outside: what a user types, and what the kernel says afterwards.
//!
//! Each file is a subject; `cargo test -p minet-tests links::` runs one of them. What takes
//! too long for every day is a program of its own, `soak.rs`.

mod beside_docker;
mod check;
mod configuration;
mod confinement;
mod connect;
mod crash;
mod damage;
mod dist;
mod dns;
mod doctor;
mod etc_files;
mod exhaustion;
mod exit_codes;
mod formats;
mod golden;
mod guarantees;
mod guard;
mod handover;
mod harness;
mod hosts_file;
mod inspect;
mod instances;
mod ipv6;
mod isolation;
mod kept_ports;
mod labels;
mod lifecycle;
mod link_edges;
mod link_mariadb;
mod links;
mod logs;
mod modes;
mod names;
mod network_set;
mod networks;
mod nothing_left;
mod options;
mod orphans;
mod outbound;
mod parallel;
mod publish;
mod refusals;
mod repair;
mod republish;
mod restart;
mod room;
mod rootfs;
mod script;
mod seccomp;
mod seeing;
mod shard;
mod spoofing;
mod terminal;
