//! The payer on the hosted page: looks at it and pays, where the purchase has somewhere to send the payer back to and
//! nobody executed it (provider facts, section 4.3).

use ensimbi_events::Time;
use sqlx::SqliteConnection;

use super::attempts::{CARDS, MOBILE};
use super::collecting::{self, Fate, fate};
use super::events;
use super::objects::Object;
use super::status::enter;
use super::steps::{self, Planned, Rules, What};
use super::templates::seconds;
use crate::simulator::Result;
use crate::simulator::draw::ALWAYS;

/// Currencies in which a phone pays (provider facts, section 3).
pub(super) const MOBILE_CURRENCIES: [&str; 3] = ["UGX", "KES", "ETB"];

/// Whether the purchase lets a method be used.
pub(super) fn allows(of: &Object, method: &str) -> bool {
    match of.doc["payment_method_whitelist"].as_array() {
        Some(list) => list.iter().any(|one| one == method),
        None => true,
    }
}

/// By what the payer pays: a phone where there is one and the currency has it, else a card; `None` where neither is
/// let.
fn method(rules: Rules<'_>, of: &Object) -> Option<&'static str> {
    let phone = MOBILE_CURRENCIES.contains(&of.currency.as_str()) && !of.party.is_empty();
    if let Some(method) = MOBILE.into_iter().find(|method| phone && allows(of, method)) {
        return Some(method);
    }
    let cards: Vec<_> = CARDS.into_iter().filter(|card| allows(of, card)).collect();
    let drawn = rules.faults.draws().below("card", &of.key, 0, cards.len() as u64);
    cards.get(usize::try_from(drawn).unwrap_or(0)).copied()
}

/// Plans the payer's first look.
pub(super) async fn expect(db: &mut SqliteConnection, rules: Rules<'_>, of: &Object) -> Result<()> {
    if of.text("success_redirect").is_empty() {
        return Ok(());
    }
    let after = rules.between(rules.settings.payer_after, "payer_looks_after", &of.key, 0);
    steps::plan(db, Planned::of(of.seq, What::Look, of.created_at.plus(after))).await
}

/// Somebody opens the page.
pub(super) async fn view(db: &mut SqliteConnection, rules: Rules<'_>, of: &mut Object, at: Time) -> Result<()> {
    if !matches!(of.status(), "created" | "sent") {
        return Ok(());
    }
    of.doc["viewed_on"] = seconds(at).into();
    enter(&mut *db, of, "viewed", None, at).await?;
    events::announce(db, rules, of, "purchase.viewed", at).await
}

/// Whether the merchant made another one of the same reference since: its link is the one that the payer was sent.
async fn is_replaced(db: &mut SqliteConnection, of: &Object) -> Result<bool> {
    let newer =
        "SELECT count(*) FROM object WHERE kind = 'purchase' AND reference = ?1 AND reference <> '' AND seq > ?2";
    let count: i64 = sqlx::query_scalar(newer).bind(&of.reference).bind(of.seq).fetch_one(db).await?;
    Ok(count > 0)
}

/// The payer opens the page, and will pay, here or elsewhere, call it off, or leave.
pub(super) async fn look(db: &mut SqliteConnection, rules: Rules<'_>, mut of: Object, at: Time) -> Result<()> {
    if of.attempt > 0 || !matches!(of.status(), "created" | "viewed") || is_replaced(&mut *db, &of).await? {
        return Ok(());
    }
    view(&mut *db, rules, &mut of, at).await?;
    let payer = rules.settings.payer;
    let mut drawn = rules.faults.draws().below("payer", &of.key, 0, u64::from(ALWAYS));
    let choices = [
        (payer.pays, What::Pay),
        (payer.fails, What::Pay),
        (payer.at_the_counter, What::MarkAsPaid),
        (payer.calls_off, What::Cancel),
    ];
    for (share, what) in choices {
        if drawn < u64::from(share) {
            let after = rules.between(rules.settings.payer_after, "payer_pays_after", &of.key, 0);
            return steps::plan(db, Planned::of(of.seq, what, at.plus(after))).await;
        }
        drawn -= u64::from(share);
    }
    Ok(())
}

/// The payer pays on the page: for the first time, or once more after a failure.
pub(super) async fn pay(db: &mut SqliteConnection, rules: Rules<'_>, mut of: Object, at: Time) -> Result<()> {
    let first = of.attempt == 0 && matches!(of.status(), "viewed" | "overdue");
    let again = of.attempt == 1 && of.status() == "error";
    if !first && !again {
        return Ok(());
    }
    let Some(method) = method(rules, &of) else { return Ok(()) };
    let (payer, draws) = (rules.settings.payer, rules.faults.draws());
    let pays = draws.below("payer", &of.key, 0, u64::from(ALWAYS)) < u64::from(payer.pays);
    let fails_first = first && pays && draws.hits("payer_fails_first", &of.key, 0, payer.fails_first);
    let outcome = match (MOBILE.contains(&method), pays && !fails_first) {
        (true, _) if !fails_first => Ok(fate(rules.settings, &of.currency, &of.party)),
        (_, true) => Ok(Fate::Succeeds),
        _ => Err("insufficient_funds"),
    };
    if fails_first {
        let after = rules.settings.outcome_after.1 + rules.settings.payer_after.1;
        steps::plan(&mut *db, Planned::of(of.seq, What::Pay, at.plus(after))).await?;
    }
    collecting::execute(db, rules, &mut of, method, outcome, at).await
}
