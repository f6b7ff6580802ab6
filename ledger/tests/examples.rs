//! The worked numbers of the bookkeeping page, section 8, on both stores: `worked/table.md` is that table, and its two columns are read as
//! they stand.
//!
//! Each number is a fresh book. Its claims go one by one through the real writer; the lines of all new events and the
//! changes of what is reserved must be the step's `Lines`, and the balances afterwards its `After`.
#![allow(clippy::unwrap_used)]

mod common;
mod worked;

use std::collections::BTreeMap;

use common::{House, on_both_stores, recorded, say, tell};
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::{Body, Currency};
use ensimbi_ledger::writer::Writer;
use worked::{Step, table};

on_both_stores!(every_worked_number_is_booked_to_the_last_unit);

async fn every_worked_number_is_booked_to_the_last_unit(house: &House) {
    let (table, mut numbers) = (table(), Vec::<u32>::new());
    for (at, row) in table.iter().enumerate() {
        if numbers.last() == Some(&row.number()) {
            continue;
        }
        numbers.push(row.number());
        let steps: Vec<&Step> = table[at..].iter().take_while(|step| step.number() == row.number()).collect();
        run(house, &steps).await;
    }
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
}

async fn run(house: &House, steps: &[&Step]) {
    let number = steps[0].number();
    let book = ensimbi_events::BookId(uuid::Uuid::from_u128(u128::from(number)));
    let say = say::Say { book, ..say::Say::new(&steps[0].currency) };
    let writer = house.writer(book).await;
    let other = if number == 20 { say::currency("LRD") } else { say.currency };
    for claim in [say.opened(ensimbi_events::word::Mode::Test, &[]), say.configured(other)] {
        recorded(&tell(&writer, claim).await);
    }
    let mut size = 2;
    for step in steps {
        let (lines, kinds) = book_step(house, &writer, &say, step, &mut size).await;
        assert_eq!(sorted(&lines), sorted(&step.line_tokens()), "lines of {}", step.name);
        let after = balances(house, &say).await;
        for (name, expected) in step.after_tokens() {
            let found = after.get(&name).cloned().unwrap_or_else(|| "0".to_owned());
            assert_eq!(found, expected, "{name} after {}", step.name);
        }
        assert_eq!(kinds, step.discrepancies(), "discrepancies of {}", step.name);
    }
    house.assert_sound(book).await;
}

fn sorted(tokens: &[String]) -> Vec<String> {
    let mut tokens = tokens.to_vec();
    tokens.sort();
    tokens
}

/// Tells the step's claims one by one; gives its lines as the table writes them, and the discrepancies raised.
async fn book_step(
    house: &House,
    writer: &Writer,
    say: &say::Say,
    step: &Step,
    size: &mut usize,
) -> (Vec<String>, Vec<DiscrepancyKind>) {
    let (mut lines, mut kinds) = (Vec::new(), Vec::new());
    for claim in worked::claims(&step.name, say, &house.events(say.book).await) {
        let before = reserved(house, say).await;
        recorded(&tell(writer, claim).await);
        for (event, _) in &house.events(say.book).await[*size..] {
            *size += 1;
            if let Body::DiscrepancyRaised(body) = &event.fact.body {
                kinds.push(body.kind);
            }
            for line in &event.record.lines.0 {
                let name = named(&short(&line.account), line.currency, say.currency);
                let sign = if line.amount.is_positive() { "+" } else { "" };
                lines.push(format!("{name}{sign}{}", line.amount));
            }
        }
        let change = reserved(house, say).await - before;
        if change != 0 {
            let sign = if change > 0 { "+" } else { "" };
            lines.push(format!("res{sign}{}", ensimbi_events::money::scaled_text(change)));
        }
    }
    (lines, kinds)
}

async fn reserved(house: &House, say: &say::Say) -> i128 {
    let rows = house.store.wallet_rows(say.book).await.unwrap();
    rows.get(&say::WALLET).map_or(0, |row| i128::from(row.reserved.scaled()))
}

/// All balances under the table's names: from the trial balance, and from the wallet row where it has them too.
async fn balances(house: &House, say: &say::Say) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let (_, rows) = house.store.trial_balance(say.book).await.unwrap();
    for row in rows {
        let name = short(&row.account);
        // F and M sum their components.
        let group = name.split('.').next().unwrap().to_owned();
        *sums.entry(named(&group, row.currency, say.currency)).or_default() += row.debit - row.credit;
    }
    if let Some(row) = house.store.wallet_rows(say.book).await.unwrap().get(&say::WALLET) {
        assert_eq!(i128::from(row.posted.scaled()), sums.get("W").copied().unwrap_or_default());
        assert_eq!(i128::from(row.held.scaled()), sums.get("H").copied().unwrap_or_default());
        sums.insert("avail".to_owned(), i128::from(row.available().unwrap().scaled()));
        sums.insert("total".to_owned(), i128::from(row.posted.checked_add(row.held).unwrap().scaled()));
    }
    sums.into_iter().map(|(name, sum)| (name, ensimbi_events::money::scaled_text(sum))).collect()
}

fn named(name: &str, currency: Currency, own: Currency) -> String {
    if currency == own { name.to_owned() } else { format!("{name}@{currency}") }
}

/// The table's short name of an account.
fn short(account: &str) -> String {
    let fixed = match account {
        "assets:wallet:main:w" => "W",
        "assets:wallet:main:w2" => "W2",
        "assets:held:main:w" => "H",
        "assets:disputed:main" => "D",
        "liabilities:clearing:collections:main" => "C",
        "assets:clearing:payouts:main" => "P",
        "assets:clearing:bank:main" => "B",
        "assets:clearing:offline" => "O",
        "assets:receivable" => "R",
        "liabilities:suspense:main" => "S",
        "equity:memo:contra" => "Mc",
        "income:sales" => "I",
        "income:refunds" => "IR",
        "expenses:chargebacks" => "X",
        "liabilities:tax:output" => "T",
        "expenses:tax-recovered:main" => "TR",
        "equity:opening:main" => "E",
        "equity:conversion" => "V",
        "assets:bank:main" => "K",
        "liabilities:customers" => "L",
        "expenses:suppliers" => "N",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    let parts: Vec<&str> = account.split(':').collect();
    match parts.as_slice() {
        ["expenses", "fees", "main", component] => format!("F.{component}"),
        ["equity", "memo", "fees", _, "main", component] => format!("M.{component}"),
        ["assets", "tax", _] => "TI".to_owned(),
        _ => panic!("no short name for {account}"),
    }
}
