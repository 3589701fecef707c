//! A version, three numbers: releases that are tried first (`-rc.1`) are not made.

use std::fmt;

use crate::step::Outcome;

/// MAJOR.MINOR.PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u32; 3]);

impl Version {
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let numbers = text.split('.').map(number).collect::<Option<Vec<_>>>();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers
            .map(Self)
            .ok_or_else(|| format!("{text}: not a version (MAJOR.MINOR.PATCH)"))
    }
}

/// As Semantic Versioning has it: no sign, and no zero before it.
fn number(text: &str) -> Option<u32> {
    let number = text.parse::<u32>().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}
