//! Units: every one, as systemd would take it.

use super::{Newcomer, blocks};
use crate::process::has;

/// A service for a timer to start.
const SERVICE: &str = "[Service]\nType=oneshot\nExecStart=/bin/true\n";

#[test]
fn units_for_systemd() {
    if !has("systemd-analyze") {
        return;
    }
    let newcomer = Newcomer::new();
    let here = newcomer.home().display().to_string();
    let program = "ExecStart=/usr/local/bin/genlock";
    let blocks = blocks();
    let units = blocks.iter().filter(|block| block.language == "ini");
    let (mut services, mut timers) = (0, 0);
    for unit in units {
        let unit = unit.text.as_str();
        let kind = if unit.contains("[Timer]") {
            timers += 1;
            newcomer.file("backup.service", SERVICE);
            "timer"
        } else {
            services += 1;
            assert!(unit.contains(program), "{unit}");
            "service"
        };
        let name = format!("backup.{kind}");
        let there = format!("ExecStart={here}/bin/genlock");
        newcomer.file(&name, &unit.replace(program, &there));
        let said = newcomer.typed(&format!("systemd-analyze verify ./{name}"));
        assert_eq!(said.status.code(), Some(0), "{said:?}");
        assert!(!said.stderr.contains("backup."), "{said:?}");
    }
    assert!(services > 2 && timers > 0, "{services}, {timers}");
}
