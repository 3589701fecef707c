//! Units: every one, as systemd would take it.

use super::{Newcomer, blocks};
use crate::process::has;

#[test]
fn units_for_systemd() {
    if !has("systemd-analyze") {
        return;
    }
    let newcomer = Newcomer::new();
    let here = newcomer.home().display().to_string();
    let program = "ExecStart=/usr/local/bin/genlock";
    let blocks = blocks();
    let units: Vec<_> = blocks
        .iter()
        .filter(|block| block.language == "ini")
        .collect();
    assert!(units.len() > 1);
    for unit in units {
        assert!(unit.text.contains(program), "{}", unit.text);
        let text = unit
            .text
            .replace(program, &format!("ExecStart={here}/bin/genlock"));
        newcomer.file("backup.service", &text);
        let said = newcomer.typed("systemd-analyze verify ./backup.service");
        assert_eq!(said.status.code(), Some(0), "{said:?}");
        assert!(!said.stderr.contains("backup.service:"), "{said:?}");
    }
}
