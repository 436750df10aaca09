//! Options of a subcommand that are only listed when that subcommand is typed.
//!
//! clap describes all options of all subcommands before it reads the first word, and with
//! hundreds of them that is a large part of what a short command takes. `Command::defer`
//! puts the description off until the subcommand is the one that is wanted; the derive
//! macros have no word for it, so a variant says `Late<Options>`.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, builder::Resettable};
use std::ops::Deref;

/// The options `T` of one subcommand.
#[derive(Debug)]
pub(crate) struct Late<T>(Box<T>);

impl<T> Late<T> {
    fn of(options: T) -> Self {
        Late(Box::new(options))
    }

    /// The options themselves.
    pub(crate) fn into_inner(self) -> T {
        *self.0
    }
}

impl<T> Deref for Late<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Args> Args for Late<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(describe::<T>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(describe::<T>)
    }
}

/// What the subcommand itself says of its purpose stands, as it does without delay.
fn describe<T: Args>(command: Command) -> Command {
    let about = Resettable::from(command.get_about().cloned());
    let long_about = Resettable::from(command.get_long_about().cloned());
    T::augment_args(command).about(about).long_about(long_about)
}

impl<T: FromArgMatches> FromArgMatches for Late<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self::of)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self::of)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}
