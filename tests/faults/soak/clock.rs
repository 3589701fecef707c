//! The wall clock of one host, which is set now and then: no lock goes by it.

use std::fs;
use std::process::Command;

use super::HOSTS;
use super::history::History;
use super::nemesis::{Course, Nemesis};
use crate::support::faketime;

/// Whose clock it is.
const HOST: usize = HOSTS - 1;

/// By what the clock is off, for faketime(1).
const FILE: &str = "clock";

/// Has a run on this host go by the host's clock, where there is something to fake it.
pub(super) fn have(run: &mut Command, host: usize, history: &History) {
    if host != HOST {
        return;
    }
    let Some(library) = faketime::library() else {
        return;
    };
    let file = history.directory().join(FILE);
    fs::write(&file, "+0\n").expect("a file");
    run.env("LD_PRELOAD", library);
    run.env("FAKETIME_TIMESTAMP_FILE", file);
    run.env("FAKETIME_NO_CACHE", "1");
    run.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// By parts of a second, hours or months, forward or back.
pub(super) fn step<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let unit = [1e-3, 1.0, 3600.0][nemesis.below(3)];
    let off = (nemesis.below(4000) as f64 - 2000.0) * unit;
    let file = nemesis.directory().join(FILE);
    let new = file.with_extension("new");
    fs::write(&new, format!("{off:+.3}\n")).expect("a file");
    fs::rename(new, file).expect("a file");
    Course::over()
}
