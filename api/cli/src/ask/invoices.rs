//! `ensimbi invoices`: a list, one, or what is owed by age.

use super::tables::{fields, list};
use super::{Desk, deliver, one};
use crate::args::InvoicesArgs;
use crate::exit::Outcome;
use crate::home::Home;

const ITEMS: [(&str, &str); 4] =
    [("quantity", "quantity"), ("unit amount", "unit_amount"), ("tax", "tax"), ("amount", "amount")];
const PAYMENTS: [(&str, &str); 4] =
    [("allocated", "allocated"), ("taken back", "deallocated"), ("tax", "tax"), ("amount", "amount")];
const AGES: [(&str, &str); 8] = [
    ("not due", "buckets.not_due.amount"),
    ("1-30 days", "buckets.1_30.amount"),
    ("31-60", "buckets.31_60.amount"),
    ("61-90", "buckets.61_90.amount"),
    ("over 90", "buckets.over_90.amount"),
    ("outstanding", "outstanding"),
    ("receivable", "receivable"),
    ("invoices", "invoices"),
];

/// The command.
pub async fn invoices(args: InvoicesArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    if let Some(id) = &args.id {
        let body = desk.get(&one("invoices", id), &[]).await?;
        return deliver(&args.out, &body, |body| {
            let payments = [("paid by", "payment"), ("kind", "item_kind"), ("since", "first_at")];
            let parts = [
                fields(&body["invoice"]),
                list(&body["items"], &[("item", "id")], &ITEMS),
                list(&body["payments"], &payments, &PAYMENTS),
            ];
            parts.join("\n")
        });
    }
    if args.ageing {
        let body = desk.get("/v1/invoices/ageing", &[("tz", args.tz), ("as_at", args.as_at)]).await?;
        return deliver(&args.out, &body, |body| list(&body["currencies"], &[("currency", "currency")], &AGES));
    }
    let query = [
        ("state", args.state),
        ("overdue", args.overdue.then(|| "true".to_owned())),
        ("limit", args.page.limit.map(|limit| limit.to_string())),
        ("cursor", args.page.cursor),
    ];
    let body = desk.get("/v1/invoices", &query).await?;
    deliver(&args.out, &body, |body| {
        let texts = [("id", "id"), ("state", "state"), ("due", "due"), ("currency", "currency")];
        list(&body["items"], &texts, &["total", "paid", "outstanding"].map(|name| (name, name)))
    })
}
