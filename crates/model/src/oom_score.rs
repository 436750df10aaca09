use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How readily the kernel ends a process when memory runs out, `--oom-score-adj`: from -1000,
/// never, over 0, by its size alone, to 1000, first of all (`proc_pid_oom_score_adj(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OomScore(i16);

/// Why a text is not such a number; Docker's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value {0}, range for oom score adj is [-1000, 1000]")]
pub struct InvalidOomScore(String);

impl OomScore {
    /// A supervisor's: all that a container has hangs on a process of some hundred kilobytes,
    /// whose end would free nothing and take the container along.
    pub const OF_SUPERVISOR: OomScore = OomScore(-500);

    /// That of a process which is made anew when it is needed.
    pub const OF_HERMIT: OomScore = OomScore(500);

    /// The number.
    pub fn number(self) -> i16 {
        self.0
    }
}

impl FromStr for OomScore {
    type Err = InvalidOomScore;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok();
        number
            .filter(|number| (-1000..=1000).contains(number))
            .map(OomScore)
            .ok_or_else(|| InvalidOomScore(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_either_way() {
        for (text, number) in [("-1000", -1000), ("0", 0), ("+7", 7), ("1000", 1000)] {
            assert_eq!(text.parse::<OomScore>().unwrap().number(), number);
        }
        for text in ["", "-1001", "1001", "99999999", "1.5", "low"] {
            let error = text.parse::<OomScore>().unwrap_err().to_string();
            let words = "range for oom score adj is [-1000, 1000]";
            assert_eq!(error, format!("Invalid value {text}, {words}"));
        }
    }
}
