use super::{Failure, open};
use crate::{
    arguments::{MappingOptions, PublishOptions},
    output::print,
};
use minet_model::PublishedPort;
use minet_runtime::{Error, Paths};

pub(crate) fn publish(options: &PublishOptions, paths: Paths) -> Result<u8, Failure> {
    let MappingOptions {
        container,
        mappings,
    } = &options.mappings;
    let ports = open(paths).and_then(|mut runtime| match options.take {
        false => runtime.publish(container, mappings),
        true => {
            let mut ports = Vec::new();
            for mapping in mappings {
                ports.extend(runtime.take_over(container, mapping)?);
            }
            Ok(ports)
        }
    });
    tell(ports)
}

pub(crate) fn unpublish(options: &MappingOptions, paths: Paths) -> Result<u8, Failure> {
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
