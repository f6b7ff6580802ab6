//! `ensimbi wallets` and `payments`.

use super::tables::{fields, list};
use super::{Desk, deliver, one};
use crate::args::{PaymentsArgs, WalletsArgs};
use crate::exit::Outcome;
use crate::home::Home;

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
