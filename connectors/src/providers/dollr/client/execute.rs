//! The second step: a session, and its execution under our reference (`providers/dollr.md`, sections 7, 8 and 12). Only the
//! last request moves money.

use std::time::Duration;

use ensimbi_events::Currency;
use reqwest::Method;
use secrecy::ExposeSecret;

use super::super::bundle::{Bundle, Part};
use super::super::handle::{Handle, SourceRef};
use super::super::options::PayoutForm;
use super::super::wire::{self, Execution, Made, Prediction};
use super::super::{COLLECTION, PAYOUT, kind};
use super::make::{Route, beneficiary, payer, same};
use super::{Client, Json, RawBody, Step};
use crate::checks::must;
use crate::connector::{CallError, CollectCall, PayoutCall, RawAnswer, Unreadable};

/// How long a payout's session is asked to last, where it is asked (the older form).
const SESSION: Duration = Duration::from_mins(30);

/// What the first step named.
fn handle(of: Option<&str>) -> Result<Handle, CallError> {
    let handle = of.and_then(|handle| handle.parse().ok());
    handle.ok_or_else(|| CallError::Refused("handle: nothing to carry out".to_owned()))
}

/// An execution of this reference, in any state: `FAILED` in a good answer is an answer too (section 13).
pub(super) fn executed(reference: &str, operation: &str, text: &str) -> Result<(), Unreadable> {
    let execution: Execution<'_> = wire::object("body", text)?;
    let word = wire::required("operation_type", execution.operation_type)?;
    let same = wire::reference("reference_id", execution.reference_id)?.eq_ignore_ascii_case(reference);
    wire::required("status", execution.status)?;
    let own = same && word.eq_ignore_ascii_case(operation);
    if own { Ok(()) } else { Err(wire::unreadable("reference_id", "another execution than was asked for")) }
}

impl Client {
    /// The one dangerous request.
    async fn execute(&self, operation: &str, reference: &str, body: Json<'_>) -> Result<RawBody, CallError> {
        let needed = |text: &str| executed(reference, operation, text);
        let request = (Method::POST, self.url(["executions", operation], &[]));
        Ok(self.ask(Step::Executes, request, Some(body), needed).await?.1)
    }

    /// What authorises a payout: the passcode, whose it is, and where the call comes from.
    fn authorisation(&self) -> Json<'_> {
        let Some(passcode) = &self.passcode else { return Json::Absent };
        let ((whose, value), device) = (&passcode.whose, &self.device);
        let token = [("code", passcode.code.expose_secret().into()), (*whose, value.expose_secret().into())];
        let device = [
            ("name", device.name.as_str().into()),
            ("type", device.kind.as_str().into()),
            ("platform", device.platform.as_str().into()),
            ("user_agent", device.user_agent.as_str().into()),
            ("client_ip", device.client_ip.as_str().into()),
        ];
        Json::object([("token", Json::object(token)), ("device", Json::object(device))])
    }

    /// Sees that what comes is in the wallet's currency, where the payer pays in another one. The rate cannot be held
    /// (section 10.4), so nothing else is taken from it.
    async fn foresee(&self, source: &SourceRef, route: &Route, pays: Currency, own: Currency) -> Result<(), CallError> {
        let query = [
            ("target_currency", pays.as_str()),
            ("payment_method", &route.method),
            ("provider", &route.provider),
            ("source_type", source.family.word()),
            ("source_id", &source.id),
        ];
        let url = self.url(["predictions", "payment-source", "amount-and-fees"], &query);
        let needed = |text: &str| {
            let seen: Prediction<'_> = wire::object("body", text)?;
            let payer = wire::currency("payer_currency", seen.payer_currency)?;
            Ok(payer == pays && wire::currency("payee_currency", seen.payee_currency)? == own)
        };
        let (agrees, _) = self.ask(Step::Before, (Method::GET, url), None, needed).await?;
        must(agrees, "options.payer_currency: the provider would take or give another currency")
    }
}

/// Prompts the payer of a source.
pub(super) async fn collection(client: &Client, order: &CollectCall) -> Result<RawAnswer, CallError> {
    let who = payer(client, order)?;
    let Handle::Source { source, party } = handle(order.handle.as_deref())? else {
        return Err(CallError::Refused("handle: not of a source that we collect on".to_owned()));
    };
    let word = source.family.word();
    let route = client.route("COLLECTION", &who).await?;
    let pays = client.payer_currency.unwrap_or(order.currency);
    if pays != order.currency {
        client.foresee(&source, &route, pays, order.currency).await?;
    }
    let body = Json::object([("source_id", Json::number(&source.id)), ("source_type", word.into())]);
    let open = (Method::POST, client.url(["sessions", "checkout"], &[]));
    let (session, opened) = client.ask(Step::Before, open, Some(body), wire::made).await?;
    let (account, made) = client.account(Step::Before, "COLLECTION", (&party, &who), &route).await?;
    let body = Json::object([
        ("session_id", session.as_str().into()),
        ("payment_account_id", account.as_str().into()),
        ("currency", pays.as_str().into()),
        ("reference_id", order.reference.as_str().into()),
    ]);
    let executed = client.execute(COLLECTION, &order.reference, body).await?;
    if client.realtime {
        // A hint at most: its token is dropped here, and whatever goes wrong says nothing of the collection.
        let body = Json::object([
            ("session_id", Json::number(&session)),
            ("source_type", word.into()),
            ("reference_id", order.reference.as_str().into()),
        ]);
        let key = (Method::POST, client.url(["realtime-keys", "collection"], &[]));
        drop(client.ask(Step::Read, key, Some(body), |_| Ok(())).await);
    }
    let bundle = Bundle::new().with(Part::Session, &opened.body)?.with(Part::Account, &made.body)?;
    let body = bundle.with(Part::Execution, &executed.body)?.finish();
    Ok(RawAnswer { kind: kind::EXECUTION, status: executed.status, body })
}

/// Pays to a payment account. Which wallet they would take, the session says, before anything moves.
pub(super) async fn payout(client: &Client, order: &PayoutCall) -> Result<RawAnswer, CallError> {
    beneficiary(client, order)?;
    let Handle::Account(account) = handle(order.handle.as_deref())? else {
        return Err(CallError::Refused("handle: not of an account to pay to".to_owned()));
    };
    let old = client.form == PayoutForm::Old;
    let in_old = |json| if old { json } else { Json::Absent };
    let in_new = |json| if old { Json::Absent } else { json };
    let until = client.clock.now().plus(SESSION).to_string();
    let body = Json::object([
        ("wallet_id", in_old(Json::number(&order.wallet))),
        (if old { "payment_account_id" } else { "payout_account_id" }, Json::number(&account)),
        ("amount", order.amount.into()),
        ("currency", order.currency.as_str().into()),
        ("expires_at", in_old(until.as_str().into())),
    ]);
    let needed = |text: &str| {
        let made: Made<'_> = wire::object("body", text)?;
        // The older form named the wallet itself, so its answer need not.
        let named = made.wallet_id.is_some() || !old;
        let wallet = !named || wire::integer_id("wallet_id", made.wallet_id)? == order.wallet;
        Ok((wire::integer_id("id", made.id)?, wallet, same(made.currency, made.amount, (order.amount, order.currency))))
    };
    let open = (Method::POST, client.url(["sessions", PAYOUT], &[]));
    let ((session, wallet, asked), opened) = client.ask(Step::Before, open, Some(body), needed).await?;
    must(wallet, "wallet: the provider would pay out of another one")?;
    must(asked, "session: theirs has another amount or currency than was asked for")?;
    let body = Json::object([
        ("session_id", session.as_str().into()),
        ("payout_account_id", in_new(account.as_str().into())),
        ("reference_id", order.reference.as_str().into()),
        ("passcode", in_new(client.authorisation())),
    ]);
    let executed = client.execute(PAYOUT, &order.reference, body).await?;
    let bundle = Bundle::new().with(Part::Session, &opened.body)?.with(Part::Execution, &executed.body)?;
    Ok(RawAnswer { kind: kind::EXECUTION, status: executed.status, body: bundle.finish() })
}
