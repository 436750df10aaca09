use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A signal by its number, `signal(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalNumber(i32);

/// Why a text or a number is not a signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid signal: {0:?} (write a name such as TERM or RTMIN+3, or a number from 1 to 64)")]
pub struct InvalidSignal(String);

/// The names of signals 1 to 31 where Linux numbers them as on x86, ARM and RISC-V.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other names of signals of [`NAMES`], `signal(7)`.
const SYNONYMS: [(&str, i32); 3] = [("IOT", 6), ("CLD", 17), ("POLL", 29)];

/// `SIGRTMIN` as programs see it: of the real-time signals from 32 on, glibc keeps two for
/// itself (`nptl(7)`). Docker counts the same way.
const RTMIN: i32 = 34;

/// The last signal there is, `SIGRTMAX`.
const RTMAX: i32 = 64;

impl SignalNumber {
    /// SIGKILL, which no process can refuse.
    pub const KILL: SignalNumber = SignalNumber(9);
    /// SIGTERM, the polite request to end.
    pub const TERM: SignalNumber = SignalNumber(15);

    /// The number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for SignalNumber {
    type Error = InvalidSignal;

    fn try_from(number: i32) -> Result<Self, Self::Error> {
        match number {
            1..=RTMAX => Ok(SignalNumber(number)),
            _ => Err(InvalidSignal(number.to_string())),
        }
    }
}

impl FromStr for SignalNumber {
    type Err = InvalidSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSignal(text.to_owned());
        if let Ok(number) = text.parse::<i32>() {
            return SignalNumber::try_from(number).map_err(|_| invalid());
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let known = NAMES
            .iter()
            .zip(1..)
            .map(|(known, number)| (*known, number));
        known
            .chain(SYNONYMS)
            .find(|(known, _)| *known == name)
            .map(|(_, number)| number)
            .or_else(|| real_time(name))
            .map(SignalNumber)
            .ok_or_else(invalid)
    }
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-1`, `RTMAX`: within what programs may use.
fn real_time(name: &str) -> Option<i32> {
    let distance = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse::<i32>().ok(),
        false => None,
    };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => RTMIN,
        (_, Some("")) => RTMAX,
        (Some(rest), _) => RTMIN.checked_add(distance(rest.strip_prefix('+')?)?)?,
        (_, Some(rest)) => RTMAX.checked_sub(distance(rest.strip_prefix('-')?)?)?,
        (None, None) => return None,
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

impl fmt::Display for SignalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0 - 1)
            .ok()
            .and_then(|index| NAMES.get(index));
        match (name, self.0) {
            (Some(name), _) => write!(f, "SIG{name}"),
            (None, RTMIN) => f.write_str("SIGRTMIN"),
            (None, RTMAX) => f.write_str("SIGRTMAX"),
            (None, number @ RTMIN..) => write!(f, "SIGRTMIN+{}", number - RTMIN),
            (None, number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for text in ["TERM", "SIGTERM", "sigterm", "15"] {
            assert_eq!(text.parse(), Ok(SignalNumber::TERM), "{text}");
        }
        assert_eq!("KILL".parse(), Ok(SignalNumber::KILL));
        assert_eq!(
            "winch".parse::<SignalNumber>().unwrap().to_string(),
            "SIGWINCH"
        );
        assert_eq!("IOT".parse::<SignalNumber>().unwrap().number(), 6);
    }

    #[test]
    fn real_time_signals_are_counted_from_either_end() {
        for (text, number, name) in [
            ("RTMIN", 34, "SIGRTMIN"),
            ("SIGRTMIN+3", 37, "SIGRTMIN+3"),
            ("rtmin+30", 64, "SIGRTMAX"),
            ("RTMAX-1", 63, "SIGRTMIN+29"),
            ("SIGRTMAX", 64, "SIGRTMAX"),
            ("32", 32, "32"),
            ("64", 64, "SIGRTMAX"),
        ] {
            let signal: SignalNumber = text.parse().unwrap();
            assert_eq!(signal.number(), number, "{text}");
            assert_eq!(signal.to_string(), name, "{text}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for text in [
            "",
            "0",
            "65",
            "-9",
            "TERMINATE",
            "RTMIN-1",
            "RTMIN+31",
            "RTMAX+1",
            "RTMAX-31",
            "RTMIN+",
            "RTMIN3",
            "RTMIN++3",
            "RTMIN+4294967296",
        ] {
            assert!(text.parse::<SignalNumber>().is_err(), "{text:?}");
        }
    }
}
