//! What is to be told of a directory of lock files.

use std::path::Path;

use super::diagnose::diagnose;
use crate::locker::examination::{Examination, ExaminedDirectory, Finding};
use crate::secrets;

/// Looks at the directory, or that of who runs, and at the lock file of `key` unless it ends in `/`.
pub(super) fn examine(directory: Option<&Path>, key: &str) -> Examination {
    let lock = Some(key).filter(|key| !key.ends_with('/'));
    let found = diagnose(directory, lock);
    let path = secrets::path(&found.path.to_string_lossy());
    let there = found.directory.as_ref();
    let mut report = Examination {
        directory: Some(ExaminedDirectory {
            path: path.clone(),
            owner: there.map(|there| there.owner),
            mode: there.map(|there| there.mode),
            filesystem: there.map(|there| there.filesystem.name),
            is_local: there.and_then(|there| there.filesystem.local),
        }),
        ..Examination::default()
    };
    let there = match (&found.fit, there) {
        (Err(error), _) => {
            report.tell(Finding::failed("directory", "", error));
            return report;
        }
        (Ok(()), None) => {
            let text = format!("{path}: made with the first lock");
            report.tell(Finding::fine("directory", text));
            return report;
        }
        (Ok(()), Some(there)) => there,
    };
    let text = format!(
        "{path}: of user {}, mode {:04o}, on {}",
        there.owner, there.mode, there.filesystem.name
    );
    let warnings = [
        (
            there.others_write,
            "others can write in it: they can hold up every lock, and write to its file",
        ),
        (
            there.filesystem.local.is_none(),
            "see that it is this host's alone: locks in files are for one host",
        ),
    ];
    let holding = warnings.iter().filter(|(holds, _)| *holds);
    for (_, why) in holding {
        report.tell(Finding::warning("directory", &*text, *why));
    }
    if report.findings.is_empty() {
        report.tell(Finding::fine("directory", text));
    }
    report
}
