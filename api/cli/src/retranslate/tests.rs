//! What a correction says, and what none can say: the same payment, recorded once and read in another way.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::config::BookConfig;
use ensimbi_events::event::{Context, Line, Record};
use ensimbi_events::ids::Derivation;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::word::{Bearer, Component, Fee, FigureSource, Mode, OccurredSource};
use ensimbi_events::words::book::{ConnectionConfigured, WalletConfig};
use ensimbi_events::words::control::CorrectionPosted;
use ensimbi_events::words::payment::{CollectionPending, CollectionSucceeded};
use ensimbi_events::{
    Amount, Body, BookId, ConnectionId, Currency, Event, Fact, NoLines, SubjectId, SubjectKind, Time, WalletId,
};
use ensimbi_ledger::decide::state::SubjectState;
use ensimbi_ledger::posting::post;

use super::book::Correction;
use super::compare::{Difference, Kind, Reading};
use super::correct::{Money, correction};

fn book() -> BookId {
    BookId(Derivation::new("book").uuid())
}

fn connection() -> ConnectionId {
    ConnectionId(Derivation::new("connection").uuid())
}

fn wallet(code: &str) -> WalletId {
    WalletId(Derivation::new("wallet").part(code.as_bytes()).uuid())
}

fn payment() -> SubjectId {
    SubjectId(Derivation::new("payment").uuid())
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn currency() -> Currency {
    "UGX".parse().unwrap()
}

fn config() -> BookConfig {
    let wallet = |code: &str| WalletConfig {
        wallet_id: wallet(code),
        provider_id: code.to_owned(),
        code: code.to_owned(),
        currency: currency(),
        purse: None,
    };
    let wallets = vec![wallet("main"), wallet("other")];
    let configured = ConnectionConfigured {
        provider: "any".to_owned(),
        account: "a".to_owned(),
        account_code: "any".to_owned(),
        slug: "any".to_owned(),
        authenticity: "hint".to_owned(),
        simulated: true,
        poll: None,
        wallets: wallets.clone(),
        webhook_keys: Vec::new(),
    };
    BookConfig {
        mode: Some(Mode::Test),
        time_zone: "UTC".to_owned(),
        currencies: BTreeSet::from(["UGX".to_owned()]),
        connections: BTreeMap::from([(connection(), (1, configured))]),
        wallets: wallets.into_iter().map(|wallet| (wallet.wallet_id, (connection(), wallet))).collect(),
        ..BookConfig::default()
    }
}

/// A payment of 1000 with one fee of this size, in our wallet less what we bear of it.
fn paid(fee: &str, bearer: Bearer) -> Fact {
    let gross = amount("1000");
    let net = if bearer == Bearer::Merchant { gross.checked_sub(amount(fee)).unwrap() } else { gross };
    let fee = Fee {
        component: Component::Provider,
        bearer,
        amount: amount(fee),
        currency: currency(),
        source: FigureSource::Observed,
        label: "charge".to_owned(),
        tax: None,
    };
    let body: Body = CollectionSucceeded {
        gross,
        net,
        net_source: FigureSource::Derived,
        held: None,
        held_until: None,
        payer: None,
        rate: None,
        invoice_id: None,
        channel: None,
        fees: vec![fee],
    }
    .into();
    Fact {
        subject: payment(),
        subject_kind: SubjectKind::Payment,
        connection: Some(connection()),
        wallet: Some(wallet("main")),
        object_kind: Some("collection".to_owned()),
        object_id: Some("c-1".to_owned()),
        occurrence: String::new(),
        currency: Some(currency()),
        version: body.version(),
        body,
    }
}

/// The fact as it was recorded.
fn recorded(fact: Fact, no_lines: Option<NoLines>) -> Event {
    let lines = post(&fact, &config(), &SubjectState::default()).unwrap();
    let lines = if no_lines.is_some() { Default::default() } else { lines };
    let at = Time::from_micros(1_780_000_000_000_000);
    Event {
        record: Record {
            book: book(),
            event_id: fact.event_id(book()),
            position: 7,
            recorded_at: at,
            book_date: "2026-05-28".to_owned(),
            rules: 1,
            configuration: 1,
            lines,
            no_lines,
            posting_key: None,
            operator_key: None,
            cause: None,
        },
        context: Context {
            occurred_at: at,
            occurred_source: OccurredSource::Provider,
            claim: None,
            translator: Some("any.1".to_owned()),
            party: None,
            evidence: Vec::new(),
        },
        fact,
    }
}

fn judged(event: Event, fact: Fact, doubt: Option<DiscrepancyKind>, standing: &[Correction]) -> Money {
    let reading = Some(Reading { fact, doubt });
    let difference = Difference { kind: Kind::Differs, event: Some(event), reading };
    correction(&difference, standing, "any.2", &config())
}

fn lines(money: &Money) -> Vec<(String, String)> {
    let Money::Correction(fact) = money else { panic!("no correction: {money:?}") };
    let Body::CorrectionPosted(body) = &fact.body else { panic!("another word") };
    assert_eq!(Amount::checked_sum(body.lines.0.iter().map(|line| line.amount)), Some(Amount::ZERO));
    let shown = |line: &Line| (line.account.clone(), line.amount.to_string());
    body.lines.0.iter().map(shown).collect()
}

fn posted(money: &Money) -> CorrectionPosted {
    let Money::Correction(fact) = money else { panic!("no correction: {money:?}") };
    match &fact.body {
        Body::CorrectionPosted(body) => body.clone(),
        _ => panic!("another word"),
    }
}

#[test]
fn a_correction_is_new_lines_less_old_ones_one_for_each_account() {
    let money = judged(recorded(paid("30", Bearer::Merchant), None), paid("25", Bearer::Merchant), None, &[]);
    let expected = [("assets:wallet:any:main", "5"), ("expenses:fees:any:provider", "-5")];
    assert_eq!(lines(&money), expected.map(|(account, figure)| (account.to_owned(), figure.to_owned())));
    let body = posted(&money);
    assert_eq!(body.fact_hash, fact_hash(&paid("25", Bearer::Merchant)));
    assert_eq!((body.translator.as_str(), body.payment_id), ("any.2", Some(payment())));
    assert_eq!(body.corrected, paid("30", Bearer::Merchant).event_id(book()));
}

#[test]
fn a_further_correction_starts_from_what_the_ones_before_it_left() {
    let event = recorded(paid("30", Bearer::Merchant), None);
    let first = posted(&judged(event.clone(), paid("25", Bearer::Merchant), None, &[]));
    let standing = Correction { fact_hash: first.fact_hash, lines: first.lines };
    let back = judged(event.clone(), paid("30", Bearer::Merchant), None, std::slice::from_ref(&standing));
    let expected = [("assets:wallet:any:main", "-5"), ("expenses:fees:any:provider", "5")];
    assert_eq!(lines(&back), expected.map(|(account, figure)| (account.to_owned(), figure.to_owned())));
    let (Money::Correction(one), Money::Correction(two)) =
        (judged(event.clone(), paid("25", Bearer::Merchant), None, &[]), back)
    else {
        panic!("both are corrections");
    };
    assert_ne!(one.event_id(book()), two.event_id(book()), "the second is no repeat of the first");
    let other = judged(event, paid("20", Bearer::Merchant), None, &[]);
    let Money::Correction(other) = other else { panic!("a correction") };
    assert_eq!(
        one.event_id(book()),
        other.event_id(book()),
        "two firsts at once are one event, and one of them stands"
    );
}

#[test]
fn fees_that_others_bear_move_only_in_memory() {
    let money = judged(recorded(paid("30", Bearer::Merchant), None), paid("30", Bearer::Payer), None, &[]);
    let expected = [
        ("assets:wallet:any:main", "30"),
        ("equity:memo:contra", "-30"),
        ("equity:memo:fees:payer:any:provider", "30"),
        ("expenses:fees:any:provider", "-30"),
    ];
    assert_eq!(lines(&money), expected.map(|(account, figure)| (account.to_owned(), figure.to_owned())));
}

#[test]
fn where_no_amount_differs_there_is_nothing_to_correct() {
    let mut other_channel = paid("30", Bearer::Merchant);
    if let Body::CollectionSucceeded(body) = &mut other_channel.body {
        body.channel = Some("another".to_owned());
    }
    let money = judged(recorded(paid("30", Bearer::Merchant), None), other_channel, None, &[]);
    assert!(matches!(money, Money::Nothing), "{money:?}");
    let event = recorded(paid("30", Bearer::Merchant), Some(NoLines::BeforeOpening));
    let money = judged(event, paid("25", Bearer::Merchant), None, &[]);
    assert!(matches!(money, Money::Nothing), "it is inside the opening balance: {money:?}");
}

#[test]
fn what_no_correction_can_say_is_named() {
    let event = || recorded(paid("30", Bearer::Merchant), None);
    let changed = |change: fn(&mut Fact)| {
        let mut fact = paid("25", Bearer::Merchant);
        change(&mut fact);
        fact
    };
    let pending = changed(|fact| {
        fact.body = CollectionPending { amount: amount("1000"), fee_bearer: None, invoice_id: None }.into();
    });
    let uneven = changed(|fact| {
        if let Body::CollectionSucceeded(body) = &mut fact.body {
            body.net = amount("1");
        }
    });
    let doubt = Some(DiscrepancyKind::RowsDoNotChain);
    let withheld = recorded(paid("30", Bearer::Merchant), Some(NoLines::Withheld));
    let cases = [
        (event(), pending, None, "another thing happened"),
        (event(), changed(|fact| fact.wallet = Some(wallet("other"))), None, "another wallet"),
        (event(), changed(|fact| fact.currency = "KES".parse().ok()), None, "another currency"),
        (event(), changed(|fact| fact.subject = SubjectId(Derivation::new("other").uuid())), None, "something else"),
        (event(), uneven, None, "doubtful (sums_differ)"),
        (event(), paid("25", Bearer::Merchant), doubt, "doubtful (rows_do_not_chain)"),
        (withheld, paid("25", Bearer::Merchant), None, "withheld"),
    ];
    for (event, fact, doubt, words) in cases {
        let money = judged(event, fact, doubt, &[]);
        assert!(matches!(&money, Money::Not(why) if why.contains(words)), "{words}: {money:?}");
    }
    let missing = Difference { kind: Kind::Missing, event: Some(event()), reading: None };
    let new = Reading { fact: paid("25", Bearer::Merchant), doubt: None };
    let new = Difference { kind: Kind::New, event: None, reading: Some(new) };
    for (difference, words) in [(missing, "not said any more"), (new, "nothing was recorded")] {
        let money = correction(&difference, &[], "any.2", &config());
        assert!(matches!(&money, Money::Not(why) if why.contains(words)), "{words}: {money:?}");
    }
}
