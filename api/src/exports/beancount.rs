//! The book as a beancount file that `bean-check` takes: commodities and accounts are opened, parts of accounts have
//! capitals, every amount stands there, an entry balances in each of its currencies without cost or price. Memo lines stay:
//! they are equity, and their pair is zero.

use std::fmt::{self, Write};

use ensimbi_events::{Event, currency};

use super::journal::{Opening, about, about_line, note};
use super::names::Names;
use super::{ExportError, text};

/// Before any entry there can be.
const BEGINNING: &str = "1900-01-01";

pub(super) fn header(opening: &Opening) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = put_header(&mut out, opening);
    out
}

fn put_header(out: &mut String, opening: &Opening) -> fmt::Result {
    writeln!(out, "; Book {}. Debit is plus, credit is minus, as in the book.", opening.book)?;
    writeln!(out, "; One transaction an entry, dated by its book date, with the id of its event.\n")?;
    writeln!(out, "option \"title\" \"Book {}\"", opening.book)?;
    let currencies = opening.currencies();
    for code in &currencies {
        writeln!(out, "option \"operating_currency\" \"{code}\"")?;
    }
    out.push('\n');
    for code in &currencies {
        writeln!(out, "{BEGINNING} commodity {code}")?;
        if currency::lookup(*code).is_none_or(|info| info.sandbox) {
            // No market and no bank knows this code.
            writeln!(out, "  sandbox: TRUE")?;
        }
    }
    out.push('\n');
    for (account, name) in opening.names.all() {
        let currencies = opening.accounts.get(account).into_iter().flatten();
        let currencies: Vec<&str> = currencies.map(|code| code.as_str()).collect();
        writeln!(out, "{BEGINNING} open {name} {}", currencies.join(","))?;
    }
    Ok(())
}

pub(super) fn entry(event: &Event, names: &Names) -> Result<String, ExportError> {
    let mut out = String::with_capacity(512);
    let _ = put_head(&mut out, event);
    for line in &event.record.lines.0 {
        let _ = writeln!(out, "  {}  {} {}", names.get(&line.account)?, line.amount, line.currency);
        for (name, value) in about_line(line) {
            let _ = writeln!(out, "    {name}: \"{}\"", text::beancount(&value));
        }
    }
    Ok(out)
}

fn put_head(out: &mut String, event: &Event) -> fmt::Result {
    let record = &event.record;
    write!(out, "\n{} * \"{}\"", record.book_date, event.fact.body.word())?;
    writeln!(out, " \"{}\"", note(event).map(text::beancount).unwrap_or_default())?;
    writeln!(out, "  position: {}", record.position)?;
    for (name, value) in about(event) {
        writeln!(out, "  {name}: \"{}\"", text::beancount(&value))?;
    }
    Ok(())
}
