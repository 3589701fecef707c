//! One name, one thing.

use std::collections::BTreeMap;

use crate::Finding;
use crate::source::Source;

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut firsts: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut findings = Vec::new();
    for source in sources {
        for one in source.items.types.iter().filter(|one| !one.is_for_tests) {
            let Some((path, line)) = firsts.get(one.name.as_str()) else {
                firsts.insert(&one.name, (&source.path, one.line));
                continue;
            };
            findings.push(Finding {
                path: source.path.clone(),
                line: one.line,
                what: one.name.clone(),
                advice: format!("there is one at {path}:{line}: say what each of them is"),
            });
        }
    }
    findings
}

#[test]
fn a_name_that_is_defined_twice_is_found() {
    let one = "pub(crate) struct Place<'a>(&'a str);\nimpl Iterator for A { type Item = u8; }";
    let other = "fn f() { struct r#Place; }\nenum Place { A }\nimpl B { type Item = u8; }";
    let tests = "#[cfg(test)]\nmod tests { struct Place; type Item = u8; }";
    let source = |path, text| Source::new(path, text);
    let found = findings(&[source("src/a.rs", one), source("src/b.rs", other)]);
    assert_eq!(found.len(), 1);
    let said = "src/b.rs:2: Place: there is one at src/a.rs:1: say what each of them is";
    assert_eq!(found[0].to_string(), said);
    let found = findings(&[source("src/a.rs", one), source("src/b.rs", tests)]);
    assert!(found.is_empty(), "{found:?}");
}
