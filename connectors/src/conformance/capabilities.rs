//! What is offered is shown by an exchange and fixtures; what is not offered refuses before anything leaves us.
//!
//! Shape: [`evidence`] makes every exchange once, with good answers, and asks for everything that is not declared;
//! [`judge`] compares that with the flags, and [`flip`] sees that it would find each flag turned round.

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::Body;

use super::calls::{self, Call, Calls, Done, Exchange, FILE};
use super::matrix::CAPABILITIES;
use super::order::{Bank, Item, Order};
use super::{Problems, Subject};
use crate::connector::{
    Action, Authenticity, CallError, Capability, ObjectRef, ProviderClient, ToPrepare, Translation,
};

/// What was seen.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Capabilities that something shows.
    proven: BTreeSet<&'static str>,
    /// Capabilities that `calls.json` or the fixtures name, shown or not.
    named: BTreeSet<&'static str>,
    /// Capabilities that were asked for without being declared, and what came of it.
    refused: BTreeMap<&'static str, bool>,
}

/// Makes every exchange, and asks for what is not declared.
pub(super) async fn evidence(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) -> Evidence {
    let mut evidence = Evidence::default();
    covered(subject, calls, problems);
    let Some(scene) = calls::open(problems).await else { return evidence };
    for exchange in &calls.exchanges {
        for word in &exchange.proves {
            match CAPABILITIES.into_iter().find(|one| one.as_str() == word) {
                Some(capability) => {
                    evidence.named.insert(capability.as_str());
                }
                None => problems.push(format!("{exchange}: `proves` names no capability: {word}")),
            }
        }
        let client = match calls.client(subject, &scene.base) {
            Ok(client) => client,
            Err(problem) => {
                problems.push(problem);
                return evidence;
            }
        };
        scene.script(calls.good(exchange, &scene.base));
        let done = match exchange.make(subject, &*client).await {
            Ok(done) => done,
            Err(error) => {
                let routes: Vec<String> = scene.seen().into_iter().map(|seen| seen.route).collect();
                problems.push(format!(
                    "{exchange}: ends as `{error}` after {routes:?}; expected a good end with the answers given"
                ));
                continue;
            }
        };
        let main: Vec<_> = scene.seen().into_iter().filter(|seen| seen.route == exchange.request).collect();
        problems.must(main.len() == 1, || format!("{exchange}: made {} times, expected once", main.len()));
        let sent = main.into_iter().next().map(|seen| seen.text).unwrap_or_default();
        let Some(told) = told(subject, exchange, &done, problems) else { continue };
        for word in &exchange.proves {
            let Some(capability) = CAPABILITIES.into_iter().find(|one| one.as_str() == word) else { continue };
            match shows(subject, capability, exchange, &done, &told, &sent) {
                Ok(()) => {
                    evidence.proven.insert(capability.as_str());
                }
                Err(expected) => problems.push(format!("{exchange}: proves {word} only with {expected}")),
            }
        }
    }
    pushes(subject, &mut evidence);
    if let Some(exchange) = calls.exchanges.first() {
        scene.script(calls.good(exchange, &scene.base));
        if let Ok(client) = calls.client(subject, &scene.base) {
            refusals(subject, calls, &*client, &mut evidence).await;
            problems.must(scene.seen().is_empty(), || {
                "something that is not offered is sent all the same: refuse it with NotOffered before any request"
                    .to_owned()
            });
            let nobody = ObjectRef { kind: "zz_nobody", id: Some("1".into()), reference: Some("1".into()) };
            problems.must(client.read(&nobody, None).await.err() == Some(CallError::NotOffered), || {
                "read() of a kind that nobody declared: expected NotOffered".to_owned()
            });
        }
    }
    evidence
}

/// Every call that the house will make has an exchange.
fn covered(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    let facts = subject.connector.facts();
    let any = |test: &dyn Fn(&Exchange) -> bool| calls.exchanges.iter().any(test);
    let offers = |one: Capability| facts.capabilities.contains(&one);
    let collects = offers(Capability::Collect);
    let pays = offers(Capability::Payout) || offers(Capability::BankPayout);
    let objects = [(facts.collects, collects), (facts.pays, pays)].into_iter().filter(|(_, wanted)| *wanted);
    let kinds = facts.routines.iter().map(|routine| routine.object_kind).chain(objects.map(|(kind, _)| kind));
    for kind in kinds {
        problems.must(any(&|exchange| exchange.call == Call::Read && exchange.order.kind == kind), || {
            format!("no exchange of fixtures/{FILE} reads {kind}, which will be read all the time: add one")
        });
    }
    for (call, word, wanted) in
        [(Call::PrepareCollect, "prepare_collect", collects), (Call::PreparePay, "prepare_pay", pays)]
    {
        problems.must(!(facts.two_steps && wanted) || any(&|exchange| exchange.call == call), || {
            format!("no exchange of fixtures/{FILE} is {word}, the first of two steps: add one")
        });
    }
}

/// What the translator reads in the answers.
fn told(subject: &Subject<'_>, exchange: &Exchange, done: &Done, problems: &mut Problems) -> Option<Vec<Translation>> {
    let mut told = Vec::new();
    for answer in &done.answers {
        problems.must(subject.connector.facts().kinds.contains(&answer.kind), || {
            format!("{exchange}: brings bytes of the kind {}, which Facts::kinds does not declare", answer.kind)
        });
        match super::guarded(|| subject.translate(answer.kind, &answer.body)) {
            Some(Ok(translation)) => told.push(translation),
            Some(Err(error)) => {
                problems.push(format!("{exchange}: its own good answer is Unreadable ({error})"));
                return None;
            }
            None => {
                problems.push(format!("{exchange}: translate panics on its own good answer"));
                return None;
            }
        }
    }
    Some(told)
}

/// Whether an exchange shows a capability; else what it would need.
fn shows(
    subject: &Subject<'_>,
    capability: Capability,
    exchange: &Exchange,
    done: &Done,
    told: &[Translation],
    sent: &str,
) -> Result<(), &'static str> {
    let order = &exchange.order;
    let facts = subject.connector.facts();
    let fixture = |word: &str| {
        subject.folder.cases.iter().any(|case| {
            let said = case.expected.get("said").and_then(|said| said.as_array());
            said.is_some_and(|said| said.iter().any(|one| one.pointer("/body/type").is_some_and(|found| found == word)))
        })
    };
    let collects = matches!(exchange.call, Call::Collect | Call::PrepareCollect);
    let any = |test: fn(&Translation) -> bool| told.iter().any(test);
    let (holds, expected) = match capability {
        Capability::Collect => (
            exchange.call == Call::Collect && fixture("CollectionSucceeded"),
            "the call collect, and a fixture that says CollectionSucceeded",
        ),
        Capability::Items => (
            collects && order.items.first().is_some_and(|item| sent.contains(&item.name)),
            "an order with items, whose names are sent",
        ),
        Capability::Hosted => (
            collects && order.hosted && done.complete && done.link.is_some(),
            "the call prepare_collect of a hosted order, which gives the payer's link and is complete",
        ),
        Capability::Capture => {
            (matches!(exchange.call, Call::Capture | Call::Release), "the calls capture and release")
        }
        Capability::Cancel => (exchange.call == Call::Cancel, "the call cancel"),
        Capability::Refund => (
            exchange.call == Call::Refund && fixture("RefundSucceeded"),
            "the call refund, and a fixture that says RefundSucceeded",
        ),
        Capability::Payout => (
            exchange.call == Call::Pay && order.bank.is_none() && fixture("PayoutSucceeded"),
            "the call pay to a phone, and a fixture that says PayoutSucceeded",
        ),
        Capability::BankPayout | Capability::Withdraw => (
            exchange.call == Call::Pay && order.bank.as_ref().is_some_and(|bank| sent.contains(&bank.account_number)),
            "the call pay to a bank account, whose number is sent",
        ),
        Capability::ReadById => (
            exchange.call == Call::Read
                && order.kind == facts.collects
                && order.id.is_some()
                && order.reference.is_none(),
            "a read of what is collected with an id and no reference",
        ),
        Capability::ReadByReference => (
            exchange.call == Call::Read
                && order.kind == facts.collects
                && order.id.is_none()
                && order.reference.is_some(),
            "a read of what is collected with a reference and no id",
        ),
        Capability::Push => (false, "fixtures of the kind webhook; no exchange shows it"),
        Capability::Balance => (
            exchange.call == Call::Read
                && any(|told| told.said.iter().any(|said| matches!(said.body, Body::BalanceReported(_)))),
            "a read whose answer says BalanceReported",
        ),
        Capability::Banks => {
            (exchange.call == Call::Read && any(|told| !told.banks.is_empty()), "a read whose answer names banks")
        }
        Capability::History => (
            exchange.call == Call::Read && any(|told| !told.watch.is_empty() || !told.said.is_empty()),
            "a read whose answer names objects",
        ),
        Capability::Statement => (
            exchange.call == Call::Read && any(|told| !told.said.is_empty() || !told.rows.is_empty()),
            "a read whose answer says something of a statement's lines",
        ),
    };
    if holds { Ok(()) } else { Err(expected) }
}

/// Pushes are shown by fixtures of the kind `webhook`: a hint names objects and says nothing, a signed one says a thing.
fn pushes(subject: &Subject<'_>, evidence: &mut Evidence) {
    let word = Capability::Push.as_str();
    for case in subject.folder.of_kind("webhook") {
        evidence.named.insert(word);
        let names = super::guarded(|| subject.connector.hinted(&case.body)).and_then(Result::ok);
        let says = super::guarded(|| case.read(subject.connector)).and_then(Result::ok);
        let says = says.is_some_and(|told| !told.said.is_empty());
        let shown = match subject.connector.authenticity() {
            Authenticity::Signed(_) => says,
            Authenticity::Hint => names.is_some_and(|names| !names.is_empty()) && !says,
            Authenticity::NoPush => false,
        };
        if shown {
            evidence.proven.insert(word);
        }
    }
}

/// Asks for what is not declared.
async fn refusals(subject: &Subject<'_>, calls: &Calls, client: &dyn ProviderClient, evidence: &mut Evidence) {
    let facts = subject.connector.facts();
    let absent = |capability: &Capability| !facts.capabilities.contains(capability);
    let of = |wanted: &[Call]| calls.exchanges.iter().find(|exchange| wanted.contains(&exchange.call));
    let order = of(&[Call::PrepareCollect, Call::Collect]).map(|exchange| exchange.order.clone()).unwrap_or_default();
    let payout = of(&[Call::PreparePay, Call::Pay]).map(|exchange| exchange.order.clone()).unwrap_or_default();
    let payment = ObjectRef { kind: facts.collects, id: Some("1".to_owned()), reference: None };
    let collect = async |order: &Order| {
        let call = order.collect();
        if facts.two_steps {
            client.prepare(ToPrepare::Collect(&call)).await.err()
        } else {
            client.collect(&call).await.err()
        }
    };
    let pay = async |order: &Order| {
        let call = order.pay();
        if facts.two_steps { client.prepare(ToPrepare::Pay(&call)).await.err() } else { client.pay(&call).await.err() }
    };
    for capability in CAPABILITIES.into_iter().filter(absent) {
        let mut order = order.clone();
        let got = match capability {
            Capability::Collect => collect(&order).await,
            Capability::Items => {
                order.items = vec![Item::example(&order)];
                collect(&order).await
            }
            Capability::Hosted => {
                order.hosted = true;
                collect(&order).await
            }
            Capability::Capture => client.act(&payment, None, Action::Capture(None)).await.err(),
            Capability::Cancel => client.act(&payment, None, Action::Cancel).await.err(),
            Capability::Refund => client.refund(&order.refund()).await.err(),
            Capability::Payout => pay(&payout.to(None)).await,
            Capability::BankPayout => pay(&payout.to(Some(Bank::example()))).await,
            Capability::ReadById => client.read(&payment, None).await.err(),
            Capability::ReadByReference => {
                let by_reference = ObjectRef { id: None, reference: Some("r-1".to_owned()), ..payment.clone() };
                client.read(&by_reference, None).await.err()
            }
            // A withdrawal is a payout to a bank, and the others have no call of their own: the door refuses them by
            // their flag, and nothing may name them.
            _ => continue,
        };
        evidence.refused.insert(capability.as_str(), got == Some(CallError::NotOffered));
    }
}

/// Compares flags and evidence.
pub fn judge(declared: &[Capability], evidence: &Evidence, problems: &mut Problems) {
    for capability in CAPABILITIES {
        let word = capability.as_str();
        let (proven, named) = (evidence.proven.contains(word), evidence.named.contains(word));
        if declared.contains(&capability) {
            problems.must(proven, || match capability {
                Capability::Push => {
                    "push is declared, and no fixture shows it: add fixtures/webhook/<case>.body with what it pushes"
                        .to_owned()
                }
                _ => format!(
                    "{word} is declared, and no exchange shows it: add one with \"proves\": [\"{word}\"] to \
                              fixtures/{FILE}"
                ),
            });
        } else {
            problems.must(!named, || {
                format!(
                    "{word} is shown by fixtures, and not declared: add it to Facts::capabilities, or take them away"
                )
            });
            problems.must(evidence.refused.get(word).copied().unwrap_or(true), || {
                format!("{word} is not declared, and the client does not refuse it: expected CallError::NotOffered")
            });
        }
    }
}

/// Turns each flag round, and sees that this is found.
pub fn flip(declared: &[Capability], evidence: &Evidence, problems: &mut Problems) {
    for capability in CAPABILITIES {
        let mut flipped: Vec<Capability> = declared.iter().copied().filter(|one| *one != capability).collect();
        if flipped.len() == declared.len() {
            flipped.push(capability);
        }
        let mut found = Problems::default();
        judge(&flipped, evidence, &mut found);
        problems.must(!found.done().is_empty(), || {
            format!(
                "nothing would be seen if {} were turned round: it needs an exchange of its own",
                capability.as_str()
            )
        });
    }
}
