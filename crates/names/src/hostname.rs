//! `/etc/hostname`: one line, read once at boot on a real machine (`man 5 hostname`).
//!
//! The kernel's own name of the UTS namespace is what `hostname` and `uname -n` print;
//! programs that look at the file instead find the same.

use minet_model::HostName;

/// The text of `/etc/hostname`.
pub fn render(name: &HostName) -> String {
    format!("{name}\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_one_line() {
        assert_eq!(
            super::render(&"web.example".parse().unwrap()),
            "web.example\n"
        );
    }
}
