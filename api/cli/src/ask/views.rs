//! `ensimbi fees`, `wallets` and `payments`.

use serde_json::Value;

use super::tables::{cell, fields, list};
use super::{Desk, deliver, one};
use crate::args::{FeesArgs, PaymentsArgs, WalletsArgs};
use crate::exit::Outcome;
use crate::home::Home;
use crate::output;

/// `ensimbi fees`.
pub async fn fees(args: FeesArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let tz = args.tz.unwrap_or_else(|| desk.config.time_zone.clone());
    let tz = (!tz.is_empty()).then_some(tz);
    let query = [("group_by", args.group_by), ("from", args.from), ("to", args.to), ("tz", tz)];
    let body = desk.get("/v1/fees", &query).await?;
    deliver(&args.out, &body, |body| {
        let totals = list(&body["totals"], &[("bearer", "bearer"), ("currency", "currency")], &TOTALS);
        [groups(&body["groups"]).as_str(), "\n", &totals].concat()
    })
}

const TOTALS: [(&str, &str); 4] =
    [("lines", "lines"), ("amount", "amount"), ("fee accounts", "accounts"), ("difference", "difference")];

/// The columns are those that were asked for.
fn groups(groups: &Value) -> String {
    let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = groups.first() else { return "no fees".to_owned() };
    let dimensions: Vec<&str> =
        first["group"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    // Bearer and currency are always apart, asked for or not.
    let always = ["bearer", "currency"].into_iter().filter(|name| !dimensions.contains(name));
    let header: Vec<&str> = dimensions.iter().copied().chain(always.clone()).chain(["lines", "amount"]).collect();
    let row = |group: &Value| {
        let own = dimensions.iter().map(|name| cell(&group["group"], name));
        own.chain(always.clone().chain(["lines", "amount"]).map(|name| cell(group, name))).collect()
    };
    output::table(&header, groups.iter().map(row).collect(), header.len() - 2)
}

/// `ensimbi wallets`.
pub async fn wallets(args: WalletsArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let limit = args.page.limit.map(|limit| limit.to_string());
    let body = desk.get("/v1/wallets", &[("limit", limit), ("cursor", args.page.cursor)]).await?;
    deliver(&args.out, &body, |body| {
        let texts = [("provider", "provider"), ("connection", "slug"), ("wallet", "code"), ("currency", "currency")];
        let numbers = ["posted", "held", "reserved", "available", "total"].map(|name| (name, name));
        list(&body["items"], &texts, &numbers)
    })
}

/// `ensimbi payments`.
pub async fn payments(args: PaymentsArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    if let Some(id) = &args.id {
        let body = desk.get(&one("payments", id), &[]).await?;
        return deliver(&args.out, &body, |body| fields(&body["payment"]));
    }
    let query = [
        ("kind", args.kind),
        ("state", args.state),
        ("connection", args.connection.map(|text| desk.connection(&text)).transpose()?),
        ("wallet", args.wallet.map(|text| desk.wallet(&text)).transpose()?),
        ("invoice", args.invoice),
        ("limit", args.page.limit.map(|limit| limit.to_string())),
        ("cursor", args.page.cursor),
    ];
    let body = desk.get("/v1/payments", &query).await?;
    deliver(&args.out, &body, |body| {
        let texts =
            [("id", "id"), ("kind", "kind"), ("state", "state"), ("since", "occurred_at"), ("currency", "currency")];
        let numbers = [("amount", "amount"), ("gross", "gross"), ("net", "net"), ("our fees", "fees_merchant")];
        list(&body["items"], &texts, &numbers)
    })
}
