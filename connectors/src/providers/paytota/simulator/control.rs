//! The provider's own control under `/_sim/`: webhooks, the provider's people, books, keys. It is no part of the
//! provider and needs no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::Row;

use super::objects::{self, Kind, Object};
use super::purses;
use super::{PaytotaSimulator, admin};
use crate::simulator::Result;
use crate::simulator::control::{self, Page, read};

pub(super) fn routes() -> Router<Arc<PaytotaSimulator>> {
    Router::new()
        .route("/_sim/webhooks", get(webhooks).post(change_webhook))
        .route("/_sim/keys", get(keys))
        .route("/_sim/admin", post(administer))
        .route("/_sim/books", get(show_books))
}

type Sim = State<Arc<PaytotaSimulator>>;

fn answer(result: Result<Value>) -> Response {
    control::answer::<PaytotaSimulator>(result)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    slug: String,
    /// `null` unregisters.
    url: Option<String>,
}

async fn webhooks(State(sim): Sim) -> Response {
    answer(Ok(sim.show_webhooks()))
}

async fn change_webhook(State(sim): Sim, body: Bytes) -> Response {
    let change = || {
        let asked: Registration = read(&body)?;
        sim.set_webhook(&asked.slug, asked.url)?;
        Ok(sim.show_webhooks())
    };
    answer(change())
}

/// The public keys, as the dashboard shows them.
async fn keys(State(sim): Sim) -> Response {
    let keys = sim.keys();
    let (webhook, next) = keys.webhook_at(sim.core.now());
    answer(Ok(json!({
        "webhook": webhook.pem, "webhook_next": next.map(|next| next.pem.clone()), "company": keys.company.pem,
    })))
}

async fn administer(State(sim): Sim, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let result = async {
        let action: admin::Action = read(&body)?;
        sim.administer(action).await
    };
    answer(result.await)
}

async fn show_books(State(sim): Sim, Query(page): Query<Page>) -> Response {
    answer(sim.show_books(page.after, page.limit()).await)
}

/// Without the party.
fn object(of: &Object) -> Value {
    json!({
        "seq": of.seq, "id": of.id, "kind": of.kind.word(), "status": of.status(), "reference": of.reference,
        "currency": of.currency, "amount": of.amount, "method": of.method, "attempts": of.attempt,
        "final": super::status::is_final(of), "created_at": of.created_at,
    })
}

impl PaytotaSimulator {
    fn show_webhooks(&self) -> Value {
        let shown = self.targets().into_iter().map(|slug| json!({"url": self.target(&slug), "slug": slug}));
        json!({ "webhooks": shown.collect::<Vec<_>>() })
    }

    async fn show_books(&self, after: i64, limit: i64) -> Result<Value> {
        let mut tx = self.begin().await?;
        purses::check_sums(&mut tx).await?;
        let purses: Vec<Value> = purses::all(&mut tx).await?.iter().map(purse).collect();
        let found = objects::page(&mut tx, after, limit).await?;
        let full = i64::try_from(found.len()).unwrap_or(i64::MAX) == limit;
        let next_after = found.last().filter(|_| full).map(|last| last.seq);
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for query in [
            "SELECT kind || ' ' || status, count(*) FROM object GROUP BY kind, status",
            "SELECT 'delivery ' || state, count(*) FROM delivery GROUP BY state",
            "SELECT 'line ' || product, count(*) FROM line GROUP BY product",
        ] {
            for row in sqlx::query(query).fetch_all(&mut *tx).await? {
                counts.insert(row.try_get(0)?, row.try_get(1)?);
            }
        }
        // References that more than one object has.
        let mut repeated = BTreeMap::new();
        for kind in [Kind::Purchase, Kind::Payout] {
            let row = sqlx::query(
                "SELECT count(*) FROM (SELECT 1 FROM object WHERE kind = ?1 AND reference <> ''
                   GROUP BY reference HAVING count(*) > 1)",
            );
            let count: i64 = row.bind(kind.word()).fetch_one(&mut *tx).await?.try_get(0)?;
            repeated.insert(kind.word(), count);
        }
        self.core.commit(tx).await?;
        Ok(json!({
            "now": self.core.now(), "purses": purses, "objects": found.iter().map(object).collect::<Vec<_>>(),
            "next_after": next_after, "counts": counts, "repeated_references": repeated,
        }))
    }
}

fn purse(of: &purses::Stored) -> Value {
    json!({
        "currency": of.currency, "purse": of.purse, "gross": of.gross, "fee": of.fee, "balance": of.balance,
        "reserved": of.reserved, "in_flight": of.in_flight, "available": of.available, "withheld": of.withheld,
        "overdraft": of.overdraft,
    })
}
