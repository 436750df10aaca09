use super::{Failure, open};
use crate::{arguments::PublishOptions, output::print};
use minet_model::PublishedPort;
use minet_runtime::{Error, Paths};

pub(crate) fn publish(options: &PublishOptions, paths: Paths) -> Result<u8, Failure> {
    let ports =
        open(paths).and_then(|mut runtime| runtime.publish(&options.container, &options.mappings));
    tell(ports)
}

pub(crate) fn unpublish(options: &PublishOptions, paths: Paths) -> Result<u8, Failure> {
    let ports = open(paths)
        .and_then(|mut runtime| runtime.unpublish(&options.container, &options.mappings));
    tell(ports)
}

/// One port a line, as `minet ps` shows them.
fn tell(ports: Result<Vec<PublishedPort>, Error>) -> Result<u8, Failure> {
    for port in ports.map_err(|error| Failure::of_command(&error))? {
        print(&format!("{port}\n"));
    }
    Ok(0)
}
