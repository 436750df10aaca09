//! Who a process runs as, looked up in the container's own `/etc/passwd` and `/etc/group`.
//!
//! The files are read as text (`passwd(5)`, `group(5)`). The host's name services are not
//! asked: what they know of is not in the container, and their plugins would be code of
//! the host's or, worse, of the container's (CVE-2019-14271).

use minet_model::UserSpec;

/// A user as the kernel knows it, and where they are at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups: those that list the user, unless a group was asked for.
    pub(crate) groups: Vec<u32>,
    /// `HOME`, where the environment does not say.
    pub(crate) home: String,
}

/// A name that the container does not know. The texts are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAccount {
    /// Neither a name in `/etc/passwd` nor a number.
    #[error("unable to find user {0}: no matching entries in passwd file")]
    User(String),
    /// Neither a name in `/etc/group` nor a number.
    #[error("unable to find group {0}: no matching entries in group file")]
    Group(String),
}

struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Who is meant; nobody in particular is uid 0.
pub(crate) fn resolve(
    wanted: Option<&UserSpec>,
    passwd: &str,
    group: &str,
) -> Result<Identity, UnknownAccount> {
    let word = wanted.map_or("0", |wanted| wanted.user.as_str());
    let entry = users(passwd).find(|user| user.name == word || number(word) == Some(user.uid));
    let uid = entry
        .as_ref()
        .map(|entry| entry.uid)
        .or_else(|| number(word))
        .ok_or_else(|| UnknownAccount::User(word.to_owned()))?;
    let (gid, supplementary) = match wanted.and_then(|wanted| wanted.group.as_deref()) {
        Some(word) => (find_group(word, group)?, Vec::new()),
        None => {
            let gid = entry.as_ref().map_or(0, |entry| entry.gid);
            let name = entry.as_ref().map_or("", |entry| entry.name);
            (gid, groups_of(name, group))
        }
    };
    let home = entry
        .map(|entry| entry.home)
        .filter(|home| !home.is_empty());
    Ok(Identity {
        uid,
        gid,
        groups: supplementary,
        home: home.unwrap_or("/").to_owned(),
    })
}

fn find_group(word: &str, group: &str) -> Result<u32, UnknownAccount> {
    groups(group)
        .find(|group| group.name == word || number(word) == Some(group.gid))
        .map(|group| group.gid)
        .or_else(|| number(word))
        .ok_or_else(|| UnknownAccount::Group(word.to_owned()))
}

fn groups_of(user: &str, group: &str) -> Vec<u32> {
    groups(group)
        .filter(|group| !user.is_empty() && group.members.split(',').any(|member| member == user))
        .map(|group| group.gid)
        .collect()
}

fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some(User {
            name,
            uid: number(uid)?,
            gid: number(gid)?,
            home: fields.nth(1).unwrap_or_default(),
        })
    })
}

fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some(Group {
            name,
            gid: number(fields.nth(1)?)?,
            members: fields.next().unwrap_or_default(),
        })
    })
}

/// A user's or group's number. The largest 32-bit number means "no change" to the kernel
/// and with it everything that a C program would read as negative is refused.
fn number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = if digits {
        word.parse().ok()?
    } else {
        return None;
    };
    i32::try_from(number).is_ok().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        # a comment\nbroken\n\
        www:x:33:33:www:/var/www:/usr/sbin/nologin\n\
        app:x:1000:100:::\n";
    const GROUP: &str = "root:x:0:root\nwww:x:33:\nadm:x:4:app,www\nusers:x:100:\nssl:x:9:app\n";

    fn of(text: &str) -> Result<Identity, UnknownAccount> {
        let spec: UserSpec = text.parse().unwrap();
        resolve(Some(&spec), PASSWD, GROUP)
    }

    #[test]
    fn a_name_brings_its_groups_and_home() {
        let www = Identity {
            uid: 33,
            gid: 33,
            groups: vec![4],
            home: "/var/www".into(),
        };
        assert_eq!(of("www").unwrap(), www);
        assert_eq!(of("33").unwrap(), www);
        let app = Identity {
            uid: 1000,
            gid: 100,
            groups: vec![4, 9],
            home: "/".into(),
        };
        assert_eq!(of("app").unwrap(), app);
    }

    #[test]
    fn a_group_that_is_asked_for_is_the_only_one() {
        let app = of("app:adm").unwrap();
        assert_eq!((app.uid, app.gid, app.groups), (1000, 4, vec![]));
        assert_eq!(of("app:77").unwrap().gid, 77);
    }

    #[test]
    fn numbers_need_no_entry() {
        let nobody = Identity {
            uid: 4242,
            gid: 0,
            groups: vec![],
            home: "/".into(),
        };
        assert_eq!(of("4242").unwrap(), nobody);
        assert_eq!(resolve(None, "", "").unwrap().uid, 0);
        assert_eq!(resolve(None, PASSWD, GROUP).unwrap().home, "/root");
    }

    #[test]
    fn unknown_names_are_named() {
        assert_eq!(
            of("ghost").unwrap_err().to_string(),
            "unable to find user ghost: no matching entries in passwd file"
        );
        assert_eq!(
            of("app:ghosts").unwrap_err().to_string(),
            "unable to find group ghosts: no matching entries in group file"
        );
        assert!(of("4294967295").is_err());
        assert!(of("+5").is_err());
    }
}
