//! `ensimbi fees`, `statement` and `trial-balance`.

use serde_json::Value;

use super::tables::{cell, list};
use super::{Desk, deliver, one};
use crate::args::{AxesArgs, FeesArgs, StatementArgs, TrialBalanceArgs};
use crate::exit::Outcome;
use crate::home::Home;
use crate::output;

/// The axes as the routes have them.
fn axes(args: AxesArgs) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("from", args.from),
        ("to", args.to),
        ("as_of", args.as_of),
        ("known_at", args.known_at),
        ("basis", args.basis),
        ("tz", args.tz),
    ]
}

/// What was known at an earlier time is not behind the book: it ends where it was asked to.
fn as_known(mut body: Value, known_at: bool) -> Value {
    if known_at {
        body["head"] = body["position"].clone();
    }
    body
}

/// `ensimbi fees`.
pub async fn fees(args: FeesArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let earlier = args.axes.known_at.is_some();
    let mut query = axes(args.axes);
    let group_by = args.group_by.unwrap_or_else(|| "component".to_owned());
    query.push(("group_by", Some(group_by.clone())));
    let body = as_known(desk.get("/v1/fees", &query).await?, earlier);
    deliver(&args.out, &body, |body| {
        let totals = list(&body["totals"], &[("bearer", "bearer"), ("currency", "currency")], &TOTALS);
        let zone = format!("dates by {} in {}", cell(body, "basis"), cell(body, "tz"));
        [groups(&body["groups"], &group_by).as_str(), "\n", &totals, "\n", &zone].concat()
    })
}

const TOTALS: [(&str, &str); 4] =
    [("lines", "lines"), ("fees", "fees"), ("fee accounts", "accounts"), ("difference", "difference")];
const FIGURES: [(&str, &str); 7] = [
    ("count", "count"),
    ("gross", "gross"),
    ("fees", "fees"),
    ("net", "net"),
    ("rate", "effective_rate"),
    ("derived", "derived"),
    ("unitemised", "unitemised"),
];

/// The columns are those that were asked for, in that order.
fn groups(groups: &Value, group_by: &str) -> String {
    let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
    if groups.is_empty() {
        return "no fees".to_owned();
    }
    let dimensions: Vec<&str> = group_by.split(',').filter(|name| !name.is_empty()).collect();
    // Bearer, currency and direction are always apart, asked for or not.
    let always = ["bearer", "currency", "direction"].into_iter().filter(|name| !dimensions.contains(name));
    let texts: Vec<&str> = dimensions.iter().copied().chain(always.clone()).collect();
    let header: Vec<&str> = texts.iter().copied().chain(FIGURES.iter().map(|(title, _)| *title)).collect();
    let row = |group: &Value| {
        let own = dimensions.iter().map(|name| cell(&group["group"], name));
        let figures = FIGURES.iter().map(|(_, field)| cell(group, field));
        own.chain(always.clone().map(|name| cell(group, name))).chain(figures).collect()
    };
    output::table(&header, groups.iter().map(row).collect(), texts.len())
}

/// `ensimbi statement`.
pub async fn statement(args: StatementArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let earlier = args.axes.known_at.is_some();
    let mut query = axes(args.axes);
    query.push(("limit", args.page.limit.map(|limit| limit.to_string())));
    query.push(("cursor", args.page.cursor));
    let path = match args.wallet {
        Some(wallet) => {
            query.push(("part", args.part));
            [one("wallets", &desk.wallet(&wallet)?).as_str(), "/statement"].concat()
        }
        None => {
            query.extend([("account", args.account), ("currency", args.currency)]);
            "/v1/statements".to_owned()
        }
    };
    let body = as_known(desk.get(&path, &query).await?, earlier);
    deliver(&args.out, &body, |body| {
        let texts =
            [("occurred at", "occurred_at"), ("book date", "book_date"), ("event", "type"), ("payment", "payment")];
        let numbers = [("position", "position"), ("amount", "amount"), ("balance", "balance")];
        let ends = format!(
            "{} {}, {} lines: opening {}, debit {}, credit {}, closing {}",
            cell(body, "account"),
            cell(body, "currency"),
            cell(body, "count"),
            cell(body, "opening"),
            cell(body, "debit"),
            cell(body, "credit"),
            cell(body, "closing"),
        );
        [list(&body["items"], &texts, &numbers).as_str(), "\n", &ends].concat()
    })
}

/// `ensimbi trial-balance`.
pub async fn trial_balance(args: TrialBalanceArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let earlier = args.known_at.is_some();
    let body = desk.get("/v1/trial-balance", &[("as_of", args.as_of), ("known_at", args.known_at)]).await?;
    let body = as_known(body, earlier);
    deliver(&args.out, &body, |body| {
        let texts = [("account", "account"), ("currency", "currency")];
        let sides = [("debit", "debit"), ("credit", "credit")];
        let accounts = list(&body["accounts"], &texts, &[sides[0], sides[1], ("balance", "balance")]);
        let totals =
            list(&body["totals"], &[("currency", "currency")], &[sides[0], sides[1], ("difference", "difference")]);
        [accounts.as_str(), "\n", &totals].concat()
    })
}
