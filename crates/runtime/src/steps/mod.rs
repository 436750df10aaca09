//! One file per step; see [`crate::step`] for what they have in common.

mod add_default_route;
mod admit_network;
mod announce;
mod give_address;
mod install_table;
mod lay_cable;
mod make_bridge;
mod make_mount_points;
mod make_namespace;
mod pass_foreign_drop;
mod publish_ports;
mod rewrite_hosts;
mod set_link_up;
mod tune_bridge;
mod tune_namespace;
mod turn_on_forwarding;
mod use_bridge;
mod write_etc_files;

pub use add_default_route::AddDefaultRoute;
pub use admit_network::AdmitNetwork;
pub use announce::Announce;
pub use give_address::GiveAddress;
pub use install_table::InstallTable;
pub use lay_cable::LayCable;
pub use make_bridge::MakeBridge;
pub use make_mount_points::MakeMountPoints;
pub use make_namespace::MakeNamespace;
pub use pass_foreign_drop::PassForeignDrop;
pub use publish_ports::PublishPorts;
pub use rewrite_hosts::RewriteHosts;
pub use set_link_up::SetLinkUp;
pub use tune_bridge::{TuneBridge, Whose};
pub use tune_namespace::TuneNamespace;
pub use turn_on_forwarding::TurnOnForwarding;
pub use use_bridge::UseBridge;
pub use write_etc_files::WriteEtcFiles;
