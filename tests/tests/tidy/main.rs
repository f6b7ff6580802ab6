//! Tidy tests: what the design asks of the shape of the code, held by reading the code.
//!
//! They look at the files that git tracks or would track. Every failure lists the places and says what to do instead;
//! where a rule has exceptions, they are a short list beside the rule, each with its reason.

#![allow(clippy::unwrap_used)]

mod arrows;
mod files;
mod layout;
mod source;
mod words;

/// Fails with all findings and the way out, if there are findings.
fn check(rule: &str, instead: &str, findings: &[String]) {
    assert!(findings.is_empty(), "\n{rule}\n  {}\nInstead: {instead}\n", findings.join("\n  "));
}
