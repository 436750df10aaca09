use crate::{
    failure::{Doing, Failure},
    sys::{Beyond, shut_descriptors},
};

/// Closes every descriptor beyond standard error that whoever started this program left
/// open. To be called first of all, before this program has opened anything itself.
///
/// A supervisor lives as long as its container; a stray descriptor would keep somebody's
/// mount busy or somebody's lock taken for as long (compare CVE-2024-21626).
pub fn close_inherited() -> Result<(), Failure> {
    shut_descriptors(Beyond::Close).doing(|| "close inherited descriptors".to_owned())
}
