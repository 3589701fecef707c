//! The manual pages, as those who set them see them.

use std::path::{Path, PathBuf};

use crate::genlock::{Finished, bare, genlock, output};

fn pages() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut pages: Vec<_> = entries.map(|entry| entry.expect("a page").path()).collect();
    pages.sort();
    assert!(pages.len() > 2, "{pages:?}");
    pages
}

/// What a program shows, with one blank between the words. Bold is a letter over itself.
fn shown(run: &Finished) -> String {
    let mut text = String::new();
    for character in run.text().chars() {
        match character {
            '\u{8}' => drop(text.pop()),
            _ => text.push(character),
        }
    }
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

/// Each page through this program: it succeeds, and complains of nothing.
fn set_by(program: &[&str]) {
    for page in pages() {
        let mut command = bare(program[0]);
        command.args(&program[1..]).arg(&page);
        // What a terminal would have.
        command.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
        let run = output(command);
        assert!(
            run.status.success(),
            "{program:?} {}: {run:?}",
            page.display()
        );
        assert_eq!(run.stderr, "", "{program:?} {}", page.display());
        if program.contains(&"-Tlint") {
            assert_eq!(run.text(), "", "{}", page.display());
        } else {
            assert!(shown(&run).contains("SEE ALSO"), "{}", page.display());
        }
    }
}

#[test]
fn mandoc_has_no_warning() {
    set_by(&["mandoc", "-Tlint", "-W", "warning"]);
}

#[test]
fn groff_has_no_warning() {
    set_by(&["groff", "-man", "-ww", "-Tutf8"]);
}

#[test]
fn man_has_no_warning() {
    set_by(&["man", "--warnings", "-l"]);
}

#[test]
fn the_sections_are_those_of_a_manual_in_their_order() {
    const ALL: [&str; 11] = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "VERBS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "NOTES",
        "EXAMPLES",
        "SEE ALSO",
    ];
    for page in pages() {
        if page.extension().is_none_or(|section| section != "1") {
            continue;
        }
        let text = std::fs::read_to_string(&page).expect("a page");
        let found = text.lines().filter_map(|line| line.strip_prefix(".SH "));
        let known: Vec<_> = found.filter(|section| ALL.contains(section)).collect();
        let mut ordered = known.clone();
        ordered.sort_by_key(|section| ALL.iter().position(|other| other == section));
        ordered.dedup();
        assert_eq!(known, ordered, "{}", page.display());
        for needed in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXIT STATUS",
            "ENVIRONMENT",
        ] {
            assert!(known.contains(&needed), "{}: {needed}", page.display());
        }
    }
}

#[test]
fn every_verb_has_a_page_and_every_page_that_is_named_is_there() {
    let mut help = genlock();
    help.arg("--help");
    let help = output(help).silent(0);
    let (_, verbs) = help.text().split_once("Commands:\n").expect("verbs");
    let (verbs, _) = verbs.split_once("\n\n").expect("their end");
    let verbs = verbs.lines().filter(|line| !line.starts_with("   "));
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    let pages = pages();
    let is_there = |name: &str| pages.iter().any(|page| page.ends_with(name));
    let mut count = 0;
    for verb in verbs.filter(|verb| *verb != "help") {
        assert!(is_there(&format!("genlock-{verb}.1")), "{verb}");
        count += 1;
    }
    // With genlock(1) and genlock(7): none is left of a verb that is gone.
    assert_eq!(pages.len(), count + 2, "{pages:?}");
    for section in ["1", "7"] {
        assert!(is_there(&format!("genlock.{section}")));
    }
}

/// What stands in two columns is a list, and a long name at the start of a line is none.
#[test]
fn no_sentence_is_torn() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/genlock-run.1");
    let source = std::fs::read_to_string(page).expect("a page");
    let words: Vec<_> = source.split_whitespace().collect();
    let source = words.join(" ");
    assert!(
        source.contains("With XDG_CONFIG_HOME the first"),
        "{source}"
    );
    assert!(source.contains(".TP \\fBGENLOCK_HELD_OWNER_KEYS\\fR the same of all"));
}

#[test]
fn the_concepts_are_told_where_they_are_looked_for() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/genlock.7");
    let mut mandoc = bare("mandoc");
    mandoc.args(["-Tascii", "-O", "width=100"]).arg(page);
    let text = shown(&output(mandoc));
    for told in [
        "has been stopped before anyone else can hold the lock",
        "genlock is frozen (SIGSTOP, swapped out)",
        "flock(2) on one file a key",
        "80 the lock was lost and the command stopped",
        "GENLOCK_HELD_TOKEN",
        r#"printf '%s\n' "create(\"$GENLOCK_HELD_OWNER_KEY\") = \"$GENLOCK_HELD_TOKEN\"" '' \"#,
        "UPDATE fence SET token = :token",
        "TTL - margin - kill-after",
        "Three writes through raft",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("tests/"), "{text}");
}
