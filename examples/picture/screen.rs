//! What a terminal shows: as much of one as a shell without line editing and genlock need.

use std::io;

/// Rows of text, and where the next character goes.
pub(crate) struct Screen {
    pub(crate) rows: Vec<String>,
    row: usize,
    column: usize,
    /// The beginning of what has not come whole: a character, or a sequence of ESC.
    rest: Vec<u8>,
}

impl Screen {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows: vec![String::new(); rows],
            row: 0,
            column: 0,
            rest: Vec::new(),
        }
    }

    /// Takes what a program wrote. Fails at what it does not know, so that no picture is wrong.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.rest.extend(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                let (whole, rest) = bytes.split_at(error.valid_up_to());
                self.rest = rest.to_vec();
                std::str::from_utf8(whole).unwrap_or_default()
            }
        };
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\r' => self.column = 0,
                '\n' => self.row += 1,
                '\x1b' => {
                    let sequence = characters.as_str();
                    match sequence.strip_prefix("[J") {
                        Some(rest) => {
                            self.erase();
                            characters = rest.chars();
                        }
                        None if "[J".starts_with(sequence) => {
                            let begun = format!("\x1b{sequence}");
                            self.rest.splice(0..0, begun.into_bytes());
                            break;
                        }
                        None => return Err(io::Error::other(format!("ESC {sequence:?}"))),
                    }
                }
                _ if character.is_control() => {
                    return Err(io::Error::other(format!("{character:?}")));
                }
                _ => self.put(character)?,
            }
        }
        Ok(())
    }

    fn put(&mut self, character: char) -> io::Result<()> {
        let row = self.rows.get_mut(self.row);
        let row = row.ok_or_else(|| io::Error::other(format!("no row for {character:?}")))?;
        let before: String = row.chars().take(self.column).collect();
        let behind: String = row.chars().skip(self.column + 1).collect();
        *row = format!("{before:<width$}{character}{behind}", width = self.column);
        self.column += 1;
        Ok(())
    }

    /// From the cursor to the end of the screen.
    fn erase(&mut self) {
        if let Some(row) = self.rows.get_mut(self.row) {
            *row = row.chars().take(self.column).collect();
        }
        self.rows
            .iter_mut()
            .skip(self.row + 1)
            .for_each(String::clear);
    }
}
