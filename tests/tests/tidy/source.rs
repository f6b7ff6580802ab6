//! Rust source as lines in which comments, texts and test code are told apart.
//!
//! A small scanner, not a parser: it knows comments (nested), strings (raw, byte), characters and lifetimes. Test code
//! is the item after a `#[cfg(test)]` or `#[cfg(all(test, ...))]`, or everything after `#![cfg(test)]`.

/// One line, in the views that the rules need.
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Without comments; texts stay.
    pub code: String,
    /// Without comments and without what stands in texts.
    pub bare: String,
    /// Inside a comment, this is its text.
    pub comment: String,
    /// Whether the line belongs to test code.
    pub test: bool,
}

impl Line {
    /// The identifiers of the line, texts and comments left out.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.bare.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Code,
    LineComment,
    BlockComment(u32),
    Text { hashes: Option<usize> },
}

/// Scans a file; `test` says that all of it is test code.
pub fn lines(text: &str, test: bool) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut state = State::Code;
    let mut lines = Vec::new();
    let mut line = empty(1);
    let mut at = 0;
    while at < chars.len() {
        let char = chars[at];
        let next = chars.get(at + 1).copied();
        if char == '\n' {
            if state == State::LineComment {
                state = State::Code;
            }
            let number = line.number;
            lines.push(std::mem::replace(&mut line, empty(number + 1)));
            at += 1;
            continue;
        }
        let mut step = 1;
        match state {
            State::LineComment => line.comment.push(char),
            State::BlockComment(depth) => {
                line.comment.push(char);
                if char == '*' && next == Some('/') {
                    state = if depth == 1 { State::Code } else { State::BlockComment(depth - 1) };
                    step = 2;
                } else if char == '/' && next == Some('*') {
                    state = State::BlockComment(depth + 1);
                    step = 2;
                }
            }
            State::Text { hashes: None } if char == '\\' && next.is_some_and(|c| c != '\n') => {
                line.code.extend([char, next.unwrap()]);
                step = 2;
            }
            State::Text { hashes } => {
                line.code.push(char);
                let closing = hashes.unwrap_or(0);
                if char == '"' && (1..=closing).all(|i| chars.get(at + i) == Some(&'#')) {
                    line.bare.push('"');
                    state = State::Code;
                    step = 1 + closing;
                }
            }
            State::Code => match (char, next) {
                ('/', Some('/')) => state = State::LineComment,
                ('/', Some('*')) => {
                    state = State::BlockComment(1);
                    step = 2;
                }
                ('"', _) => {
                    push(&mut line, char);
                    state = State::Text { hashes: None };
                }
                ('r', Some('"' | '#')) if !in_word(&line) => {
                    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
                    if chars.get(at + 1 + hashes) == Some(&'"') {
                        push(&mut line, '"');
                        state = State::Text { hashes: Some(hashes) };
                        step = 2 + hashes;
                    } else {
                        push(&mut line, char);
                    }
                }
                ('\'', Some(_)) => step = quote(&chars[at..], &mut line),
                _ => push(&mut line, char),
            },
        }
        at += step;
    }
    lines.push(line);
    mark_tests(&mut lines, test);
    lines
}

fn empty(number: usize) -> Line {
    Line { number, code: String::new(), bare: String::new(), comment: String::new(), test: false }
}

fn push(line: &mut Line, char: char) {
    line.code.push(char);
    line.bare.push(char);
}

/// Whether an identifier is being written, so that the `r` of `for"` opens no raw string; `br"` does.
fn in_word(line: &Line) -> bool {
    let mut back = line.bare.chars().rev();
    match back.next() {
        Some('b') => back.next().is_some_and(|c| c.is_alphanumeric() || c == '_'),
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    }
}

/// A character such as `'x'` or `'\n'` is left out of the bare view; a lifetime stays. Returns how far it reaches.
fn quote(chars: &[char], line: &mut Line) -> usize {
    let end = if chars[1] == '\\' {
        chars.iter().skip(3).position(|c| *c == '\'').map(|i| i + 3)
    } else {
        (chars.get(2) == Some(&'\'')).then_some(2)
    };
    match end {
        Some(end) => {
            line.code.extend(&chars[..=end]);
            line.bare.push_str("''");
            end + 1
        }
        None => {
            push(line, '\'');
            1
        }
    }
}

/// Marks the lines of test items: from the attribute to the end of the item, which is the `;` before any brace, or the
/// brace that closes its first one.
fn mark_tests(lines: &mut [Line], whole: bool) {
    let mut depth: Option<u32> = None;
    let mut rest = whole;
    for line in lines {
        let bare: String = line.bare.split_whitespace().collect();
        rest |= bare.contains("#![cfg(test)]");
        let attribute = bare.find("#[cfg(test)]").or_else(|| bare.find("#[cfg(all(test,"));
        let mut skip = 0;
        if depth.is_none()
            && let Some(at) = attribute
        {
            depth = Some(0);
            skip = at + bare[at..].find(']').map_or(0, |i| i + 1);
        }
        line.test = rest || depth.is_some();
        for char in bare.chars().skip(skip) {
            depth = match (char, depth) {
                ('{', Some(open)) => Some(open + 1),
                ('}', Some(0 | 1)) | (';', Some(0)) => None,
                ('}', Some(open)) => Some(open - 1),
                _ => depth,
            };
        }
    }
}

#[test]
fn comments_texts_and_tests_are_told_apart() {
    let text = r##"
use a::b; // f64 in a comment
/* f32 /* nested */ f32 */ let x = "f64 \" //"; let y = 'f'; let z: &'a str = r#"f32 " "#;
#[cfg(test)]
mod tests {
    fn inner() { if true { todo() } }
}
fn after() {}
#[cfg(test)]
use only::tests;
fn last() -> f64 { b"x"; '"' }
"##;
    let lines = lines(text, false);
    let floats: Vec<usize> =
        lines.iter().filter(|l| l.words().any(|w| w == "f64" || w == "f32")).map(|l| l.number).collect();
    assert_eq!(floats, [11]);
    assert!(lines[1].comment.contains("f64") && lines[2].code.contains("f32 \" "));
    let tests: Vec<usize> = lines.iter().filter(|l| l.test).map(|l| l.number).collect();
    assert_eq!(tests, [4, 5, 6, 7, 9, 10]);
}
