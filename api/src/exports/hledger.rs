//! The book as an hledger journal that `hledger check --strict` takes: accounts, commodities, payees and tags are declared,
//! every amount stands there, an entry balances in each of its currencies without a price.

use std::fmt::{self, Write};

use ensimbi_events::event::Body;
use ensimbi_events::{Currency, Event};

use super::journal::{Opening, TAGS, about, about_line, note};
use super::names::Names;
use super::{ExportError, text};

pub(super) fn header(opening: &Opening) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = put_header(&mut out, opening);
    out
}

fn put_header(out: &mut String, opening: &Opening) -> fmt::Result {
    writeln!(out, "; Book {}. Debit is plus, credit is minus, as in the book.", opening.book)?;
    writeln!(out, "; One transaction an entry, dated by its book date; its code is the id of its event.\n")?;
    writeln!(out, "decimal-mark .\n")?;
    for currency in opening.currencies() {
        writeln!(out, "commodity 1000.0000 {}", symbol(currency))?;
    }
    out.push('\n');
    for (account, name) in opening.names.all() {
        let kind = match account.split(':').next() {
            Some("assets") => "Asset",
            Some("liabilities") => "Liability",
            Some("equity") => "Equity",
            Some("income") => "Revenue",
            _ => "Expense",
        };
        // The type does not hang on the name, which policies can change.
        writeln!(out, "account {name}  ; type: {kind}")?;
    }
    out.push('\n');
    for word in Body::WORDS {
        writeln!(out, "payee {word}")?;
    }
    out.push('\n');
    for tag in ["type", "position"].iter().chain(&TAGS) {
        writeln!(out, "tag {tag}")?;
    }
    Ok(())
}

pub(super) fn entry(event: &Event, names: &Names) -> Result<String, ExportError> {
    let mut out = String::with_capacity(512);
    let _ = put_head(&mut out, event);
    for line in &event.record.lines.0 {
        let name = names.get(&line.account)?;
        let _ = write!(out, "    {name}  {} {}", line.amount, symbol(line.currency));
        for (index, (tag, value)) in about_line(line).iter().enumerate() {
            let _ = write!(out, "{}{tag}: {}", if index == 0 { "  ; " } else { ", " }, text::hledger(value));
        }
        out.push('\n');
    }
    Ok(out)
}

fn put_head(out: &mut String, event: &Event) -> fmt::Result {
    let record = &event.record;
    write!(out, "\n{} ({}) {}", record.book_date, record.event_id, event.fact.body.word())?;
    if let Some(note) = note(event).map(text::hledger).filter(|note| !note.is_empty()) {
        write!(out, " | {note}")?;
    }
    write!(out, "\n    ; position: {}", record.position)?;
    for (tag, value) in about(event) {
        write!(out, ", {tag}: {}", text::hledger(&value))?;
    }
    out.push('\n');
    Ok(())
}

/// A commodity; with digits in it, it needs quotes.
fn symbol(currency: Currency) -> String {
    let code = currency.as_str();
    if code.bytes().all(|b| b.is_ascii_alphabetic()) { code.to_owned() } else { ["\"", code, "\""].concat() }
}
