//! What was most likely meant where the command was not found.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{check, edit, missing, shown};

/// Characters that have a meaning for a shell.
const SYNTAX: &[u8] = b"|&;<>()$`\\\"'*?[]{}~#\n";

/// The end of the message that `command`, the last of `words`, was not found: the likely reason, and the
/// line that was meant.
pub(in crate::cli) fn hint(words: &[OsString], command: &[OsString]) -> Option<String> {
    let before = words.len().checked_sub(command.len())?;
    let (why, mended) = mend(&words[..before], command)?;
    check(&mended).ok()?;
    Some(format!("{why}; try: {}", shown(&mended)))
}

fn mend(before: &[OsString], command: &[OsString]) -> Option<(&'static str, Vec<OsString>)> {
    let (program, arguments) = command.split_first()?;
    let bytes = program.as_bytes();
    if arguments.is_empty() && bytes.iter().any(u8::is_ascii_whitespace) {
        if bytes.iter().any(|byte| SYNTAX.contains(byte)) {
            let shell = ["sh", "-c"].map(OsString::from);
            let mended = [before, &shell, command].concat();
            return Some(("a line for a shell is no command by itself", mended));
        }
        let words = bytes.split(u8::is_ascii_whitespace);
        let words = words.filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(|w| OsStr::from_bytes(w).to_owned()).collect();
        return Some(("all of it is one word", [before, &words].concat()));
    }
    // In `run -- sleep 5` sleep was taken for the key.
    if let [options @ .., dashes, key] = before
        && dashes == "--"
    {
        let named = OsString::from(missing::key_for(key));
        let rest = [named, dashes.clone(), key.clone()];
        let mended = [options, &rest, command].concat();
        return Some(("the word before it was taken for the key", mended));
    }
    // consul's `-n 3` is for three holders; here -n is --try, and 3 was taken for the key.
    if let [options @ .., limit, number] = before
        && limit == "-n"
        && edit::is_number(number)
    {
        let mended = [options, std::slice::from_ref(limit), command].concat();
        return Some(("-n takes no number, which was taken for the key", mended));
    }
    // A file in the working directory, which $PATH does not have: `./` was left out.
    if !bytes.contains(&b'/') && Path::new(program).is_file() {
        let mut path = OsString::from("./");
        path.push(program);
        let mended = [before, &[path], arguments].concat();
        return Some(("the working directory is not searched", mended));
    }
    None
}
