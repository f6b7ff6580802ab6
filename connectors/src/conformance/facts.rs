//! What a connector says of itself: whole, in our spelling, and without contradiction.

use std::collections::BTreeSet;

use ensimbi_events::Currency;

use super::{Problems, Subject};
use crate::connector::{Authenticity, Capability};

/// Longest word.
const WORD_MAX: usize = 40;
/// Shortest explanation, in bytes.
const MAPPING_MIN: usize = 500;
/// Shortest and longest time between two routine reads, in seconds.
const ROUTINE: std::ops::RangeInclusive<u64> = 60..=604_800;

fn is_word(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    first && text.len() <= WORD_MAX && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn distinct(words: &[&str]) -> bool {
    words.iter().collect::<BTreeSet<_>>().len() == words.len()
}

pub(super) fn complete(subject: &Subject<'_>, problems: &mut Problems) {
    let facts = subject.connector.facts();
    let objects = subject.connector.object_kinds();
    let folder = subject.folder.path.file_name().and_then(|name| name.to_str());
    problems.must(is_word(facts.provider) && folder == Some(facts.provider), || {
        "mod.rs: Facts::provider: expected the folder's name, in lower-case letters, digits and underscores".to_owned()
    });
    let version = facts.translator.strip_prefix(facts.provider).and_then(|rest| rest.strip_prefix('.'));
    problems.must(version.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0)), || {
        format!(
            "mod.rs: Facts::translator: expected the provider's word, a point and a number, such as {}.1",
            facts.provider
        )
    });
    for (name, words) in [("Facts::kinds", facts.kinds), ("object_kinds", objects), ("Facts::purses", facts.purses)] {
        problems.must(words.iter().all(|word| is_word(word)) && distinct(words), || {
            format!("mod.rs: {name}: expected different words in lower-case letters, digits and underscores")
        });
    }
    problems.must(!facts.kinds.is_empty(), || "mod.rs: Facts::kinds: expected at least one kind of bytes".to_owned());
    let can = |capability: Capability| facts.capabilities.contains(&capability);
    let pays = can(Capability::Payout) || can(Capability::BankPayout);
    for (field, word, wanted) in [
        ("collects", facts.collects, can(Capability::Collect)),
        ("pays", facts.pays, pays),
        ("refunds", facts.refunds, can(Capability::Refund)),
    ] {
        problems.must(!wanted || objects.contains(&word), || {
            format!("mod.rs: Facts::{field}: expected the object kind that the capability makes, one of object_kinds()")
        });
        problems.must(wanted || field == "collects" || word.is_empty(), || {
            format!("mod.rs: Facts::{field}: expected an empty word, since the capability is not declared")
        });
    }
    for (extra, base) in [
        (Capability::Items, Capability::Collect),
        (Capability::Hosted, Capability::Collect),
        (Capability::Capture, Capability::Hosted),
        (Capability::Withdraw, Capability::BankPayout),
    ] {
        problems.must(!can(extra) || can(base), || {
            format!("mod.rs: Facts::capabilities: {} needs {}", extra.as_str(), base.as_str())
        });
    }
    problems.must(distinct(&facts.capabilities.iter().map(|one| one.as_str()).collect::<Vec<_>>()), || {
        "mod.rs: Facts::capabilities: one is named twice".to_owned()
    });
    let pushes = subject.connector.authenticity() != Authenticity::NoPush;
    problems.must(pushes == can(Capability::Push), || {
        "mod.rs: Facts::capabilities: push is declared exactly where authenticity() is Signed or Hint".to_owned()
    });
    for code in facts.sandbox_currencies {
        problems.must(code.parse::<Currency>().is_ok(), || {
            "mod.rs: Facts::sandbox_currencies: expected currency codes".to_owned()
        });
    }
    problems.must(facts.default_urls.first().is_some_and(|(name, _)| *name == "api"), || {
        "mod.rs: Facts::default_urls: expected the API's URL first, under the name api".to_owned()
    });
    for (name, url) in facts.default_urls {
        let public = url.parse::<reqwest::Url>().is_ok_and(|url| url.scheme() == "https" && url.host_str().is_some());
        problems.must(is_word(name) && public, || {
            format!("mod.rs: Facts::default_urls: {name}: expected their URL, with https")
        });
    }
    for routine in facts.routines {
        problems.must(objects.contains(&routine.object_kind) && ROUTINE.contains(&routine.every_secs), || {
            format!(
                "mod.rs: Facts::routines: {}: expected one of object_kinds(), every 60 s to 7 days",
                routine.object_kind
            )
        });
    }
    for (capability, what) in [(Capability::Balance, "a balance"), (Capability::Statement, "statements")] {
        problems.must(!can(capability) || !facts.routines.is_empty(), || {
            format!("mod.rs: Facts::routines: {} is declared, so {what} must be read by itself", capability.as_str())
        });
    }
}

pub(super) fn explained(subject: &Subject<'_>, problems: &mut Problems) {
    let facts = subject.connector.facts();
    let mapping = subject.folder.file("MAPPING.md").and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    problems.must(mapping.len() >= MAPPING_MIN, || {
        "MAPPING.md is missing or short: say in the connector's folder what each status, field and HTTP answer means".into()
    });
    for kind in facts.kinds {
        problems.must(mapping.contains(&format!("`{kind}`")), || format!("MAPPING.md does not name the kind `{kind}`"));
    }
    let example = subject.connector.example();
    problems.must(subject.folder.file("example.toml").is_some_and(|file| file == example.as_bytes()), || {
        "mod.rs: example(): expected include_str!(\"example.toml\") of the connector's folder".to_owned()
    });
    problems.must(example.lines().all(|line| line.is_empty() || line.starts_with('#')), || {
        "example.toml: every line must be a comment, `ensimbi init` writes it as it stands".to_owned()
    });
    let own = format!("#provider = \"{}\"", facts.provider);
    for line in ["#[[connections]]", own.as_str(), "#[[connections.wallets]]"] {
        problems.must(example.lines().any(|found| found == line), || format!("example.toml: expected a line {line}"));
    }
}

pub(super) fn simulated(subject: &Subject<'_>, problems: &mut Problems) {
    let provider = subject.connector.facts().provider;
    problems.must(subject.stage.is_some_and(|stage| stage.provider() == provider), || {
        "no simulator: write simulator.rs in the connector's folder, and add its stage to STAGES in providers/mod.rs".into()
    });
}
