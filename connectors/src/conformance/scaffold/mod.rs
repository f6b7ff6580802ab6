//! What a new connector begins with: a folder that compiles as it stands once it is registered, and lacks what the checks
//! then name, file by file.
//!
//! The files under `acme/` are whole source, compiled and looked at by `tests/conformance/scaffold.rs`; [`files`] gives them
//! another name. [`registered`] adds the lines of a provider to the two files that name them all.

/// The name in the files.
const NAME: &str = "acme";
const TYPE: &str = "Acme";
/// Longest name.
const NAME_MAX: usize = 30;
/// Words of Rust (2024, with those it keeps for later), and modules that a connector's own would hide.
const WORDS: [&str; 60] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "all", "core",
    "find", "stages", "std", "alloc", "crates", "test",
];
const FILES: [(&str, &str); 7] = [
    ("mod.rs", include_str!("acme/mod.rs")),
    ("translate.rs", include_str!("acme/translate.rs")),
    ("client.rs", include_str!("acme/client.rs")),
    ("simulator.rs", include_str!("acme/simulator.rs")),
    ("MAPPING.md", include_str!("acme/MAPPING.md")),
    ("example.toml", include_str!("acme/example.toml")),
    ("fixtures/calls.json", include_str!("acme/fixtures/calls.json")),
];

/// The name of the type: `my_pay` is `MyPay`.
pub fn type_name(name: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(capital).collect()
}

/// Whether a connector can have this name.
///
/// # Errors
/// What was expected of it.
pub fn usable(name: &str) -> Result<(), String> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !first || !plain || name.len() > NAME_MAX || name.ends_with('_') || name.contains("__") {
        let range =
            format!("expected 1 to {NAME_MAX} lower-case letters, digits and single underscores, a letter first");
        return Err(format!("{range}, such as my_pay"));
    }
    // A type of the connector's own would hide one that it uses.
    let kind = type_name(name);
    let used = |(_, text): &(&str, &str)| words(text).any(|word| word == kind) && kind != TYPE;
    if WORDS.contains(&name) || FILES.iter().any(used) {
        return Err(format!("{name} means something else in the code: choose another word"));
    }
    if crate::providers::find(name).is_some() {
        return Err(format!("there is a connector {name} already"));
    }
    Ok(())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
}

/// The files of a new connector, by their names.
pub fn files(name: &str) -> Vec<(&'static str, String)> {
    let kind = type_name(name);
    FILES.map(|(file, text)| (file, text.replace(TYPE, &kind).replace(NAME, name))).into()
}

/// A line of a provider, and behind which text the list begins that it belongs to.
type Line = (&'static str, String);

/// The lines of `providers/mod.rs`.
pub fn registry_lines(name: &str) -> [Line; 3] {
    let kind = type_name(name);
    [
        ("use crate::simulator::stage::Stage;\n\n", format!("pub mod {name};\n")),
        ("static ALL: &[&dyn Connector] = &[\n", format!("    &{name}::{kind},\n")),
        ("static STAGES: &[&dyn Stage] = &[\n", format!("    &{name}::simulator::STAGE,\n")),
    ]
}

/// `providers/mod.rs` with a provider more, each line at its place in the order of names.
///
/// # Errors
/// Which list is not there.
pub fn registered(text: &str, name: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (before, line) in registry_lines(name) {
        let at = text.find(before).ok_or_else(|| format!("no list after {:?}", before.trim()))? + before.len();
        let rest = text.get(at..).unwrap_or_default();
        let entry = |line: &str| line.trim_start().trim_start_matches('&').to_owned();
        let ours = entry(&line);
        let is_entry = |found: &&str| found.starts_with("pub mod ") || found.starts_with("    &");
        let earlier = rest.split_inclusive('\n').take_while(is_entry).take_while(|found| entry(found) < ours);
        let at = at + earlier.map(str::len).sum::<usize>();
        text.insert_str(at, &line);
    }
    Ok(text)
}

/// `tests/conformance/registry.rs` with a provider more.
///
/// # Errors
/// The list is not there.
pub fn tested(text: &str, name: &str) -> Result<String, String> {
    const BEGIN: &str = "\nsuite!(";
    let missing = || "no list suite!(..)".to_owned();
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (list, after) = rest.split_once(");").ok_or_else(missing)?;
    let mut names: Vec<&str> = list.split(',').map(str::trim).filter(|one| !one.is_empty()).chain([name]).collect();
    names.sort_unstable();
    Ok([before, BEGIN, &names.join(", "), ");", after].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_a_word_that_means_nothing_yet() {
        for good in ["acme", "my_pay", "pay2go", "zebra"] {
            assert_eq!(usable(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "Acme",
            "2pay",
            "my-pay",
            "my__pay",
            "pay_",
            "_pay",
            "../x",
            "a b",
            "é",
            "type",
            "gen",
            "self",
            "facts",
            "arc",
            "input",
            "connector",
            "all",
            "sandbox",
            "iotec",
        ] {
            assert!(usable(bad).is_err(), "{bad}");
        }
        assert!(usable(&"a".repeat(31)).is_err());
    }

    #[test]
    fn the_files_carry_the_new_name_and_no_other() {
        for (file, text) in files("my_pay") {
            assert!(!text.to_lowercase().contains(NAME), "{file}");
            assert!(
                file != "mod.rs" || (text.contains("pub struct MyPay;") && text.contains("\"my_pay.1\"")),
                "{text}"
            );
        }
        assert_eq!(type_name("my_pay2"), "MyPay2");
    }

    #[test]
    fn a_provider_takes_its_place_among_the_others_and_changes_no_line_of_theirs() {
        let registry = include_str!("../../providers/mod.rs");
        for name in ["aaa", "paa", "zzz"] {
            let more = registered(registry, name).unwrap();
            let added: Vec<&str> = more.lines().filter(|line| !registry.lines().any(|old| old == *line)).collect();
            let kind = type_name(name);
            let expected = [
                format!("pub mod {name};"),
                format!("    &{name}::{kind},"),
                format!("    &{name}::simulator::STAGE,"),
            ];
            assert_eq!(added, expected, "{more}");
            let mut modules: Vec<&str> = more.lines().filter(|line| line.starts_with("pub mod ")).collect();
            assert!(modules.is_sorted(), "{modules:?}");
            modules.dedup();
            assert_eq!(modules.len(), crate::providers::all().len() + 1);
        }
        assert!(registered("nothing", "zzz").is_err());
        assert_eq!(tested("x\nsuite!(a, c);\ny", "b").unwrap(), "x\nsuite!(a, b, c);\ny");
        assert!(tested("nothing", "zzz").is_err());
    }
}
