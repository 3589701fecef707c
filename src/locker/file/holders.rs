//! Who holds a lock, seen from outside: as the kernel says whether it is held, and the files by whom.

use super::lockfile::LockFile;
use super::probe::Flocked;
use super::sharers::{self, Sharer, Sharers};
use crate::error::Result;
use crate::locker::Mode;
use crate::locker::operator::Contender;

/// All who hold the lock of this file, in the order of their tokens. Of other tools that share it at most one
/// is told, and none beside a genlock: who they are nobody says.
pub(super) fn holders(file: &LockFile) -> Result<Vec<Contender>> {
    let flocked = file.flocked()?;
    if let Flocked::Shared(_) = flocked {
        let all = Sharers::of(file).all().into_iter();
        let mut all: Vec<_> = all
            .filter(|one| sharers::is_by(&one.record, &flocked))
            .map(|Sharer { token, record }| {
                Contender::new(file.owner_key(token))
                    .with_token(token)
                    .with_record(Some(record))
            })
            .collect();
        all.sort_by_key(|one| one.token);
        if !all.is_empty() {
            return Ok(all);
        }
    }
    if flocked == Flocked::No {
        return Ok(Vec::new());
    }
    let token = file.count()?;
    let alone = !matches!(flocked, Flocked::Shared(_));
    let record = file
        .record()
        .filter(|record| sharers::is_by(record, &flocked));
    let holder = Contender::new(file.owner_key(token));
    if !alone {
        return Ok(vec![holder.with_mode(Mode::Shared)]);
    }
    Ok(vec![match record {
        Some(mut record) => {
            record.taken_away = file.taken_away(token);
            holder.with_token(token).with_record(Some(record))
        }
        None => holder,
    }])
}

/// Whether one of them is another tool's, or so it looks.
pub(super) fn has_foreign(holders: &[Contender]) -> bool {
    holders.iter().any(Contender::is_foreign)
}
