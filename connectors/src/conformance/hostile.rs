//! Bad inputs B1 to B3 of the reliability rules: in each place of the fixtures, and as whole bodies.
//!
//! A hostile value ends as `Unreadable` with the field's name, or is passed over; whether a number that is taken is
//! taken exactly, `exact` looks at. What cannot be caught here (a stack that runs over) ends the process, which is red too.

use std::time::{Duration, Instant};

use super::edit::{Document, places, with};
use super::reading::told;
use super::{Problems, Subject};
use crate::connector::Unreadable;

/// Longest that one body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest field name and problem.
const TEXT_MAX: usize = 300;

/// Values as JSON text (B1 and B3). Long ones are made by [`long`].
const VALUES: &[&str] = &[
    "1e400",
    "-1e400",
    "1e-400",
    "-0",
    "-1",
    "0",
    "9007199254740993",
    "99999999999999999999",
    "0.00001",
    "922337203685477.5808",
    "\"NaN\"",
    "\"Infinity\"",
    "\"0500\"",
    "\"+5\"",
    "\" 5\"",
    "\"5,00\"",
    "\"\\u0665\"",
    "\"\"",
    "null",
    "true",
    "[]",
    "{}",
    "[[1]]",
    "{\"a\":1}",
    "\"\\ud800\"",
    "\"a\\u0000b\"",
    "\"\u{feff}a\"",
    "\"\u{202e}a\"",
    "\"a\u{200b}b\"",
    "\"e\u{301}\"",
    "\"U\u{421}X\"",
    "\"'; --\"",
    "\"../../x\"",
    "\"a\\r\\nb\"",
    "\"\\u001b[31m\"",
    "\"9999-12-31T23:59:60Z\"",
];
/// Not even JSON.
const BROKEN: &[&str] = &["NaN", "0500", "+5", ".5", "5.", "0x1f4", "1e", "-", "\"\\q\"", "\"\\ud800", "'5'", ""];

fn long() -> [String; 3] {
    ["9".repeat(5_000), format!("1{}", "0".repeat(40)), format!("\"{}\"", "x".repeat(100_000))]
}

/// An error says where and what was expected, shortly.
fn named(error: &Unreadable) -> bool {
    let fits = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control);
    fits(&error.field) && fits(&error.problem)
}

pub(super) fn values(subject: &Subject<'_>, problems: &mut Problems) {
    let long = long();
    let values: Vec<&str> = VALUES.iter().chain(BROKEN).copied().chain(long.iter().map(String::as_str)).collect();
    for (case, document) in subject.sample(4) {
        for spot in document.spots().iter().take(80) {
            for value in &values {
                let body = document.with(spot, value);
                let Some(Err(error)) = subject.read(case, body.as_bytes(), problems) else { continue };
                problems.must(named(&error), || {
                    format!(
                        "{case}: a hostile value of {} gives an Unreadable without a field, or with a long text",
                        spot.key
                    )
                });
            }
        }
    }
}

/// Which of two values would count is for the provider to say: refused, or neither makes a difference.
pub(super) fn twice(subject: &Subject<'_>, problems: &mut Problems) {
    for (case, document) in subject.sample(6) {
        let Document::Json(text) = document else { continue };
        let Some(plain) = subject.read(case, &case.body, problems) else { continue };
        for leaf in places(text).leaves.iter().filter(|leaf| !leaf.key.is_empty()) {
            let own = text.get(leaf.field.clone()).unwrap_or_default();
            let value = text.get(leaf.value.clone()).unwrap_or_default();
            let other = if value.starts_with('"') { "\"zz\"" } else { "1" };
            let other = format!("\"{}\":{other}", leaf.key);
            let read = |field: &str, problems: &mut Problems| {
                told(&subject.read(case, with(text, &leaf.field, field).as_bytes(), problems)?)
            };
            // Whoever takes the first of two reads the one of each order, and whoever takes the last, the other.
            let (one, two) = (told(&plain), read(&other, problems));
            let first = read(&format!("{own},{other}"), problems);
            let last = read(&format!("{other},{own}"), problems);
            let taken = (first == one && last == two) || (first == two && last == one);
            problems.must(one == two || !taken, || {
                format!("{case}: with {} given twice, one of the two values is taken; expected Unreadable", leaf.key)
            });
        }
    }
}

pub(super) fn bodies(subject: &Subject<'_>, problems: &mut Problems) {
    rubbish(subject, problems);
    for (case, document) in subject.sample(2) {
        let mut state = 7_u32;
        let step = (case.body.len() / 100).max(1);
        for at in (0..case.body.trim_ascii_end().len()).step_by(step) {
            let cut = case.body.get(..at).unwrap_or_default();
            if let Some(Ok(read)) = subject.read(case, cut, problems) {
                // A table that lost its last rows is still one.
                let whole = matches!(document, Document::Table(_));
                problems.must(whole || read.said.is_empty(), || {
                    format!("{case}: a body that is cut off still says something")
                });
            }
            let mut changed = case.body.clone();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for byte in [state.to_be_bytes()[0], 0, b'"', b'{', b'9', 0xff] {
                if let Some(place) = changed.get_mut(at) {
                    *place = byte;
                }
                let _ = subject.read(case, &changed, problems);
            }
        }
        for broken in [[b"\xef\xbb\xbf".as_slice(), &case.body].concat(), [&case.body, b"\xff".as_slice()].concat()] {
            let _ = subject.read(case, &broken, problems);
        }
    }
}

/// Bodies that are nothing of the provider's say nothing, whatever their kind.
fn rubbish(subject: &Subject<'_>, problems: &mut Problems) {
    let x = "x".repeat(900_000);
    let texts: [String; 16] = [
        String::new(),
        "<html><body>Bad gateway</body></html>".into(),
        "null".into(),
        "\u{0}".into(),
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{{}\"b\":1}}", "\"a\":1,".repeat(100_000)),
        format!("{{{}\"b\":1}}", (0..80_000).map(|n| format!("\"k{n}\":1,")).collect::<String>()),
        format!("{{\"id\":\"{x}\"}}"),
        format!("{{\"data\":[{}{{}}]}}", "{},".repeat(200_000)),
        "9".repeat(900_000),
        " ".repeat(900_000),
        "x,".repeat(400_000),
        "x\n".repeat(400_000),
        "x".repeat(10_000_000),
    ];
    for kind in subject.connector.facts().kinds {
        let Some(case) = subject.folder.of_kind(kind).next() else { continue };
        for (n, body) in
            texts.iter().map(String::as_bytes).chain([b"{\"a\":\"\xff\"}".as_slice(), b"\xff\xfe{"]).enumerate()
        {
            let started = Instant::now();
            let read = subject.read(case, body, problems);
            problems.must(started.elapsed() < PATIENCE, || format!("{kind}: hostile body {n} takes too long"));
            match read {
                Some(Ok(read)) => problems.must(read.said.is_empty() && read.watch.is_empty(), || {
                    format!("{kind}: hostile body {n}, nothing of the provider's, says something")
                }),
                Some(Err(error)) => problems.must(named(&error), || {
                    format!("{kind}: hostile body {n} gives an Unreadable without a field's name or with a long text")
                }),
                None => {}
            }
            if guarded_hint(subject, body).is_none() {
                problems.push(format!("hinted panics on hostile body {n}; every input must end as an Unreadable"));
            }
        }
    }
}

fn guarded_hint(subject: &Subject<'_>, body: &[u8]) -> Option<()> {
    super::guarded(|| {
        let _ = subject.connector.hinted(body);
    })
}
