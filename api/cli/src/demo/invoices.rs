//! Invoices of the demo: some of ours are paid in full, some in part, and some payments are more than was owed; those that
//! providers make are compared with their own books.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use ensimbi_events::commands::{Commands, Origin, Telling};
use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{InvoiceDrafted, InvoiceItemAdded, InvoicePublished};
use ensimbi_events::{Amount, Body, ConnectionId, Currency, Fact, SubjectId, SubjectKind, Time, ids};
use ensimbi_projections::invoices::InvoiceState;
use ensimbi_projections::query::{InvoicesQuery, LIMIT_MAX};
use ensimbi_projections::{InvoicesView, Views};
use jiff::tz::TimeZone;

use super::Act;
use crate::exit::Failure;
use crate::house::House;

/// The route of invoices, part of what a key is unique in; the API's own.
const ROUTE: &str = "invoices";
/// An invoice is due after this.
const DUE: Duration = Duration::from_secs(14 * 86_400);
/// What an underpaid invoice asks beyond the payment, and an overpaid one less: of large amounts and of small ones.
const STEP: Amount = Amount::whole(100);
const SMALL_STEP: Amount = Amount::whole(1);

/// How all invoices stand.
pub struct Standing {
    /// By whose they are and how they stand; those paid elsewhere as `paid_offline`.
    pub counts: BTreeMap<(String, String), u64>,
    /// Those that their provider's own books have in another state.
    pub differences: Vec<String>,
}

/// Invoices by the provider that made them (`ensimbi` for our own) and by where they stand, against the providers' own.
pub async fn stand(views: &Views, house: &House, acts: &[Act]) -> Result<Standing, Failure> {
    let mut providers: BTreeMap<ConnectionId, &str> = BTreeMap::new();
    let mut theirs: HashMap<(&str, &str, String), &str> = HashMap::new();
    for act in acts {
        let provider = act.stage.provider();
        let ids = act.connections.iter().map(|one| ids::connection_id(house.book, &one.provider, &one.account));
        providers.extend(ids.map(|id| (id, provider)));
        let own = act.simulator.invoices().await.map_err(Failure::not_to_be_had)?;
        theirs.extend(own.into_iter().map(|one| ((provider, one.object_kind, one.id), one.state)));
    }
    let mut standing = Standing { counts: BTreeMap::new(), differences: Vec::new() };
    let mut query = InvoicesQuery { limit: LIMIT_MAX, ..InvoicesQuery::default() };
    loop {
        let list = views.invoices(house.book, &query).await?;
        for row in &list.page.items {
            let of = row.connection.and_then(|id| providers.get(&id)).copied().unwrap_or("ensimbi");
            let elsewhere = row.state == InvoiceState::Paid && row.offline.is_positive();
            let state = row.state.to_string();
            if let (Some(kind), Some(id)) = (row.object_kind.as_deref(), row.object_id.clone())
                && let Some(their) = theirs.get(&(of, kind, id.clone()))
                && *their != state
            {
                standing.differences.push(format!("{of} {kind} {id}: ours {state}, provider {their}"));
            }
            let state = if elsewhere { "paid_offline".to_owned() } else { state };
            *standing.counts.entry((of.to_owned(), state)).or_default() += 1;
        }
        query.before = list.page.items.last().map(|row| row.first_position);
        if !list.page.more {
            return Ok(standing);
        }
    }
}

/// Drafts and publishes the invoice that payment `n` is for.
pub async fn publish(
    door: &dyn Commands,
    origin: &Origin,
    n: u64,
    paid: Amount,
    currency: Currency,
    now: Time,
) -> Result<SubjectId, Failure> {
    let id = ids::intent_id(origin.book, ROUTE, &origin.idempotency_key);
    let step = if paid > STEP { STEP } else { SMALL_STEP };
    let other = if n.is_multiple_of(20) { paid.checked_add(step) } else { paid.checked_sub(step) };
    let total = if n.is_multiple_of(30) { Some(paid) } else { other };
    let total = total.ok_or_else(|| Failure::wrong("an amount of the demo is out of range"))?;
    let fact = |occurrence: &str, body: Body| Fact {
        subject: id,
        subject_kind: SubjectKind::Invoice,
        connection: None,
        wallet: None,
        object_kind: Some("intent".to_owned()),
        object_id: Some(id.to_string()),
        occurrence: occurrence.to_owned(),
        currency: Some(currency),
        version: body.version(),
        body,
    };
    let (item_id, quantity) = ("1".to_owned(), "1".to_owned());
    let item = InvoiceItemAdded { item_id, quantity, unit_amount: total, tax: None };
    let (tax, recognition) = (Amount::ZERO, Recognition::OnPublish);
    let due = Some(now.plus(DUE).date_in(&TimeZone::UTC));
    let published = InvoicePublished { total, tax, recognition, due, party_id: None };
    let facts = vec![
        (fact("", InvoiceDrafted { party_id: None }.into()), None),
        (fact("1", item.into()), None),
        (fact("", published.into()), None),
    ];
    let body = format!("{n} {total} {currency}").into_bytes();
    let telling = Telling { route: ROUTE, body, facts, party: None, evidence: None };
    door.tell(origin, &telling).await.map_err(Failure::not_to_be_had)?;
    Ok(id)
}
