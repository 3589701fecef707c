//! The lines of docs/recipes/moving.md that take the place of another tool's.

use std::path::Path;

use super::Newcomer;
use crate::docs::pages;
use crate::support::etcd::Server;

#[test]
fn each_line_does_what_the_other_did() {
    let mut pages = pages().into_iter();
    let page = pages.find(|page| page.path == Path::new("docs/recipes/moving.md"));
    let page = page.expect("the page");
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    for program in ["report.sh", "start-daemon", "a", "b"] {
        newcomer.program(program);
    }
    let rows = page.text.lines().filter(|line| line.starts_with("| `"));
    let mut count = 0;
    for row in rows {
        // A bar within a cell is written so.
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, theirs, ours, _] = cells[..] else {
            panic!("{row}");
        };
        assert!(
            theirs.starts_with('`') && ours.starts_with("`genlock "),
            "{row}"
        );
        let line = ours.trim_matches('`').replace('\u{1}', "|");
        let said = newcomer.typed(&line);
        // Nobody holds it.
        let expected = if line.starts_with("genlock status") {
            1
        } else {
            0
        };
        assert_eq!(said.status.code(), Some(expected), "{line}: {said:?}");
        assert!(
            !said.text().is_empty() && said.stderr.is_empty(),
            "{line}: {said:?}"
        );
        count += 1;
    }
    assert!(count > 10, "{count}");
}
