//! The file store in the list of stores.

use std::path::{Path, PathBuf};

use super::{CAPABILITIES, FileStore, examine};
use crate::error::{Result, Setting};
use crate::locker::Config;
use crate::locker::Options;
use crate::locker::kind::{StoreClient, StoreHelp, StoreKind, behind_scheme};

const SCHEME: &str = "file:";

/// What is known of locks in files.
pub(crate) static KIND: StoreKind = StoreKind {
    schemes: &[SCHEME],
    path_schemes: &[SCHEME],
    several: false,
    is_local: true,
    default_endpoint: SCHEME,
    capabilities: &CAPABILITIES,
    user_of_password: None,
    settings: &[Setting::Endpoints, Setting::Ttl],
    variables: &[],
    help: StoreHelp {
        endpoints: "file:DIR, or file: for a directory of one's own, for this host alone",
        about: &[
            "flock(2) on one file a key, for one host and without a server; not in order. The",
            "command inherits the lock, which lives for as long as the command even if genlock is",
            "killed. Root and other users meet only in a directory that is named, whose mode and",
            "group decide: after install -d -m 2770 -g GROUP DIR all of GROUP lock in file:DIR.",
        ],
        example: (SCHEME, "on this host only, without a server"),
        files: &[
            ("/run/genlock", "root's locks of file:"),
            (
                "/run/user/UID/genlock",
                "another user's; without /run/user/UID in $XDG_RUNTIME_DIR/genlock",
            ),
            (
                "/tmp/genlock-UID",
                "another user's who has neither; once made it goes before both",
            ),
        ],
    },
    from_anywhere,
    open,
    examine: |config, key, _| {
        let examination = examine::examine(directory(config), key);
        Box::pin(std::future::ready(Ok(examination)))
    },
};

/// The directory that an endpoint names; `file:///dir` and `file:/dir` mean the same. `None` for the
/// directory of one's own.
fn directory(config: &Config) -> Option<&Path> {
    let endpoint = config.endpoints.as_ref()?.first()?;
    let directory = behind_scheme(endpoint, SCHEME)?;
    let directory = directory.strip_prefix("//").unwrap_or(directory);
    (!directory.is_empty()).then(|| Path::new(directory))
}

/// Another user, or another environment, would have another directory of its own.
fn from_anywhere(config: &Config) -> String {
    let named = directory(config).map(PathBuf::from);
    let path = named.unwrap_or_else(FileStore::own_directory);
    let path = std::path::absolute(&path).unwrap_or(path);
    format!("{SCHEME}{}", path.display())
}

fn open(config: Config, options: Options) -> Result<Box<dyn StoreClient>> {
    let opened = match directory(&config) {
        Some(directory) => FileStore::open(directory, options),
        None => FileStore::own(options),
    };
    let opened = opened.map_err(|error| error.about([Setting::Endpoints]))?;
    Ok(Box::new(opened))
}
