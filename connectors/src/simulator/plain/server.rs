//! Its paths and its pushes, and what drives and reads them.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use ensimbi_events::{Amount, Time};
use sqlx::SqliteConnection;

use super::records::{self, Row};
use super::{Asked, Fault, Plain, PlainSimulator, TRIES};
use crate::simulator::core::Core;
use crate::simulator::faults::{Drawn, gate};
use crate::simulator::http::{Caller, Outcome, finish};
use crate::simulator::work::{self, Machine, Planned, taken};
use crate::simulator::wrong::{self, Wrong};
use crate::simulator::{
    Result, SimulatedKind, SimulatedMovement, SimulatedObject, SimulatedWallet, Simulator, SimulatorError,
};

/// How long a receiver of a push may take, in real time.
const PUSH_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries of a push, and between it and its double.
const AGAIN: Duration = Duration::from_secs(60);

const UNDONE: [Fault; 3] = [Fault::RateLimited, Fault::ServerError, Fault::CutBeforeAcceptance];
const ON_CREATION: [Fault; 7] = [
    UNDONE[0],
    UNDONE[1],
    UNDONE[2],
    Fault::TimeoutAfterAcceptance,
    Fault::ErrorAfterAcceptance,
    Fault::HalfAnswer,
    Fault::HtmlAnswer,
];
const ON_READING: [Fault; 4] = [UNDONE[0], UNDONE[1], Fault::HalfAnswer, Fault::HtmlAnswer];

async fn answer<P: Plain>(
    State(sim): State<Arc<PlainSimulator<P>>>,
    caller: Caller,
    method: Method,
    OriginalUri(uri): OriginalUri,
    body: Bytes,
) -> Response {
    let _busy = sim.core.busy();
    let asked = P::asked(&method, uri.path().trim_start_matches('/'), caller.authorization(), &body);
    finish(&*sim, caller.wire, sim.answer(asked).await).await
}

impl<P: Plain> PlainSimulator<P> {
    /// Order: settle what is due, gate of faults, work, commit, answer.
    async fn answer(&self, asked: Asked) -> Result<Outcome<Fault>> {
        let refused = |status, code| Ok(Outcome::Refused(wrong::json(Self::JSON, status, P::problem(code))));
        let (kind, key) = match &asked {
            Asked::Refused(status, code) => return refused(*status, *code),
            Asked::Make { kind, reference, .. } => (*kind, reference.as_str()),
            Asked::Read { kind, key } => (*kind, key.as_str()),
            Asked::Balance => (SimulatedKind::Collection, P::WALLET),
        };
        let (now, faults) = (self.core.now(), self.core.faults());
        work::settle(self, now).await?;
        let mut tx = self.core.begin().await?;
        let made = matches!(asked, Asked::Make { .. });
        let (what, list): (_, &[Fault]) = if made { ("make", &ON_CREATION) } else { ("read", &ON_READING) };
        let drawn = gate(&mut tx, &faults, what, key, list).await?;
        if let Some(drawn) = drawn.filter(|drawn| UNDONE.contains(&drawn.fault)) {
            self.core.commit(tx).await?;
            return Ok(Outcome::Spoilt(drawn, StatusCode::OK, String::new()));
        }
        if let Asked::Make { kind, reference, phone, amount } = &asked {
            if !amount.is_positive() {
                return refused(StatusCode::BAD_REQUEST, "amount");
            }
            records::make::<P>(&mut tx, &faults, (*kind, reference, phone, *amount), now).await?;
        }
        let text = match asked {
            Asked::Balance => Some(P::balance(records::balance(&mut tx).await?)),
            _ => records::find(&mut tx, kind, key).await?.map(|row| P::object(&row.record())),
        };
        // Also a question that found nothing was counted.
        self.core.commit(tx).await?;
        self.core.wake();
        match text {
            Some(text) => Ok(Outcome::of(drawn, StatusCode::OK, text)),
            None => refused(StatusCode::NOT_FOUND, "not_found"),
        }
    }

    /// Sends a push; whether it was taken. Nobody listens: nothing is left to be done.
    async fn deliver(&self, one: &Row) -> Result<bool> {
        let target = self.target.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(url) = target else { return Ok(true) };
        let body = P::object(&one.clone().record());
        let forged = one.tries == 0 && self.core.faults().hits(Fault::PushForged, &one.id, 0);
        let (signer, signed) = (self.signer.clone(), if forged { body.to_uppercase() } else { body.clone() });
        // A private-key operation is no work for a thread that serves.
        let signature = tokio::task::spawn_blocking(move || signer.sign(signed.as_bytes()));
        let signature = signature.await.map_err(|error| SimulatorError::Network(error.to_string()))??;
        let request = self.core.http().post(url).timeout(PUSH_TIMEOUT).header("content-type", Self::JSON);
        Ok(taken(request.header(P::SIGNED_BY, signature).body(body)).await)
    }
}

#[async_trait]
impl<P: Plain> Machine for PlainSimulator<P> {
    type Fault = Fault;
    type Push = Row;
    const NAME: &'static str = P::PROVIDER;

    fn core(&self) -> &Core<Fault> {
        &self.core
    }

    fn routes() -> Router<Arc<Self>> {
        Router::new().fallback(answer::<P>)
    }

    fn wrong(&self, drawn: Drawn<Fault>, _good: &str) -> Wrong {
        Wrong::usual(drawn.fault.name())
    }

    async fn planned(&self, db: &mut SqliteConnection, now: Time) -> Result<Planned> {
        let (due, next) = records::planned(db, now).await?;
        Ok(Planned { due, next })
    }

    async fn apply(&self, db: &mut SqliteConnection, now: Time) -> Result<u32> {
        records::settle(db, &self.core.faults(), now).await
    }

    async fn pushes(&self, db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Row>> {
        records::to_push(db, now, most).await
    }

    async fn push(&self, one: Row, now: Time) -> Result<()> {
        let accepted = self.deliver(&one).await?;
        let doubled = one.tries == 0 && self.core.faults().hits(Fault::PushDoubled, &one.id, 0);
        let again = if accepted { doubled } else { one.tries + 1 < TRIES };
        let mut tx = self.core.begin().await?;
        records::pushed(&mut tx, &one, again.then(|| now.plus(AGAIN))).await?;
        self.core.commit(tx).await?;
        self.core.sent();
        Ok(())
    }
}

#[async_trait]
impl<P: Plain> Simulator for PlainSimulator<P> {
    fn provider(&self) -> &'static str {
        P::PROVIDER
    }

    async fn due(&self, now: Time) -> Result<u64> {
        work::due(self, now).await
    }

    async fn next_due(&self) -> Result<Option<Time>> {
        work::next_due(self).await
    }

    async fn wallets(&self) -> Result<Vec<SimulatedWallet>> {
        let mut tx = self.core.begin().await?;
        let balance = records::balance(&mut tx).await?;
        tx.commit().await?;
        Ok(vec![SimulatedWallet {
            provider_id: P::WALLET.to_owned(),
            purse: None,
            currency: super::currency::<P>()?,
            balance,
            held: Amount::ZERO,
            fees: None,
            pending: None,
        }])
    }

    async fn objects(&self) -> Result<Vec<SimulatedObject>> {
        let mut tx = self.core.begin().await?;
        let rows = records::all(&mut tx).await?;
        tx.commit().await?;
        let currency = super::currency::<P>()?;
        let shown = rows.into_iter().map(|row| {
            let (effect, status) = (Amount::from_scaled(row.effect), row.status.clone());
            let record = row.record();
            SimulatedObject {
                id: record.id,
                external_id: Some(record.reference),
                kind: record.kind,
                wallet_id: P::WALLET.to_owned(),
                purse: None,
                currency,
                is_final: status != "pending",
                status,
                amount: record.amount,
                fees: record.fee,
                effect,
            }
        });
        Ok(shown.collect())
    }

    async fn movements(&self) -> Result<Vec<SimulatedMovement>> {
        Ok(Vec::new())
    }
}
