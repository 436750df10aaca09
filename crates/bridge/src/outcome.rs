/// How a thing came to be there: both are success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// This call made it.
    Now,
    /// It was there before, exactly as wished.
    Already,
}

/// How a thing came to be gone: both are success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// This call removed it.
    Now,
    /// It was gone before: a second undo, a reboot, or the kernel, which takes a cable
    /// away with the namespace at its other end.
    AlreadyGone,
}
