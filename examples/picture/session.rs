//! What was seen of a session on several terminals: each row that has become another, and when.

use std::fmt;
use std::str::FromStr;

/// A row of a terminal that has become another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// When, in tenths of a second from the beginning.
    pub(crate) at: u32,
    pub(crate) terminal: usize,
    pub(crate) row: usize,
    pub(crate) text: String,
}

/// A terminal's caption and how many rows it has.
pub(crate) type Terminal = (String, usize);

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Session {
    pub(crate) terminals: Vec<Terminal>,
    pub(crate) changes: Vec<Change>,
    /// The moment that is shown where nothing may move.
    pub(crate) still: u32,
    /// When it is over.
    pub(crate) end: u32,
}

/// Columns with tabs between, the changes in their order.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (caption, rows) in &self.terminals {
            writeln!(f, "terminal\t{caption}\t{rows}")?;
        }
        for change in &self.changes {
            let Change {
                at,
                terminal,
                row,
                text,
            } = change;
            writeln!(f, "{at}\t{terminal}\t{row}\t{text}")?;
        }
        writeln!(f, "still\t{}", self.still)?;
        writeln!(f, "end\t{}", self.end)
    }
}

impl FromStr for Session {
    /// The line that is none.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut session = Self::default();
        for line in text.lines() {
            session.read(line).ok_or_else(|| line.to_owned())?;
        }
        Ok(session)
    }
}

impl Session {
    fn read(&mut self, line: &str) -> Option<()> {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns[..] {
            ["terminal", caption, rows] => {
                self.terminals
                    .push((caption.to_owned(), rows.parse().ok()?));
            }
            ["still", at] => self.still = at.parse().ok()?,
            ["end", at] => self.end = at.parse().ok()?,
            [at, terminal, row, text] => self.changes.push(Change {
                at: at.parse().ok()?,
                terminal: terminal.parse().ok()?,
                row: row.parse().ok()?,
                text: text.to_owned(),
            }),
            _ => return None,
        }
        Some(())
    }
}
