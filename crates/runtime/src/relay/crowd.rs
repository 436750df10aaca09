//! What a crowd of clients leaves behind: memory, which is given back when they are gone.

/// So many at a time are worth the trouble.
const MANY: usize = 16;

/// How many there were since the memory was last given back.
#[derive(Default)]
pub(super) struct Crowd {
    most: usize,
}

impl Crowd {
    /// One has come; so many are there now.
    pub(super) fn one_more(&mut self, there: usize) {
        self.most = self.most.max(there);
    }

    /// One has left; so many are there still. After many, the last one turns off the light.
    pub(super) fn one_less(&mut self, there: usize) {
        if self.is_over(there) {
            minet_netns::give_back_memory();
        }
    }

    fn is_over(&mut self, there: usize) -> bool {
        let over = there == 0 && self.most >= MANY;
        if there == 0 {
            self.most = 0;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_after_many_memory_is_given_back() {
        let mut crowd = Crowd::default();
        for _ in 0..100 {
            crowd.one_more(1);
            assert!(!crowd.is_over(0), "one after the other");
        }
        (1..=MANY).for_each(|there| crowd.one_more(there));
        let over: Vec<bool> = (0..MANY).rev().map(|left| crowd.is_over(left)).collect();
        assert_eq!(over.iter().filter(|over| **over).count(), 1);
        assert_eq!(over.last(), Some(&true));
    }
}
