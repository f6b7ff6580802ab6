//! The provider's own control under `/_sim/`: exact figures of a payment, the provider's people, books. It is no part of
//! the provider and needs no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::figures::{self, Exact, NEXT};
use super::json::digits;
use super::settings::bad;
use super::{Desk, DollrSimulator, admin, wallets};
use crate::simulator::control::{self, Page, read};
use crate::simulator::{Result, work};

pub(super) fn routes() -> Router<Arc<DollrSimulator>> {
    Router::new()
        .route("/_sim/figures", post(set_figures))
        .route("/_sim/admin", post(administer))
        .route("/_sim/books", get(show_books))
}

type Sim = State<Arc<DollrSimulator>>;

fn answer(result: Result<Value>) -> Response {
    control::answer::<DollrSimulator>(result)
}

/// Exact figures, as decimal texts, of the payment of `INVOICE-101`, `ORDER-101`, of what is executed under `SESSION-55`,
/// or of the `NEXT` payment. They hold from the execution on; a prediction does not know them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    of: String,
    figures: Exact,
}

async fn set_figures(State(sim): Sim, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let result = async {
        let asked: Figures = read(&body)?;
        sim.set_figures(&asked.of, &asked.figures).await
    };
    answer(result.await)
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
    let _busy = sim.core.busy();
    answer(sim.show_books(page.after, page.limit()).await)
}

/// Whether a text names a payment.
fn is_name(of: &str) -> bool {
    let named = |prefix: &str| {
        of.strip_prefix(prefix).is_some_and(|id| (1..=18).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()))
    };
    of == NEXT || ["INVOICE-", "ORDER-", "SESSION-"].into_iter().any(named)
}

impl DollrSimulator {
    async fn set_figures(&self, of: &str, exact: &Exact) -> Result<Value> {
        if !is_name(of) {
            return Err(bad("of: INVOICE-101, ORDER-101, SESSION-55 or NEXT"));
        }
        let (faults, base) = (self.faults(), self.base());
        let mut tx = self.core.begin().await?;
        let (settings, now) = (&self.settings, self.core.now());
        let mut desk = Desk { db: &mut tx, settings, faults: &faults, base: &base, now, drawn: None };
        figures::set(&mut desk, of, exact).await?;
        self.core.commit(tx).await?;
        Ok(json!({"of": of, "figures": control::shown(exact)?}))
    }

    /// Wallets, sources and executions, without parties; each page shows so many executions and all else that belongs.
    async fn show_books(&self, after: i64, limit: i64) -> Result<Value> {
        work::settle(self, self.core.now()).await?;
        let mut tx = self.core.begin().await?;
        wallets::check_sums(&mut tx).await?;
        let wallets = wallets::all(&mut tx).await?;
        let wallet = |of: &wallets::Stored| {
            json!({
                "id": of.id, "merchant": of.merchant, "currency": of.currency, "balance": digits(of.balance),
                "unsettled": digits(of.unsettled),
            })
        };
        let wallets: Vec<Value> = wallets.iter().map(wallet).collect();
        let rows: Vec<(i64, String, String, String, Option<i64>, i64)> = sqlx::query_as(
            "SELECT e.intent, e.reference, e.operation, e.status, e.source,
               (SELECT coalesce(sum(effect), 0) FROM posting WHERE intent = e.intent) FROM execution e
             WHERE e.intent > ?1 ORDER BY e.intent LIMIT ?2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == limit;
        let next_after = rows.last().filter(|_| full).map(|last| last.0);
        let mut executions = Vec::with_capacity(rows.len());
        for (intent, reference, operation, status, source, effect) in rows {
            let source: Option<(String, i64, String, Option<String>)> = match source {
                Some(seq) => {
                    let query = "SELECT kind, id, status, label FROM source WHERE seq = ?1";
                    sqlx::query_as(query).bind(seq).fetch_optional(&mut *tx).await?
                }
                None => None,
            };
            let source = source.map(
                |(kind, id, status, label)| json!({"kind": kind, "id": id, "status": status, "reference_id": label}),
            );
            executions.push(json!({
                "payment_intent_id": intent, "reference_id": reference, "operation_type": operation, "status": status,
                "source": source, "effect": digits(effect),
            }));
        }
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for query in [
            "SELECT kind || ' ' || status, count(*) FROM source GROUP BY kind, status",
            "SELECT operation || ' ' || status, count(*) FROM execution GROUP BY operation, status",
            "SELECT 'session ' || status, count(*) FROM session GROUP BY status",
            "SELECT 'parties', count(*) FROM party",
            "SELECT 'shared labels', count(*) FROM (SELECT 1 FROM source WHERE label IS NOT NULL
               GROUP BY merchant, label HAVING count(*) > 1)",
        ] {
            let found: Vec<(String, i64)> = sqlx::query_as(query).fetch_all(&mut *tx).await?;
            counts.extend(found);
        }
        self.core.commit(tx).await?;
        Ok(json!({
            "now": self.core.now(), "wallets": wallets, "executions": executions, "next_after": next_after,
            "counts": counts,
        }))
    }
}
