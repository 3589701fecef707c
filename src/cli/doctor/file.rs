//! The findings about locks in files.

use super::DoctorOptions;
use super::findings::{Findings, ShownDirectory};
use crate::cli::settings::Settings;
use crate::locker::Config;
use crate::locker::file::diagnose::diagnose;
use crate::locker::file::directory;
use crate::secrets;

/// Looks at the directory.
pub(super) fn look(
    report: &mut Findings,
    _: &Settings,
    config: &Config,
    options: &DoctorOptions,
) -> anyhow::Result<()> {
    report.store = Some("file");
    let found = diagnose(directory(config), options.lock());
    let path = secrets::path(&found.path.to_string_lossy());
    let there = found.directory.as_ref();
    report.directory = Some(ShownDirectory {
        path: path.clone(),
        owner: there.map(|there| there.owner),
        mode: there.map(|there| format!("{:04o}", there.mode)),
        filesystem: there.map(|there| there.filesystem.name),
        local: there.and_then(|there| there.filesystem.local),
    });
    match (&found.fit, there) {
        (Err(error), _) => report.wrong("directory", error, error.to_string(), None),
        (Ok(()), None) => report.ok("directory", format!("{path}: made with the first lock")),
        (Ok(()), Some(there)) => {
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
            if warnings.iter().all(|(holds, _)| !holds) {
                report.ok("directory", text);
            } else {
                for (_, why) in warnings.iter().filter(|(holds, _)| *holds) {
                    report.warn("directory", &*text, why);
                }
            }
        }
    }
    Ok(())
}
