//! From the description to the kernel and back.
//!
//! [`encode`] turns a command into a [`message::Message`], which is still plain data;
//! [`ffi`] lets libnftnl lay out its bytes; [`batch`] makes one transaction of many;
//! [`socket`] carries it over; [`attribute`] reads what comes back.

pub(crate) mod attribute;
pub(crate) mod batch;
pub(crate) mod bytecode;
pub(crate) mod encode;
mod ffi;
pub(crate) mod message;
pub(crate) mod socket;
pub(crate) mod userdata;
