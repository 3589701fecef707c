//! Text in the columns of a terminal: how many it takes, and what fits into them.

use std::os::fd::AsFd;

use unicode_width::UnicodeWidthChar;

/// The columns of a terminal that does not say how many it has.
const USUAL: usize = 80;

/// How many columns the terminal has.
pub(crate) fn of_terminal(terminal: impl AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal);
    match size.map_or(0, |size| size.ws_col) {
        0 => USUAL,
        columns => columns.into(),
    }
}

/// How many columns a text takes that was escaped before (`describe::escape`).
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(character: char) -> usize {
    character.width().unwrap_or(1)
}

/// The text, or its beginning and an ellipsis, in so many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => start(text.chars(), columns - 1).collect::<String>() + "…",
    }
}

/// The text, or its beginning, an ellipsis and its end, in so many columns: names of one kind
/// differ in their last part.
pub(crate) fn fit_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let end = start(text.chars().rev(), room / 2);
    let first = start(text.chars(), room - room / 2);
    let end = end.collect::<Vec<_>>().into_iter().rev();
    first.chain(['…']).chain(end).collect()
}

/// The first of these characters, as many as fit into so many columns.
fn start(text: impl Iterator<Item = char>, columns: usize) -> impl Iterator<Item = char> {
    let mut taken = 0;
    text.take_while(move |&character| {
        taken += width_of(character);
        taken <= columns
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("abcdef", 1), "…");
        assert_eq!(fit("abcdef", 0), "");
        assert_eq!(fit("日本語", 5), "日本…");
    }

    #[test]
    fn a_name_keeps_both_its_ends() {
        assert_eq!(
            fit_middle("/locks/a-very-long-12345", 15),
            "/locks/…g-12345"
        );
        for columns in 0..12 {
            for text in ["/locks/job", "日本語の鍵", "x"] {
                let fitted = fit_middle(text, columns);
                assert!(width(&fitted) <= columns, "{text} {columns}: {fitted}");
            }
        }
    }
}
