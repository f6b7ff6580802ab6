//! What the demo prints: JSON for machines, or tables and where to look next.

use std::collections::BTreeMap;
use std::fmt::Write;

use ensimbi_events::money::scaled_text;
use serde_json::{Value, json};

use super::agree::Result;
use crate::args::DemoArgs;
use crate::home::Home;
use crate::output::table;

/// The JSON document.
pub fn json(result: &Result) -> Value {
    let wallets: Vec<Value> = result
        .wallets
        .iter()
        .map(|wallet| {
            let [posted, held, reserved, available, total] = wallet.ours;
            json!({
                "provider": wallet.provider, "code": wallet.code, "currency": wallet.currency,
                "posted": posted, "held": held, "reserved": reserved, "available": available, "total": total,
                "simulator": wallet.simulator,
            })
        })
        .collect();
    let fees: Vec<Value> = result
        .fees
        .iter()
        .map(|fee| {
            json!({
                "component": fee.component, "bearer": fee.bearer, "currency": fee.currency,
                "amount": scaled_text(fee.amount), "lines": fee.lines,
            })
        })
        .collect();
    let agreements: serde_json::Map<String, Value> = result
        .agreements
        .iter()
        .map(|agreement| (agreement.name.to_owned(), json!(agreement.differences.is_empty())))
        .collect();
    let mut invoices: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for ((of, state), count) in &result.invoices {
        invoices.entry(of).or_default().insert(state, *count);
    }
    let differences: Vec<&String> = result.agreements.iter().flat_map(|agreement| &agreement.differences).collect();
    json!({
        "ok": result.ok(), "seed": result.seed, "payments": result.payments, "book_id": result.book,
        "position": result.position, "root": result.root, "wallets": wallets, "fees": fees,
        "orders": { "taken": result.orders.taken, "left_out": result.orders.left_out },
        "payments_by_state": result.states, "invoices_by_state": invoices, "checkpoints": result.checkpoints,
        "agreements": agreements, "differences": differences,
    })
}

/// Tables, then the agreements.
pub fn tables(result: &Result) -> String {
    let mut text = String::new();
    let wallets = result.wallets.iter().map(|wallet| {
        let mut row = vec![wallet.provider.clone(), wallet.code.clone(), wallet.currency.clone()];
        row.extend(wallet.ours.iter().map(ToString::to_string));
        row.push(wallet.simulator.map_or_else(|| "-".to_owned(), |balance| balance.to_string()));
        row
    });
    let header =
        ["provider", "wallet", "currency", "posted", "held", "reserved", "available", "total", "provider says"];
    let _ = writeln!(text, "Wallets\n{}\n", table(&header, wallets.collect(), 3));
    let fees = result.fees.iter().map(|fee| {
        let amount = scaled_text(fee.amount);
        vec![fee.component.clone(), fee.bearer.clone(), fee.currency.clone(), amount, fee.lines.to_string()]
    });
    let header = ["component", "borne by", "currency", "amount", "lines"];
    let _ = writeln!(text, "Fees\n{}\n", table(&header, fees.collect(), 3));
    let states = result.states.iter().map(|(state, count)| vec![state.clone(), count.to_string()]);
    let _ = writeln!(text, "Payments\n{}\n", table(&["state", "count"], states.collect(), 1));
    let invoices =
        result.invoices.iter().map(|((of, state), count)| vec![of.clone(), state.clone(), count.to_string()]);
    let _ = writeln!(text, "Invoices\n{}\n", table(&["made by", "state", "count"], invoices.collect(), 2));
    for agreement in &result.agreements {
        let word = if agreement.differences.is_empty() { "ok " } else { "BAD" };
        let _ = writeln!(text, "{word} {}", agreement.title);
        for difference in &agreement.differences {
            let _ = writeln!(text, "      {difference}");
        }
    }
    let (book, size, root, checkpoints) = (&result.book, result.position, result.root, result.checkpoints);
    let _ = writeln!(text, "\nbook {book}, {size} events, {checkpoints} checkpoints, root {root}");
    text
}

/// What to try next.
pub fn where_next(args: &DemoArgs, home: &Home, address: &str) -> String {
    let data = home.folder.display();
    let mut text = format!(
        "\nNext:\n  ensimbi verify --data {data}\n  ensimbi export leaves --data {data} --output leaves.cbor\n  \
         python3 ledger/events/spec/root.py leaves.cbor\n"
    );
    if !args.once {
        let _ = writeln!(text, "  http://{address}/docs  (the API; the key was shown above)\n  Ctrl-C ends it.");
    }
    text
}
