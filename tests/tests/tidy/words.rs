//! Words that code must not hold in some places: providers' names, floats, clients, private keys, SQL put together.

use crate::check;
use crate::files::{self, File};
use crate::source::Line;

const PROVIDERS: [&str; 3] = ["iotec", "paytota", "dollr"];
/// Where providers live: their folders, and the one place that registers them.
const PROVIDERS_HOME: &str = "connectors/src/providers";
/// Where signatures of providers are verified.
const VERIFY_HOME: &str = "connectors/src/verify";
/// Lines outside that may name a provider: file, part of the line, reason.
const PROVIDERS_ALLOWED: [(&str, &str, &str); 0] = [];

/// Rooms where a number may be money.
const MONEY_ROOMS: [&str; 4] = ["ledger", "projections", "connectors/src", "api"];
/// Lines that may name a float: file, part of the line, reason. Not near money, ever.
const FLOATS_ALLOWED: [(&str, &str, &str); 0] = [];
/// Lengths of time are no money.
const TIME_WORDS: [&str; 6] = ["as_secs_f64", "as_secs_f32", "from_secs_f64", "from_secs_f32", "mul_f64", "div_f64"];

/// Modules of the ledger that only compute.
const PURE_MODULES: [&str; 3] = ["ledger/src/decide", "ledger/src/posting", "ledger/src/tree"];
const IO_WORDS: [&str; 5] = ["tokio", "sqlx", "reqwest", "axum", "async_nats"];
const IO_PATHS: [&str; 5] = ["std::fs", "std::net", "std::process", "std::env", "std::thread"];

const SQL_VERBS: [&str; 9] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "TRUNCATE", "WITH"];

/// The lines of some files for which `bad` names something wrong.
fn find(files: impl Iterator<Item = File>, mut bad: impl FnMut(&File, &Line) -> Option<String>) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for line in file.lines() {
            if let Some(what) = bad(&file, &line) {
                findings.push(format!("{}:{}: {what}", file.path, line.number));
            }
        }
    }
    findings
}

/// Simulators sign as the provider does, with keys that they make up and that no live book knows.
fn plays_a_provider(file: &File) -> bool {
    file.under("connectors/src") && file.path.contains("/simulator/")
}

fn allowed(list: &[(&str, &str, &str)], file: &File, line: &Line) -> bool {
    list.iter().any(|(path, part, _)| file.path == *path && line.code.contains(part))
}

#[test]
fn a_provider_is_named_only_in_its_folder_and_at_the_registration() {
    // The demo plays the providers; everything else gets them from the registry.
    let rooms = files::rust().into_iter().filter(|file| {
        ["ledger", "projections", "api", "connectors/src"].iter().any(|room| file.under(room))
            && !file.under(PROVIDERS_HOME)
            && !file.path.starts_with("api/cli/src/demo")
    });
    let findings = find(rooms, |file, line| {
        let code = line.code.to_lowercase();
        let name = PROVIDERS.iter().find(|name| code.contains(**name))?;
        (!line.test && !allowed(&PROVIDERS_ALLOWED, file, line)).then(|| (*name).to_owned())
    });
    check(
        "Code outside a provider's folder names it.",
        "ask the registry in connectors/src/providers/mod.rs for a capability or a fact; examples go into comments",
        &findings,
    );
}

#[test]
fn no_float_type_is_near_money() {
    let rooms = files::rust().into_iter();
    let rooms =
        rooms.filter(|file| MONEY_ROOMS.iter().any(|room| file.under(room)) && !file.path.contains("/benches/"));
    let findings = find(rooms, |file, line| {
        let float = |word: &&str| ["f32", "f64"].contains(word) || word.ends_with("_f32") || word.ends_with("_f64");
        let word = line.words().find(|word| float(word) && !TIME_WORDS.contains(word))?;
        (!allowed(&FLOATS_ALLOWED, file, line)).then(|| word.to_owned())
    });
    check(
        "A float type stands where numbers may be money.",
        "use Money or Decimal; read provider numbers from their raw JSON text; show shares with integers",
        &findings,
    );
}

#[test]
fn only_the_bus_names_its_client_library() {
    let others = files::rust().into_iter().filter(|file| !file.under("ledger/bus"));
    let findings = find(others, |_, line| line.words().find(|word| *word == "async_nats").map(str::to_owned));
    check("Code outside ledger/bus names async_nats.", "use the Bus trait of ledger/bus", &findings);
}

#[test]
fn the_product_has_no_rsa_private_key() {
    let private = ["RsaPrivateKey", "SigningKey", "BlindedSigningKey", "DecryptingKey"];
    let product = files::rust().into_iter().filter(|file| !plays_a_provider(file));
    let findings = find(product, |_, line| {
        let word = line.words().find(|word| private.contains(word))?;
        (!line.test).then(|| word.to_owned())
    });
    check(
        "Code outside tests and simulators names an RSA private-key type.",
        "the product only verifies (RUSTSEC-2023-0071 is ignored on that ground); sign in tests and simulators",
        &findings,
    );
}

#[test]
fn signatures_of_providers_are_verified_in_one_place() {
    let others = files::rust().into_iter().filter(|file| !file.under(VERIFY_HOME) && !plays_a_provider(file));
    let findings = find(others, |_, line| {
        let word = line.words().find(|word| ["rsa", "x509_cert"].contains(word))?;
        (!line.test).then(|| word.to_owned())
    });
    check(
        "Code names the crates behind signatures outside the one place that verifies.",
        "declare a Scheme, and let the door ask connectors/src/verify",
        &findings,
    );
}

#[test]
fn nothing_is_left_to_do_later_and_no_test_is_ignored() {
    let findings = find(files::rust().into_iter(), |_, line| {
        let bare: String = line.bare.split_whitespace().collect();
        let word = ["todo!", "unimplemented!", "#[ignore"].into_iter().find(|word| bare.contains(word))?;
        Some(word.to_owned())
    });
    check(
        "Code holds todo!, unimplemented! or an ignored test.",
        "build it, or leave it out; a test that needs a server fails without it",
        &findings,
    );
}

#[test]
fn the_words_and_the_deciding_code_do_no_input_or_output() {
    let pure = files::rust().into_iter().filter(|file| {
        file.under("ledger/events/src") || PURE_MODULES.iter().any(|module| file.path.starts_with(module))
    });
    let findings = find(pure, |_, line| {
        let word = line.words().find(|word| IO_WORDS.contains(word));
        let path = IO_PATHS.iter().copied().find(|path| line.bare.contains(path));
        word.or(path).filter(|_| !line.test).map(str::to_owned)
    });
    check(
        "A pure module names a crate or module that reads or writes.",
        "take the value as an argument, or a port (a trait in ledger/events), and do the reading in the caller",
        &findings,
    );
}

#[test]
fn sql_is_never_put_together_as_text() {
    let mut findings = Vec::new();
    for file in files::rust() {
        let lines = file.lines();
        let mut text = String::new();
        let mut starts = Vec::new();
        for line in lines.iter().filter(|line| !line.test) {
            starts.push((text.len(), line.number));
            text.push_str(&line.code);
            text.push('\n');
        }
        let number = |at: usize| starts.iter().rev().find(|(start, _)| *start <= at).map_or(1, |(_, number)| *number);
        for call in ["format!(", "format_args!(", "concat_string!("] {
            for (at, _) in text.match_indices(call) {
                let literal = text[at + call.len()..].trim_start().trim_start_matches(['r', '#']);
                let Some(sql) = literal.strip_prefix('"').map(str::trim_start) else { continue };
                let first: String = sql.chars().take_while(char::is_ascii_alphabetic).collect();
                if SQL_VERBS.contains(&first.as_str()) && sql[first.len()..].starts_with(char::is_whitespace) {
                    findings.push(format!("{}:{}: {call}\"{first} ...\")", file.path, number(at)));
                }
            }
        }
        for (at, word) in text.match_indices("AssertSqlSafe(") {
            findings.push(format!("{}:{}: {word}...)", file.path, number(at)));
        }
    }
    check(
        "SQL is put together as text.",
        "bind values to a constant statement; where the statement itself varies, sqlx::QueryBuilder with push_bind",
        &findings,
    );
}
