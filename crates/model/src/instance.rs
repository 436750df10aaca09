use serde::{Deserialize, Serialize};
use std::{fmt, os::unix::ffi::OsStrExt, path::Path};

/// Which of several instances of minet on one machine: told from where its files are, in eight
/// digits, since there is little room on an interface.
///
/// The usual instance, with its files in the usual places, has none: whatever bears no tag is
/// its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceTag(String);

impl InstanceTag {
    /// That of the instance with this directory.
    pub fn of(directory: &Path) -> Self {
        // FNV-1a (draft-eastlake-fnv), which every version computes alike.
        let bytes = directory.as_os_str().as_bytes().iter();
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        InstanceTag(format!("#{:08x}", (hash >> 32) as u32 ^ hash as u32))
    }

    /// What minet writes on an interface: these words, and whose it is.
    pub fn label(tag: Option<&Self>, words: &str) -> String {
        match tag {
            Some(tag) => format!("{words} {tag}"),
            None => words.to_owned(),
        }
    }

    /// The words of such a label, if it is this instance's.
    pub fn words_of<'a>(tag: Option<&Self>, label: &'a str) -> Option<&'a str> {
        match (tag, label.rsplit_once(' ')) {
            (Some(tag), Some((words, last))) => (last == tag.0).then_some(words),
            (Some(_), None) => None,
            // A name never begins with this character.
            (None, Some((_, last))) => (!last.starts_with('#')).then_some(label),
            (None, None) => Some(label),
        }
    }
}

impl fmt::Display for InstanceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_by_its_own_instance_only() {
        let one = InstanceTag::of(Path::new("/srv/one"));
        let two = InstanceTag::of(Path::new("/srv/two"));
        assert_eq!(one, InstanceTag::of(Path::new("/srv/one")));
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 9);
        let instances = [None, Some(&one), Some(&two)];
        for owner in instances {
            let label = InstanceTag::label(owner, "minet container web eth0");
            for reader in instances {
                let read = InstanceTag::words_of(reader, &label);
                let expected = (reader == owner).then_some("minet container web eth0");
                assert_eq!(read, expected, "{label:?} for {reader:?}");
            }
        }
        assert_eq!(InstanceTag::words_of(Some(&one), "alias"), None);
    }
}
