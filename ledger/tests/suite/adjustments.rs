//! A person's own lines: each rule has a refusal of its own, and an entry is reversed once.

use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::{Bearer, Component, EvidenceClass, Mode, Side};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{Claim, EventId, Fact, SubjectKind, Time};
use uuid::Uuid;

use super::periods::closed;
use crate::common::say::{BOOK, Say, amount, currency, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    each_rule_has_a_refusal_of_its_own,
    fee_accounts_keep_their_dimensions_and_memo_its_pairs,
    a_date_that_is_named_must_be_open,
    a_second_person_approves_where_the_book_wants_one,
    an_entry_is_reversed_once,
    open_items_are_known_and_go_no_further_than_zero,
);

/// A line: account, amount, open item.
type Short<'a> = (&'a str, &'a str, Option<u128>);

pub fn line(say: &Say, n: u32, (account, figure, item): Short<'_>) -> Line {
    let dimensions = ensimbi_events::trial::fee_dimensions(account);
    let (component, bearer) = dimensions.unzip();
    Line {
        n,
        account: account.to_owned(),
        currency: say.currency,
        amount: amount(figure),
        open_item: item.map(subject),
        payment_id: None,
        component,
        bearer,
    }
}

fn body(say: &Say, lines: &[Short<'_>]) -> AdjustmentPosted {
    AdjustmentPosted {
        actor_id: "person-1".to_owned(),
        reason: "seen by a person".to_owned(),
        lines: Lines((1..).zip(lines).map(|(n, short)| line(say, n, *short)).collect()),
        approver_id: None,
        reversal_of: None,
    }
}

/// An adjustment with an id of its own.
fn posted(say: &Say, n: u128, body: AdjustmentPosted) -> Claim {
    let fact = say.fact(SubjectKind::Book, subject(0xad00 + n), body);
    say.command(Fact { connection: None, wallet: None, currency: None, occurrence: n.to_string(), ..fact })
}

fn adjusted(say: &Say, n: u128, lines: &[Short<'_>]) -> Claim {
    posted(say, n, body(say, lines))
}

fn reversal(say: &Say, n: u128, of: EventId, lines: &[Short<'_>]) -> Claim {
    let claim = posted(say, n, AdjustmentPosted { reversal_of: Some(of), ..body(say, lines) });
    let (object_kind, object_id) = (Some("reversal".to_owned()), Some(of.to_string()));
    say.command(Fact { object_kind, object_id, occurrence: String::new(), ..claim.fact })
}

const BALANCED: [Short<'static>; 2] = [("assets:tax:vat", "18", None), ("expenses:tax-recovered:main", "-18", None)];

async fn each_rule_has_a_refusal_of_its_own(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let other = |code: &str| {
        let mut body = body(&say, &BALANCED);
        body.lines.0.iter_mut().for_each(|line| line.currency = currency(code));
        posted(&say, 9, body)
    };
    let mixed = {
        let mut body = body(&say, &BALANCED);
        body.lines.0[0].currency = currency("USD");
        posted(&say, 9, body)
    };
    let many: Vec<Short<'_>> = (0..51).flat_map(|_| BALANCED).collect();
    let wallet: [Short<'_>; 2] = [("assets:wallet:main:w", "1", None), ("income:sales", "-1", None)];
    let suspense: [Short<'_>; 2] = [("liabilities:suspense:main", "1", Some(1)), ("income:sales", "-1", None)];
    let cases = [
        ("unbalanced", adjusted(&say, 1, &[("income:sales", "1", None), ("assets:bank:main", "-2", None)])),
        ("unbalanced", mixed),
        ("memo_alone", adjusted(&say, 2, &[("equity:memo:contra", "1", None), ("income:sales", "-1", None)])),
        ("wrong_state", adjusted(&say, 3, &wallet)),
        ("wrong_state", adjusted(&say, 4, &suspense)),
        ("malformed", adjusted(&say, 5, &many)),
        ("malformed", adjusted(&say, 6, &[])),
        ("malformed", other("QQQ")),
        ("unknown_subject", reversal(&say, 7, EventId(Uuid::from_u128(7)), &BALANCED)),
    ];
    for (at, (code, claim)) in cases.into_iter().enumerate() {
        assert_eq!(refused(&tell(&writer, claim).await), code, "case {at}");
    }
    // With evidence, a wallet's lines count.
    let fact = adjusted(&say, 8, &wallet).fact;
    recorded(&tell(&writer, say.with(EvidenceClass::Imported, fact)).await);
    recorded(&tell(&writer, other("USD")).await);
    house.assert_sound(BOOK).await;
    let live = Say { book: ensimbi_events::BookId(Uuid::from_u128(0x11fe)), ..Say::new("UGX") };
    let writer = house.writer(live.book).await;
    writer.submit(vec![live.opened(Mode::Live, &[])]).await;
    let mut sandbox = body(&live, &BALANCED);
    sandbox.lines.0.iter_mut().for_each(|line| line.currency = currency("ITX"));
    assert_eq!(refused(&tell(&writer, posted(&live, 1, sandbox)).await), "wrong_mode");
}

async fn fee_accounts_keep_their_dimensions_and_memo_its_pairs(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let lines: [Short<'_>; 4] = [
        ("expenses:fees:main:network", "5", None),
        ("liabilities:customers", "-5", None),
        ("equity:memo:fees:payer:main:provider", "2", None),
        ("equity:memo:contra", "-2", None),
    ];
    let whole = body(&say, &lines);
    for (at, change) in [|line: &mut Line| line.component = None, |line: &mut Line| line.bearer = Some(Bearer::Payer)]
        .into_iter()
        .enumerate()
    {
        let mut body = whole.clone();
        change(&mut body.lines.0[0]);
        assert_eq!(refused(&tell(&writer, posted(&say, 1, body)).await), "malformed", "case {at}");
    }
    let mut elsewhere = whole.clone();
    (elsewhere.lines.0[1].component, elsewhere.lines.0[1].bearer) = (Some(Component::Tax), Some(Bearer::Merchant));
    assert_eq!(refused(&tell(&writer, posted(&say, 1, elsewhere)).await), "malformed");
    recorded(&tell(&writer, posted(&say, 1, whole)).await);
    house.assert_sound(BOOK).await;
}

async fn a_date_that_is_named_must_be_open(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let close = closed(house, "2026-04-01", "2026-04-30", 1).await;
    recorded(&tell(&writer, close).await);
    let at = |text: &str| -> Time { text.parse().unwrap() };
    let dated = |n, text: &str| Claim { occurred_at: at(text), ..adjusted(&say, n, &BALANCED) };
    // The last microsecond of 30 April in Kampala, and the first of May.
    assert_eq!(refused(&tell(&writer, dated(1, "2026-04-30T20:59:59.999999Z")).await), "period_closed");
    recorded(&tell(&writer, dated(1, "2026-04-30T21:00:00Z")).await);
    recorded(&tell(&writer, dated(2, "2026-03-31T20:59:59Z")).await);
    // What a provider tells of the same day rolls on.
    let told = Claim { occurred_at: at("2026-04-15T09:00:00Z"), ..say.succeeded(1) };
    recorded(&tell(&writer, told).await);
    let dates: Vec<String> = house.events(BOOK).await.into_iter().map(|(event, _)| event.record.book_date).collect();
    assert_eq!(dates[3..], ["2026-05-01", "2026-03-31", "2026-05-01"]);
    house.assert_sound(BOOK).await;
}

async fn a_second_person_approves_where_the_book_wants_one(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("adjustments.second_approval", "on")])).await;
    let by = |approver: Option<&str>| {
        posted(&say, 1, AdjustmentPosted { approver_id: approver.map(str::to_owned), ..body(&say, &BALANCED) })
    };
    assert_eq!(refused(&tell(&writer, by(None)).await), "approval_needed");
    assert_eq!(refused(&tell(&writer, by(Some("person-1"))).await), "approval_needed");
    recorded(&tell(&writer, by(Some("person-2"))).await);
    house.assert_sound(BOOK).await;
}

async fn an_entry_is_reversed_once(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let entry = adjusted(&say, 1, &BALANCED);
    let of = entry.fact.event_id(BOOK);
    let back: [Short<'_>; 2] = [("assets:tax:vat", "-18", None), ("expenses:tax-recovered:main", "18", None)];
    // In one batch: what is being recorded can be reversed, and once.
    let second = reversal(&say, 3, of, &[("assets:tax:vat", "-1", None), ("income:sales", "1", None)]);
    let batch = vec![entry, reversal(&say, 2, of, &back), second.clone()];
    let answers: Vec<_> = writer.submit(batch).await.into_iter().map(Result::unwrap).collect();
    recorded(&answers[0]);
    recorded(&answers[1]);
    assert_eq!(refused(&answers[2]), "already_reversed");
    // In a later one, the database's own key says so.
    assert_eq!(refused(&tell(&writer, second).await), "already_reversed");
    let size = house.events(BOOK).await.len();
    recorded(&tell(&writer, reversal(&say, 2, of, &back)).await);
    assert_eq!(house.events(BOOK).await.len(), size, "told again, it is the same event");
    // Another form would have keys of its own, and is none.
    let form = |change: fn(&mut Fact)| {
        let mut fact = reversal(&say, 4, of, &back).fact;
        change(&mut fact);
        say.command(fact)
    };
    for (at, other) in [
        form(|fact| fact.occurrence = "2".to_owned()),
        form(|fact| fact.connection = Some(crate::common::say::CONNECTION)),
        form(|fact| fact.object_kind = Some("undo".to_owned())),
        form(|fact| fact.object_id = Some("x".to_owned())),
        form(|fact| (fact.object_kind, fact.object_id) = (None, None)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(refused(&tell(&writer, other).await), "malformed", "form {at}");
    }
    // The reversal is an entry like any other.
    let again = reversal(&say, 2, of, &back).fact.event_id(BOOK);
    recorded(&tell(&writer, reversal(&say, 5, again, &BALANCED)).await);
    house.assert_sound(BOOK).await;
}

async fn open_items_are_known_and_go_no_further_than_zero(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let clearing = "liabilities:clearing:collections:main";
    let to = |n, figure: &str, item| {
        let opposite = format!("-{figure}");
        adjusted(&say, n, &[(clearing, figure, Some(item)), ("income:sales", &opposite, None)])
    };
    assert_eq!(refused(&tell(&writer, to(1, "1", 77)).await), "unknown_subject");
    assert_eq!(refused(&tell(&writer, to(2, "1000.0001", 1)).await), "limit_exceeded");
    recorded(&tell(&writer, to(3, "400", 1)).await);
    // What is left can be allocated, and no more.
    let allocate = |all: &str| say.allocated(SubjectKind::Payment, 1, Side::Credit, all, "income:sales");
    assert_eq!(refused(&tell(&writer, allocate("601")).await), "limit_exceeded");
    recorded(&tell(&writer, allocate("600")).await);
    house.assert_sound(BOOK).await;
}
