//! Words as a command line that a user can copy into a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::secrets;

/// The words as one line, each quoted if the shell would otherwise not take it as it is. Passwords in
/// them are left out.
pub(super) fn line<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    let mut option = String::new();
    let mut quoted = Vec::new();
    for word in words {
        let text = word.as_ref().to_str().unwrap_or_default();
        let (before, value) = match text.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, value),
            _ => (&*option, text),
        };
        let shown = match before {
            "--user" => secrets::user(value),
            "--endpoints" => secrets::endpoints(value),
            _ => value.to_owned(),
        };
        quoted.push(if shown == value {
            quote(word.as_ref())
        } else {
            quote(OsStr::new(&text.replace(value, &shown)))
        });
        option = text.to_owned();
    }
    quoted.join(" ")
}

/// One word: as it is, in single quotes, or as `$'...'` if it has bytes that cannot be shown. bash, zsh
/// and ksh know `$'...'`, and POSIX since 2024.
fn quote(word: &OsStr) -> String {
    let Some(text) = word.to_str().filter(|text| !text.chars().any(is_hidden)) else {
        return ansi_c(word.as_bytes());
    };
    // zsh replaces `=ls` by the path of ls.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether the character has no meaning for any shell, nor for its history expansion.
fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || "@%+=:,./-_".contains(character)
}

/// Whether the character would be shown as something else, or move the cursor.
fn is_hidden(character: char) -> bool {
    !matches!(character, '"' | '\'' | '\\') && character.escape_debug().len() > 1
}

fn ansi_c(bytes: &[u8]) -> String {
    let mut quoted = String::from("$'");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => quoted.extend(['\\', character]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                '\r' => quoted.push_str("\\r"),
                _ if is_hidden(character) => {
                    let mut bytes = [0; 4];
                    octal(&mut quoted, character.encode_utf8(&mut bytes).as_bytes());
                }
                _ => quoted.push(character),
            }
        }
        octal(&mut quoted, chunk.invalid());
    }
    quoted.push('\'');
    quoted
}

/// Three octal digits a byte, which is the most that `$'...'` reads: a digit that follows stays one.
fn octal(quoted: &mut String, bytes: &[u8]) {
    for byte in bytes {
        quoted.push_str(&format!("\\{byte:03o}"));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_the_words_back() {
        let words: [&[u8]; 12] = [
            b"genlock",
            b"",
            b"two words",
            b"it's",
            b"$HOME `id` \"x\" !! \\",
            b"~/x",
            b"a=b",
            b"line\nbreak\t'q' \\n",
            b"\xff7",
            "\u{202e}ü".as_bytes(),
            b"*.[ch]{1,2}",
            b"; rm -rf # &",
        ];
        let words = words.map(OsStr::from_bytes);
        let line = line(words);
        assert!(!line.chars().any(is_hidden), "{line}");
        let script = format!("printf '%s\\0' {line}");
        for shell in ["bash", "zsh"] {
            // zsh is not everywhere that the unit tests run.
            let Ok(output) = Command::new(shell).args(["-c", &script]).output() else {
                continue;
            };
            let read: Vec<_> = output.stdout.split(|&byte| byte == 0).collect();
            let (_, read) = read.split_last().expect("words");
            let read: Vec<_> = read.iter().map(|&word| OsStr::from_bytes(word)).collect();
            assert_eq!(read, words, "{shell}: {line}");
        }
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        let words = ["genlock", "run", "--wait=5m", "/locks/x", "--", "./a.sh"];
        assert_eq!(line(words), words.join(" "));
    }
}
