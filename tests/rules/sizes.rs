//! How long a file and a function may be.

use crate::Finding;
use crate::source::Source;

const FILE: usize = 350;
const FUNCTION: usize = 60;

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if source.lines > FILE {
            findings.push(Finding {
                path: source.path.clone(),
                line: source.lines,
                what: "file".to_owned(),
                advice: format!("more than {FILE} lines: which idea wants a file of its own?"),
            });
        }
        for function in &source.items.functions {
            let lines = function.last - function.first + 1;
            if lines > FUNCTION {
                findings.push(Finding {
                    path: source.path.clone(),
                    line: function.first,
                    what: function.name.clone(),
                    advice: format!("{lines} lines, more than {FUNCTION}"),
                });
            }
        }
    }
    findings
}

#[test]
fn a_long_file_and_a_long_function_are_found() {
    let inside = "    let x = || { 1; };\n".repeat(FUNCTION);
    let long = format!("fn long([x, ..]: [u8; 3], A {{ y }}: A) -> impl Copy {{\n{inside}}}\n");
    let text = format!("fn short() {{}}\n{}", long.repeat(6));
    let found: Vec<_> = findings(&[Source::new("src/a.rs", &text)])
        .iter()
        .map(|finding| (finding.what.clone(), finding.line))
        .collect();
    assert_eq!(found.len(), 7, "{found:?}");
    assert_eq!(found[0], ("file".to_owned(), 373));
    assert_eq!(found[1], ("long".to_owned(), 2));
}
