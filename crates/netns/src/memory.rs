//! The memory of a process that sleeps for weeks: as little of it as possible.

use crate::sys;

/// One heap for all threads. To be called first of all, before there are others.
pub fn share_one_heap() {
    sys::share_one_heap();
}

/// Gives back to the kernel what was used and is free again: pages of the heap, and of the
/// main thread's stack below the caller. They come back, empty, when they are needed.
pub fn give_back_memory() {
    sys::trim_heap();
    sys::trim_stack();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.unwrap().split_whitespace().nth(1);
        number.unwrap().parse().unwrap()
    }

    #[test]
    fn what_is_free_is_given_back() {
        share_one_heap();
        // Small pieces, with one that stays above them all.
        let mut pieces: Vec<Box<[u8; 1024]>> = (0..20_000).map(|_| Box::new([1; 1024])).collect();
        let last = pieces.pop();
        let full = resident_kib();
        drop(pieces);
        give_back_memory();
        let empty = resident_kib();
        assert!(empty + 10_000 < full, "{full} KiB, then {empty} KiB");
        assert!(last.is_some_and(|piece| piece[0] == 1));
    }
}
