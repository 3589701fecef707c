//! Turns the text of help and the pages of docs/ into the form of man(7).

/// Plain text, with what has a meaning for groff escaped.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\(rs"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            _ if character.is_ascii() => escaped.push(character),
            _ => escaped.push_str(&format!("\\[u{:04X}]", u32::from(character))),
        }
    }
    // A dot at the start of a line would begin a request.
    match escaped.strip_prefix('.') {
        Some(rest) => format!("\\&.{rest}"),
        None => escaped,
    }
}

pub(super) fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

pub(super) fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", escape(text))
}

/// A paragraph of help, with options and the names of man pages in bold.
pub(super) fn prose(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let name = word.trim_end_matches([',', '.', ':', ';', ')']);
        let page = name
            .split_once('(')
            .filter(|(_, section)| section.len() == 1);
        if let Some((page, _)) = page.filter(|(page, _)| !page.is_empty()) {
            return bold(page) + &escape(&word[page.len()..]);
        }
        let is_option = name.len() > 1 && name.starts_with('-');
        let is_variable = name.contains('_') && name.starts_with(['$', 'G', 'E']);
        if is_option || is_variable {
            return bold(name) + &escape(&word[name.len()..]);
        }
        escape(word)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The two columns of a line of help; `column` is where the second one of the list begins.
fn columns(line: &str, column: Option<usize>) -> Option<(&str, &str)> {
    if let Some((tag, body)) = line.trim_start().split_once("  ") {
        return Some((tag, body.trim_start()));
    }
    // The name fills its column, and only one blank is left before the second.
    let (tag, body) = line.split_once(' ')?;
    (column == Some(tag.len() + 1)).then_some((tag, body))
}

/// A section of help: paragraphs, and lists of two columns, which may have a list within.
pub(super) fn section(lines: &str) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    // Where the second column of the current list begins, and whether that is the inner list.
    let mut column = None;
    let mut inner = false;
    let flush = |text: &mut String, paragraph: &mut String| {
        if !paragraph.is_empty() {
            text.push_str(&format!("{}\n", prose(paragraph)));
            paragraph.clear();
        }
    };
    for line in lines.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line);
        let indent = line.len() - line.trim_start().len();
        if column.is_some_and(|column| indent >= column) {
            paragraph.push_str(&format!(" {}", line.trim()));
            continue;
        }
        let listed = columns(line, column);
        let turns = (indent > 0) != inner;
        if listed.is_some() || indent > 0 || turns || column.is_some() {
            flush(&mut text, &mut paragraph);
        }
        if turns {
            text.push_str(if inner { ".RE\n" } else { ".RS\n" });
            inner = !inner;
        }
        match listed {
            Some((tag, body)) => {
                text.push_str(&format!(".TP\n{}\n", bold(tag)));
                paragraph.push_str(body);
                column = Some(line.len() - body.len());
            }
            None => {
                if indent > 0 || turns || column.take().is_some() {
                    column = column.filter(|_| indent > 0);
                    text.push_str(".PP\n");
                }
                paragraph.push_str(&format!(" {}", line.trim()));
            }
        }
    }
    flush(&mut text, &mut paragraph);
    if inner {
        text.push_str(".RE\n");
    }
    text
}

/// Examples: lines to type, each with its explanation below it, if there is one.
pub(super) fn examples(lines: &str) -> String {
    let lines = lines.lines().map(|line| {
        let line = line.strip_prefix("  ").unwrap_or(line);
        if line.starts_with(' ') {
            format!(".RS\n{}\n.RE\n", prose(line))
        } else {
            // Not filled, so that the line can be copied.
            format!(".PP\n.nf\n{}\n.fi\n", bold(line))
        }
    });
    lines.collect()
}

/// Markdown as in `docs/`: headings, paragraphs, bullets, tables, code. Links into the repository become
/// plain text, and a paragraph that names a file of tests is left out.
pub(super) fn markdown(source: &str) -> String {
    let mut text = String::new();
    let mut blocks = source.split("\n\n").peekable();
    while let Some(block) = blocks.next() {
        let block = block.trim_matches('\n');
        // A block of code may have an HTML comment on the line before it.
        let block = block.split_once("-->\n").map_or(block, |(_, after)| after);
        if let Some(code) = block.strip_prefix("```") {
            let mut code = code.split_once('\n').unwrap_or_default().1.to_owned();
            while !code.ends_with("```") {
                code.push_str("\n\n");
                code.push_str(blocks.next().unwrap_or("```").trim_matches('\n'));
            }
            text.push_str(".PP\n.RS 4\n.EX\n");
            for line in code.trim_end_matches("```").lines() {
                text.push_str(&format!("{}\n", escape(line)));
            }
            text.push_str(".EE\n.RE\n");
        } else if let Some(heading) = block.strip_prefix("### ") {
            text.push_str(&format!(".SS {}\n", inline(heading)));
        } else if block.starts_with("- ") {
            for bullet in format!("\n{block}").split("\n- ").skip(1) {
                text.push_str(&format!(".IP \\(bu 2\n{}\n", inline(bullet)));
            }
        } else if block.starts_with('|') {
            text.push_str(&table(block));
        } else if !block.is_empty() && !block.contains("tests/") {
            text.push_str(&format!(".PP\n{}\n", inline(block)));
        }
    }
    text
}

/// The rows of a table, without its head, as a list. A cell that names a test is left out; the last of the
/// others explains those before it.
pub(super) fn table(source: &str) -> String {
    let rows = source.lines().filter(|line| line.starts_with('|')).skip(2);
    let items = rows.map(|row| {
        let cells = row.trim_matches('|').split('|').map(str::trim);
        let cells: Vec<_> = cells.filter(|cell| !cell.contains("::")).collect();
        let (then, what) = cells.split_last().expect("a cell");
        let what: Vec<_> = what.iter().map(|cell| inline(cell)).collect();
        format!(".TP\n{}\n{}\n", what.join(" "), inline(then))
    });
    items.collect()
}

fn inline(source: &str) -> String {
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    let mut rest = source.as_str();
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, marked) = rest.split_at(at);
        text.push_str(&escape(before));
        let (open, close) = match marked {
            m if m.starts_with("**") => ("**", "**"),
            m if m.starts_with('*') => ("*", "*"),
            m if m.starts_with('`') => ("`", "`"),
            _ => ("[", ")"),
        };
        let (inside, after) = marked[open.len()..].split_once(close).expect("its end");
        text.push_str(&match open {
            "*" => italic(inside),
            "[" => {
                let (label, url) = inside.split_once("](").expect("a link");
                if url.contains("://") {
                    format!("{} ({})", escape(label), escape(url))
                } else {
                    escape(label)
                }
            }
            _ => bold(inside),
        });
        rest = after;
    }
    text + &escape(rest)
}
