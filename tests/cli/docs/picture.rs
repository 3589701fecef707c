//! The picture in README: `cargo xtask picture`.

use std::path::Path;

use super::read;
use crate::genlock::{Store, genlock, output};
use crate::pty::Shell;

#[path = "../../../examples/picture/draw.rs"]
mod draw;
#[path = "../../../examples/picture/session.rs"]
mod session;

const PICTURE: &str = "docs/picture.svg";

fn recorded() -> session::Session {
    let text = read(Path::new("examples/picture/session.tsv"));
    let session: session::Session = text.parse().expect("a session");
    assert_eq!(session.to_string(), text);
    session
}

#[test]
fn the_committed_picture_is_that_of_the_session() {
    let committed = read(Path::new(PICTURE));
    let drawn = draw::svg(&recorded());
    assert!(committed == drawn, "cargo xtask picture");
    let shown = format!("![{}]({PICTURE})", draw::TITLE);
    assert!(read(Path::new("README.md")).contains(&shown), "{shown}");
    assert!(committed.len() < 60_000, "{}", committed.len());
}

/// An image in a page runs no script and loads nothing.
#[test]
fn pictures_stand_alone() {
    for path in [PICTURE, "benches/table.svg"] {
        let picture = read(Path::new(path));
        for word in ["<script", "href", "url(", "@import"] {
            assert!(!picture.contains(word), "{path}: {word}");
        }
        let addresses = picture.matches("://").count();
        assert_eq!(addresses, 1, "{path}: beside the name of SVG's namespace");
        // For those who do not see it.
        assert!(
            picture.contains("<title id=") && picture.contains("<desc id="),
            "{path}"
        );
    }
}

/// The words at the beginning of its lines.
fn beginnings(text: &str) -> Vec<&str> {
    let words = text
        .lines()
        .filter_map(|line| line.split(' ').find(|word| !word.is_empty()));
    words
        .filter(|word| word.chars().all(char::is_alphabetic))
        .collect()
}

#[test]
fn it_shows_what_genlock_shows_today() {
    let session = recorded();
    let has = |text: &str| {
        session
            .changes
            .iter()
            .any(|change| change.text.contains(text))
    };
    let store = Store::etcd();
    let _holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run --wait 10m {} true", store.key));
    let live = shell.until(" · next in line · pid ");
    let (_, live) = live.rsplit_once(" of 10m · ").expect("a limit");
    assert!(live.contains(" holds "), "{live}");
    assert!(has(" of 10m · deploy@web1 holds ") && has(" · next in line · pid "));
    for verb in ["status", "ls"] {
        let mut command = genlock();
        command.args([verb, "--endpoints", &store.endpoints, &store.key]);
        let shown = output(command).silent(0);
        let words = beginnings(shown.text());
        assert!(!words.is_empty(), "{verb}");
        for word in words {
            assert!(has(&format!("{word} ")), "{verb}: {word}");
        }
        assert!(has(&format!("$ genlock {verb}")));
    }
}
