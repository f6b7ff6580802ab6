//! The first step of an order: what it is made of, none of which moves money (`providers/dollr.md`, sections 3 to 6 and
//! 8.0). A lost answer is repeated, and what was made in vain stays behind. What came back must be what was asked for.

use ensimbi_events::commands::Destination;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency};
use reqwest::Method;

use super::super::bundle::{Bundle, Part};
use super::super::handle::{Family, Handle, SourceRef};
use super::super::options::PayoutForm;
use super::super::wire::{self, Made, Operator, Raw};
use super::super::{kind, payable};
use super::{Client, Json, NAME_MAX, RawBody, Step, phone};
use crate::checks::{is_link, must, within};
use crate::connector::{CallError, CollectCall, PayoutCall, Prepared, RawAnswer};

/// What is sold where an order names nothing, and who pays and is paid where it names nobody: they want both.
const PAYMENT: &str = "Payment";
const CUSTOMER: &str = "Customer";
const BENEFICIARY: &str = "Beneficiary";

/// Who is on the other side.
pub(super) struct Who<'a> {
    pub(super) name: &'a str,
    pub(super) phone: &'a str,
    email: Option<&'a str>,
}

/// What carries a number, for one kind of operation (section 10.4).
pub(super) struct Route {
    pub(super) method: String,
    pub(super) provider: String,
}

/// A text, if it says anything.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The payer of an order, and the order itself, checked.
pub(super) fn payer<'a>(client: &Client, order: &'a CollectCall) -> Result<Who<'a>, CallError> {
    let (money, name) = ((order.amount, order.currency), order.payer.name.as_deref());
    client.common((&order.reference, &order.wallet), money, (name, order.note.as_deref()))?;
    must(order.fee_bearer != Bearer::Beneficiary, "fee_bearer: expected merchant or payer")?;
    let email = said(order.payer.email.as_deref());
    must(within(email, NAME_MAX), "payer.email: expected at most 200 characters")?;
    let phone = phone("payer.phone", order.payer.phone.as_deref())?;
    Ok(Who { name: said(name).unwrap_or(CUSTOMER), phone, email })
}

/// The beneficiary of an order, and the order itself, checked.
pub(super) fn beneficiary<'a>(client: &Client, order: &'a PayoutCall) -> Result<Who<'a>, CallError> {
    let Destination::Mobile { phone: to } = &order.to else { return Err(CallError::NotOffered) };
    let (money, name) = ((order.amount, order.currency), order.name.as_deref());
    client.common((&order.reference, &order.wallet), money, (name, order.note.as_deref()))?;
    must(client.passcode.is_some() || client.form == PayoutForm::Old, "secrets.passcode: missing")?;
    let phone = phone("to.phone", Some(to))?;
    Ok(Who { name: said(name).unwrap_or(BENEFICIARY), phone, email: None })
}

/// Whether what they made asks for this; a figure that they leave out contradicts nothing.
pub(super) fn same(currency: Raw<'_>, amount: Raw<'_>, order: (Amount, Currency)) -> bool {
    wire::currency("currency", currency) == Ok(order.1)
        && amount.is_none_or(|_| wire::amount("amount", amount) == Ok(order.0))
}

impl Client {
    async fn post<const N: usize>(&self, path: [&str; N], body: Json<'_>) -> Result<(String, RawBody), CallError> {
        self.ask(Step::Before, (Method::POST, self.url(path, &[])), Some(body), wire::made).await
    }

    /// A party and a counterparty of it: their ids, and a bundle of both answers.
    async fn party(&self, who: &Who<'_>, relation: &str) -> Result<(String, String, Bundle), CallError> {
        let country = self.country.as_deref();
        let fields = [
            ("fullname", who.name.into()),
            ("phone", who.phone.into()),
            ("email", who.email.into()),
            ("country_code", country.into()),
        ];
        let (party, made) = self.post(["parties", "create"], Json::object(fields)).await?;
        let fields = [("relationship_type", relation.into()), ("party_id", Json::number(&party))];
        let (counterparty, linked) = self.post(["counterparties", "create"], Json::object(fields)).await?;
        let bundle = Bundle::new().with(Part::Party, &made.body)?.with(Part::Counterparty, &linked.body)?;
        Ok((party, counterparty, bundle))
    }

    /// What carries a number.
    pub(super) async fn route(&self, operation: &str, who: &Who<'_>) -> Result<Route, CallError> {
        let url =
            self.url(["predictions", "mmo-provider-info"], &[("phone", who.phone), ("operation_type", operation)]);
        let needed = |text: &str| {
            let operator: Operator<'_> = wire::object("body", text)?;
            let method = wire::required("payment_method", operator.payment_method)?;
            Ok(Route { method, provider: wire::required("gateway_provider", operator.gateway_provider)? })
        };
        Ok(self.ask(Step::Before, (Method::GET, url), None, needed).await?.0)
    }

    /// A payment account of a party.
    pub(super) async fn account(
        &self,
        step: Step,
        operation: &str,
        (party, who): (&str, &Who<'_>),
        route: &Route,
    ) -> Result<(String, RawBody), CallError> {
        let body = Json::object([
            ("account_name", who.name.into()),
            ("provider", route.provider.as_str().into()),
            ("method", route.method.as_str().into()),
            ("party_id", Json::number(party)),
            ("country_code", self.country.as_deref().into()),
            ("insensitive_account_number", who.phone.into()),
        ]);
        let url = self.url(["payment-accounts", "create"], &[("operation_type", operation)]);
        self.ask(step, (Method::POST, url), Some(body), wire::made).await
    }
}

fn made(handle: &Handle, link: Option<String>, bundle: Bundle, status: u16) -> Prepared {
    let answer = RawAnswer { kind: kind::SOURCE, status, body: bundle.finish() };
    Prepared { object: None, handle: Some(handle.to_string()), complete: link.is_some(), link, answer }
}

/// What is sold: name, quantity, price of one. Without items it is one thing at the whole price.
fn items(order: &CollectCall) -> Result<Vec<(&str, u32, Amount)>, CallError> {
    let note = said(order.note.as_deref()).unwrap_or(PAYMENT);
    if order.items.is_empty() {
        return Ok(vec![(note, 1, order.amount)]);
    }
    let mut sum = Some(Amount::ZERO);
    for item in &order.items {
        let named = said(Some(&item.name)).is_some() && within(Some(&item.name), NAME_MAX);
        must(named, "items.name: expected 1 to 200 characters")?;
        must(item.quantity > 0, "items.quantity: expected at least 1")?;
        must(payable(item.price), "items.price: expected at least 0.01, with at most 2 decimal places")?;
        sum = sum.zip(cost(item.quantity, item.price)).and_then(|(sum, cost)| sum.checked_add(cost));
    }
    must(sum == Some(order.amount), "items: together they do not cost the amount")?;
    Ok(order.items.iter().map(|item| (item.name.as_str(), item.quantity, item.price)).collect())
}

fn cost(quantity: u32, price: Amount) -> Option<Amount> {
    price.scaled().checked_mul(i64::from(quantity)).map(Amount::from_scaled)
}

/// Makes an invoice or an order, its items, and publishes it.
pub(super) async fn source(client: &Client, order: &CollectCall) -> Result<Prepared, CallError> {
    let who = payer(client, order)?;
    must(!order.checkout.authorise_only, "checkout.authorise_only: they hold no money")?;
    let items = items(order)?;
    let family = if order.items.is_empty() { Family::Order } else { client.items_as };
    let (party, counterparty, bundle) = client.party(&who, "CUSTOMER").await?;
    let bearer = if order.fee_bearer == Bearer::Payer { "PAYER" } else { "PAYEE" };
    let currency = order.currency.as_str();
    let body = Json::object([
        ("counterparty_id", Json::number(&counterparty)),
        ("currency", currency.into()),
        ("note", said(order.note.as_deref()).unwrap_or(PAYMENT).into()),
        ("fee_bearer", bearer.into()),
        ("as_payment_link", Json::Flag(false)),
        ("reference_id", order.reference.as_str().into()),
    ]);
    let (id, created) = client.post([family.path(), "create"], body).await?;
    let mut added = Vec::with_capacity(items.len());
    for (name, quantity, price) in items {
        let quantity = ("qty", Json::Digits(quantity.to_string()));
        let body =
            Json::object([("name", name.into()), ("currency", currency.into()), quantity, ("amount", price.into())]);
        added.push(client.post([family.path(), &id, "items", "add"], body).await?.1.body);
    }
    let needed = |text: &str| {
        let made: Made<'_> = wire::object("body", text)?;
        let asked = same(made.currency, made.total_amount, (order.amount, order.currency));
        Ok(wire::integer_id("id", made.id)? == id && asked)
    };
    let publish = (Method::PUT, client.url([family.path(), "publish", &id], &[]));
    let (agrees, published) = client.ask(Step::Completes, publish, None, needed).await?;
    must(agrees, "source: theirs asks for another amount or currency than was asked for")?;
    let bundle = bundle.with(Part::Created, &created.body)?.with_list(Part::Items, &added)?;
    let bundle = bundle.with(Part::Published, &published.body)?;
    let handle = Handle::Source { source: SourceRef { family, id }, party };
    Ok(made(&handle, None, bundle, published.status))
}

/// Makes a checkout that the payer finishes on their page. It names no quantities, and not who bears the fees.
pub(super) async fn checkout(client: &Client, order: &CollectCall) -> Result<Prepared, CallError> {
    let (who, pages) = (payer(client, order)?, &order.checkout);
    must(!pages.authorise_only, "checkout.authorise_only: they hold no money")?;
    must(pages.methods.is_empty(), "checkout.methods: they offer no choice")?;
    let fits = |page: &Option<String>| page.as_deref().is_none_or(|page| is_link(page, true));
    must(fits(&pages.success_url) && fits(&pages.cancel_url), "checkout: expected URLs of at most 500 characters")?;
    let (currency, mut lines) = (order.currency.as_str(), Vec::new());
    for (name, quantity, price) in items(order)? {
        let name = if quantity == 1 { name.to_owned() } else { format!("{quantity} x {name}") };
        let cost = cost(quantity, price).ok_or_else(|| CallError::Refused("items.price: too large".to_owned()))?;
        lines.push((name, cost));
    }
    let lines = lines.iter().map(|(name, cost)| {
        Json::object([("name", name.as_str().into()), ("currency", currency.into()), ("amount", (*cost).into())])
    });
    let body = Json::object([
        ("mode", "HOSTED".into()),
        ("source_kind", Family::Order.word().into()),
        ("party_phone", who.phone.into()),
        ("party_name", who.name.into()),
        ("party_email", who.email.into()),
        ("party_relationship", "CUSTOMER".into()),
        ("currency", currency.into()),
        ("items", Json::List(lines.collect())),
        ("reference_id", order.reference.as_str().into()),
        ("note", said(order.note.as_deref()).into()),
        ("success_url", pages.success_url.as_deref().into()),
        ("cancel_url", pages.cancel_url.as_deref().into()),
    ]);
    let needed = |text: &str| {
        let made: wire::Checkout<'_> = wire::object("body", text)?;
        let family = Family::of(&wire::required("source_type", made.source_type)?) == Some(Family::Order);
        let asked = same(made.currency, made.total_amount, (order.amount, order.currency));
        Ok((wire::integer_id("source_id", made.source_id)?, wire::text("url", made.url)?, family && asked))
    };
    let create = (Method::POST, client.url(["checkouts", "create"], &[]));
    let ((id, link, agrees), answer) = client.ask(Step::Completes, create, Some(body), needed).await?;
    must(agrees, "checkout: theirs asks for another amount or currency than was asked for")?;
    let link = link.filter(|link| is_link(link, client.api.url([]).scheme() == "http"));
    must(link.is_some(), "url: missing in their answer")?;
    let bundle = Bundle::new().with(Part::Checkout, &answer.body)?;
    Ok(made(&Handle::Hosted(SourceRef { family: Family::Order, id }), link, bundle, answer.status))
}

/// Makes the payment account that is paid to.
pub(super) async fn account_to_pay(client: &Client, order: &PayoutCall) -> Result<Prepared, CallError> {
    let who = beneficiary(client, order)?;
    let (party, _, bundle) = client.party(&who, "BENEFICIARY").await?;
    let route = client.route("PAYOUT", &who).await?;
    let (account, answer) = client.account(Step::Completes, "PAYOUT", (&party, &who), &route).await?;
    let bundle = bundle.with(Part::Account, &answer.body)?;
    Ok(made(&Handle::Account(account), None, bundle, answer.status))
}
