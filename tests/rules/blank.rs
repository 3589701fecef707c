//! Rust's text without what is no code: comments, and what strings and characters hold, are blank.

/// The same text, with the same lines.
pub(crate) fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = no_code(rest, code.ends_with(is_of_word));
        let (part, after) = rest.split_at(if length == 0 {
            letter.len_utf8()
        } else {
            length
        });
        if length == 0 {
            code.push(letter);
        } else {
            code.extend(part.chars().map(|one| if one == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// Whether a word may have this letter.
pub(crate) fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// How much at the start of this text is no code.
fn no_code(text: &str, within_a_word: bool) -> usize {
    match text.as_bytes() {
        [b'/', b'/', ..] => text.find('\n').unwrap_or(text.len()),
        [b'/', b'*', ..] => comment(text),
        [b'"', ..] => string(text),
        [b'\'', ..] => character(text),
        [b'r', ..] if !within_a_word => raw_string(text, 1),
        [b'b' | b'c', b'r', ..] if !within_a_word => raw_string(text, 2),
        _ => 0,
    }
}

/// Comments of this kind nest.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    for (at, two) in text.as_bytes().windows(2).enumerate() {
        match two {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A raw string, whose letters before its marks are so many; nothing for a word.
fn raw_string(text: &str, letters: usize) -> usize {
    let marks = &text[letters..];
    let inside = marks.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(marks.len() - inside.len()));
    match inside.strip_prefix('"') {
        Some(inside) => {
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            text.len() - inside.len() + length
        }
        None => 0,
    }
}

/// A character; nothing for a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    let end = match letters.next() {
        Some((_, '\\')) => letters.skip(1).find(|(_, letter)| *letter == '\''),
        _ => letters.next().filter(|(_, letter)| *letter == '\''),
    };
    end.map_or(0, |(at, _)| at + 1)
}

#[test]
fn what_is_no_code_is_blank() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a\"b") + 1"#, "f(      ) + 1"),
        (r##"f(r#"a"b"#, bar)"##, "f(        , bar)"),
        (r"f(b'a', '\'', '\u{e4}')", "f(b   ,     ,         )"),
        ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
    ] {
        assert_eq!(blank(text), code, "{text}");
    }
}
