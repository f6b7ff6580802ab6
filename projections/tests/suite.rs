//! One suite that every projection passes, on both databases.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::words::payout::{PayoutFailed, PayoutReversed, PayoutSucceeded};
use ensimbi_events::{Event, Hash, SubjectKind};
use ensimbi_projections::payments::{PaymentKind, PaymentState};
use ensimbi_projections::projection::Table;
use ensimbi_projections::query::{FeeDimension, FeesQuery, PaymentsQuery};
use ensimbi_projections::store::Tx;
use ensimbi_projections::{
    At, Configured, FeesView, HandlerError, PaymentsView, Projection, Projector, State, StopKind, StoreError, Views,
    WalletsView, accounts, all,
};
use support::{
    BOOK, Database, MemoryBook, Place, Shared, WALLET, amount, fact, on_both, requested, scripted, subject, succeeded,
};

type Digests = Vec<(&'static str, Hash)>;

async fn projector(place: &Place, book: &Shared, page: u32) -> Projector {
    Projector::new(place.open().await, book.clone(), all()).with_page(page)
}

async fn digests(database: Database, book: &Shared, page: u32) -> Digests {
    let place = Place::new(database).await;
    let projector = projector(&place, book, page).await;
    for progress in projector.catch_up(BOOK).await.unwrap() {
        assert_eq!((progress.lag, progress.stop), (0, None), "{}", progress.projection);
    }
    projector.digests(BOOK).await.unwrap()
}

async fn one_event_a_page_equals_a_thousand(database: Database) {
    let book = Arc::new(scripted(40));
    let expected = digests(database, &book, 1_000).await;
    for page in [1, 2, 7] {
        assert_eq!(digests(database, &book, page).await, expected, "pages of {page}");
    }
}

async fn twice_equals_once(database: Database) {
    let book = Arc::new(scripted(20));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 7).await;
    projector.catch_up(BOOK).await.unwrap();
    let once = projector.digests(BOOK).await.unwrap();
    projector.catch_up(BOOK).await.unwrap();
    assert_eq!(projector.digests(BOOK).await.unwrap(), once);
}

async fn growing_equals_all_at_once(database: Database) {
    let whole = Arc::new(scripted(30));
    let expected = digests(database, &whole, 1_000).await;
    let place = Place::new(database).await;
    let growing = Arc::new(MemoryBook::default());
    let mut leaves = Vec::new();
    whole.change(|all| leaves.clone_from(all));
    // Opened anew for every portion, as after a kill between pages.
    for portion in leaves.chunks(13) {
        growing.change(|book| book.extend(portion.to_vec()));
        let projector = projector(&place, &growing, 5).await;
        projector.catch_up(BOOK).await.unwrap();
        projector.store().close().await;
    }
    assert_eq!(projector(&place, &growing, 5).await.digests(BOOK).await.unwrap(), expected);
}

async fn rebuilt_equals_incremental(database: Database) {
    let book = Arc::new(scripted(30));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 7).await;
    projector.catch_up(BOOK).await.unwrap();
    let before = projector.digests(BOOK).await.unwrap();
    for round in 2..4 {
        let reports = projector.rebuild(None, None, &|_| {}).await.unwrap();
        assert_eq!(reports.len(), all().len());
        for report in &reports {
            assert_eq!((report.equal, report.generation), (Some(true), round), "{report:?}");
            assert_eq!(report.position, book.size());
        }
    }
    assert_eq!(projector.digests(BOOK).await.unwrap(), before);
    book.push(fact(subject(800), SubjectKind::Payment, requested("5")), 1, None, &[]);
    let progress = projector.catch_up(BOOK).await.unwrap();
    assert!(progress.iter().all(|progress| progress.lag == 0 && progress.stop.is_none()));
}

async fn a_hand_edited_row_is_found_by_a_rebuild_and_gone_after_it(database: Database) {
    let book = Arc::new(scripted(10));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 1_000).await;
    projector.catch_up(BOOK).await.unwrap();
    let before = projector.digests(BOOK).await.unwrap();
    place.tamper("UPDATE wallets SET posted = posted + 1").await;
    let report = projector.rebuild(Some("wallets"), Some(BOOK), &|_| {}).await.unwrap().remove(0);
    assert_eq!(report.equal, Some(false));
    assert_eq!(projector.digests(BOOK).await.unwrap(), before);
    assert!(projector.rebuild(Some("nothing"), None, &|_| {}).await.is_err());
}

async fn a_killed_rebuild_leaves_the_old_generation_serving(database: Database) {
    let book = Arc::new(scripted(30));
    let place = Place::new(database).await;
    let first = projector(&place, &book, 3).await;
    first.catch_up(BOOK).await.unwrap();
    let before = first.digests(BOOK).await.unwrap();
    for kill_at in [3, 30, 60] {
        // Dropped at a progress call, which is between two pages.
        let (send, receive) = tokio::sync::oneshot::channel();
        let send = std::sync::Mutex::new(Some(send));
        let killed = projector(&place, &book, 3).await;
        let progress = |progress: ensimbi_projections::runner::RebuildProgress| {
            if progress.position >= kill_at
                && let Some(send) = send.lock().unwrap().take()
            {
                send.send(()).unwrap();
            }
        };
        tokio::select! {
            biased;
            _ = receive => {}
            _ = killed.rebuild(Some("payments"), None, &progress) => panic!("it should have been killed"),
        }
        assert_eq!(first.digests(BOOK).await.unwrap(), before);
    }
    let report = first.rebuild(Some("payments"), None, &|_| {}).await.unwrap().remove(0);
    assert_eq!(report.equal, Some(true));
    assert_eq!(first.digests(BOOK).await.unwrap(), before);
}

async fn rebuilding_while_the_book_grows_and_a_runner_follows(database: Database) {
    let book = Arc::new(scripted(30));
    let place = Place::new(database).await;
    let running = Arc::new(projector(&place, &book, 10).await);
    running.catch_up(BOOK).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let runner = tokio::spawn(running.clone().run(async move {
        let _ = stopped.await;
    }));
    let writer = {
        let (book, running) = (book.clone(), running.clone());
        tokio::spawn(async move {
            for n in 0..150 {
                book.push(fact(subject(1_000 + n), SubjectKind::Payment, requested("9")), n as i64, None, &[]);
                running.wake();
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        })
    };
    let other = projector(&place, &book, 10).await;
    for _ in 0..3 {
        for report in other.rebuild(None, None, &|_| {}).await.unwrap() {
            assert_eq!(report.equal, Some(true), "{report:?}");
        }
    }
    writer.await.unwrap();
    stop.send(()).unwrap();
    runner.await.unwrap();
    running.catch_up(BOOK).await.unwrap();
    assert_eq!(running.digests(BOOK).await.unwrap(), digests(database, &book, 1_000).await);
}

/// The fees, but with an error or a panic at one position.
struct Poisoned {
    at: u64,
    panics: bool,
}

struct PoisonedState {
    inner: Box<dyn State>,
    at: u64,
    panics: bool,
}

#[async_trait]
impl Projection for Poisoned {
    fn name(&self) -> &'static str {
        accounts::NAME
    }
    fn tables(&self) -> &'static [Table] {
        accounts::Accounts.tables()
    }
    async fn load(
        &self,
        tx: &mut Tx,
        at: At,
        events: &[Event],
        configured: &Configured,
    ) -> Result<Box<dyn State>, StoreError> {
        let inner = accounts::Accounts.load(tx, at, events, configured).await?;
        Ok(Box::new(PoisonedState { inner, at: self.at, panics: self.panics }))
    }
}

#[async_trait]
impl State for PoisonedState {
    fn apply(&mut self, configured: &Configured, event: &Event) -> Result<(), HandlerError> {
        self.inner.apply(configured, event)?;
        if event.record.position == self.at {
            assert!(!self.panics, "a bug");
            return Err(HandlerError("a contradiction".into()));
        }
        Ok(())
    }
    async fn save(self: Box<Self>, tx: &mut Tx, at: At) -> Result<(), StoreError> {
        self.inner.save(tx, at).await
    }
}

async fn poison_stops_one_projection_and_names_the_position(database: Database) {
    let book = Arc::new(scripted(20));
    for (panics, page) in [(false, 1_000), (true, 1_000), (false, 1), (true, 4)] {
        let place = Place::new(database).await;
        let mut projections = all();
        projections[2] = Arc::new(Poisoned { at: 17, panics });
        let projector = Projector::new(place.open().await, book.clone(), projections).with_page(page);
        for _ in 0..2 {
            let progress = projector.catch_up(BOOK).await.unwrap();
            assert_eq!((progress[0].lag, progress[1].lag), (0, 0));
            let stop = progress[2].stop.clone().unwrap();
            assert_eq!((stop.kind, stop.position, progress[2].position), (StopKind::Poison, 17, 16));
            assert_eq!(stop.reason, if panics { "panic: a bug" } else { "a contradiction" });
        }
        let views = Views::new(projector.store().clone());
        let query = FeesQuery::all(vec![]);
        let stamp = views.fees(BOOK, &query).await.unwrap().stamp;
        assert_eq!((stamp.position, stamp.stopped_at), (16, Some(17)));
        projector.rebuild(Some("accounts"), None, &|_| {}).await.unwrap();
        // A program that can read it goes on from there.
        let repaired = Projector::new(place.open().await, book.clone(), all());
        let progress = repaired.catch_up(BOOK).await.unwrap();
        assert!(progress.iter().all(|progress| progress.lag == 0 && progress.stop.is_none()));
        assert_eq!(repaired.digests(BOOK).await.unwrap(), digests(database, &book, 1_000).await);
    }
}

async fn an_unreadable_leaf_stops_before_it(database: Database) {
    let book = Arc::new(scripted(5));
    let bad = book.push_unreadable();
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 1_000).await;
    for progress in projector.catch_up(BOOK).await.unwrap() {
        let stop = progress.stop.unwrap();
        assert_eq!((stop.kind, stop.position, progress.position, progress.lag), (StopKind::Poison, bad, bad - 1, 1));
    }
}

async fn a_gap_or_a_wrong_hash_stops(database: Database) {
    for (damage, kind) in [(true, StopKind::Damaged), (false, StopKind::OtherHash)] {
        let book = Arc::new(scripted(5));
        book.change(|leaves| {
            if damage {
                leaves.remove(8);
            } else {
                leaves[8].leaf_hash = Hash::default();
            }
        });
        let place = Place::new(database).await;
        for progress in projector(&place, &book, 4).await.catch_up(BOOK).await.unwrap() {
            let stop = progress.stop.unwrap();
            assert_eq!((stop.kind, stop.position, progress.position), (kind, 9, 8));
        }
    }
}

async fn a_cursor_ahead_of_the_ledger_or_on_another_history_stops(database: Database) {
    let book = Arc::new(scripted(10));
    let place = Place::new(database).await;
    projector(&place, &book, 1_000).await.catch_up(BOOK).await.unwrap();
    let mut whole = Vec::new();
    book.change(|leaves| {
        whole.clone_from(leaves);
        leaves.truncate(20);
    });
    for progress in projector(&place, &book, 1_000).await.catch_up(BOOK).await.unwrap() {
        assert_eq!(progress.stop.unwrap().kind, StopKind::Ahead);
    }
    // The lost tail comes back differently.
    while book.size() < whole.len() as u64 + 3 {
        book.push(fact(subject(600), SubjectKind::Payment, requested("1")), 5, None, &[]);
    }
    let again = projector(&place, &book, 1_000).await;
    for progress in again.catch_up(BOOK).await.unwrap() {
        assert_eq!(progress.stop.unwrap().kind, StopKind::OtherHash);
    }
    for report in again.rebuild(None, None, &|_| {}).await.unwrap() {
        assert_eq!(report.equal, None);
    }
    again.catch_up(BOOK).await.unwrap();
    assert_eq!(again.digests(BOOK).await.unwrap(), digests(database, &book, 1_000).await);
}

async fn a_cursor_that_was_set_back_does_harm_to_nothing_but_stops_or_repeats(database: Database) {
    let book = Arc::new(scripted(10));
    let place = Place::new(database).await;
    projector(&place, &book, 1_000).await.catch_up(BOOK).await.unwrap();
    place.tamper("UPDATE projection_cursors SET position = 10").await;
    for progress in projector(&place, &book, 1_000).await.catch_up(BOOK).await.unwrap() {
        assert_eq!(progress.stop.unwrap().kind, StopKind::OtherHash);
    }
}

async fn the_figures_are_those_of_the_script(database: Database) {
    let book = Arc::new(scripted(10));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 3).await;
    projector.catch_up(BOOK).await.unwrap();
    let views = Views::new(projector.store().clone());

    let wallet = views.wallet(BOOK, WALLET).await.unwrap();
    assert_eq!(wallet.stamp.position, book.size());
    let wallet = wallet.value.unwrap();
    // 100500 + 4 * 675.5 + 2 * (700 - 700) + 2 * 590 - 1 - 10600 + 10600; one payout is still open.
    assert_eq!(wallet.posted, amount("104381"));
    assert_eq!((wallet.held, wallet.reserved), (amount("0"), amount("11200")));
    assert_eq!(wallet.purse.as_deref(), Some("collections"));
    assert_eq!((wallet.available, wallet.total), (amount("93181"), amount("104381")));
    assert_eq!(views.wallets(BOOK, None, 10).await.unwrap().items, [wallet]);

    let states = views.states(BOOK).await.unwrap().value;
    let count = |kind, state| states.iter().find(|t| t.kind == kind && t.state == state).map(|t| (t.count, t.amount));
    assert_eq!(count(PaymentKind::Payment, PaymentState::Succeeded), Some((6, 4 * 7_000_000 + 2 * 6_000_000)));
    assert_eq!(count(PaymentKind::Payment, PaymentState::Failed), Some((2, 2 * 7_000_000)));
    assert_eq!(count(PaymentKind::Payment, PaymentState::Reversed), Some((2, 2 * 7_000_000)));
    assert_eq!(count(PaymentKind::Payout, PaymentState::Requested), Some((1, 100_000_000)));
    let row = views.payment(BOOK, subject(0)).await.unwrap().value.unwrap();
    assert_eq!((row.gross, row.net), (Some(amount("700")), Some(amount("675.5"))));
    assert_eq!(
        (row.fees_merchant, row.open, row.wallet_change),
        (amount("25.5"), amount("700"), Some(amount("674.5")))
    );
    assert_eq!((row.channel.as_deref(), row.provider.as_deref()), (Some("mtn"), Some("acme")));
    let row = views.payment(BOOK, subject(4)).await.unwrap().value.unwrap();
    assert_eq!((row.gross, row.net, row.not_posted), (Some(amount("600")), Some(amount("590")), None));

    let mut seen = Vec::new();
    let mut query = PaymentsQuery { kind: Some(PaymentKind::Payment), limit: 3, ..PaymentsQuery::default() };
    loop {
        let page = views.payments(BOOK, &query).await.unwrap();
        seen.extend(page.items.iter().map(|row| row.payment));
        query.before = page.items.last().map(|row| row.first_position);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (0..10).rev().map(subject).collect::<Vec<_>>());

    let by = |group_by: &[FeeDimension]| FeesQuery::all(group_by.to_vec());
    let report = views.fees(BOOK, &by(&[FeeDimension::Component, FeeDimension::Label])).await.unwrap().value;
    let figures: Vec<(String, String, i128)> = report
        .groups
        .iter()
        .map(|group| {
            let key: Vec<&str> = group.key.iter().map(|(_, value)| value.as_deref().unwrap_or("-")).collect();
            (key.join(" "), group.bearer.clone(), group.amount)
        })
        .collect();
    let expected = [
        ("network late", "merchant", 10_000),
        ("network vendorCharge", "merchant", 420_000),
        ("provider -", "merchant", 200_000),
        ("provider charge", "merchant", 0),
        ("provider charge", "payer", 400_000),
        ("provider transactionCharge", "merchant", 560_000),
    ];
    assert_eq!(figures, expected.map(|(key, bearer, sum)| (key.to_owned(), bearer.to_owned(), sum)));
    assert_eq!(report.totals.iter().map(|total| total.amount).collect::<Vec<_>>(), [1_190_000, 400_000]);
    // Late and resolved fees stand on the day of their payment, in the reader's own zone.
    let report = views.fees(BOOK, &by(&[FeeDimension::Day])).await.unwrap().value;
    assert!(report.groups.iter().all(|group| group.key[0].1.as_deref() == Some("2026-01-01")), "{report:?}");
    let nowhere =
        Views::new(projector.store().clone()).wallets(ensimbi_events::BookId(WALLET.0), None, 5).await.unwrap();
    assert_eq!((nowhere.stamp.position, nowhere.items.len()), (0, 0));
}

async fn a_contradiction_in_the_book_is_not_guessed_around(database: Database) {
    let book = Arc::new(scripted(1));
    let body = succeeded("5", "5", Vec::new());
    let lines = [("assets:wallet:main:nowhere", "5"), (support::C, "-5")];
    let bad = book.push(fact(subject(500), SubjectKind::Payment, body), 5, None, &lines);
    let place = Place::new(database).await;
    let progress = projector(&place, &book, 1_000).await.catch_up(BOOK).await.unwrap();
    assert_eq!(progress[0].stop.as_ref().map(|stop| (stop.kind, stop.position)), Some((StopKind::Poison, bad)));
    assert_eq!((progress[1].lag, progress[2].lag), (0, 0));
}

async fn a_withheld_end_keeps_its_reservation_until_it_is_accepted(database: Database) {
    let book = Arc::new(scripted(0));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 1_000).await;
    let views = Views::new(projector.store().clone());
    let reserved = async || {
        projector.catch_up(BOOK).await.unwrap();
        views.wallet(BOOK, WALLET).await.unwrap().value.unwrap().reserved
    };
    assert_eq!(reserved().await, amount("11200"));
    let payout = subject(7_003);
    let body = PayoutSucceeded {
        amount: amount("9000"),
        wallet_debit: amount("9000"),
        attempt: Some(1),
        beneficiary: None,
        fees: Vec::new(),
    };
    let about = fact(payout, SubjectKind::Payout, body);
    let (withheld, raised) = book.withhold(about.clone(), 2_000);
    assert_eq!(reserved().await, amount("11200"));
    // Another discrepancy about the same event is seen: that decides nothing about what is withheld.
    let other = book.raise(&about, 2_001, DiscrepancyKind::FactDiffers, withheld);
    book.push(fact(payout, SubjectKind::Payout, support::accepted(other)), 2_002, None, &[]);
    assert_eq!(reserved().await, amount("11200"));
    let row = views.payment(BOOK, payout).await.unwrap().value.unwrap();
    assert_eq!((row.state, row.discrepancy), (PaymentState::Withheld, Some(support::event_id(raised))));
    let lines = [(support::P, "9000"), (support::W, "-9000")];
    book.push(fact(payout, SubjectKind::Payout, support::accepted(raised)), 2_003, None, &lines);
    assert_eq!(reserved().await, amount("0"));
    let row = views.payment(BOOK, payout).await.unwrap().value.unwrap();
    assert_eq!((row.state, row.open), (PaymentState::Succeeded, amount("9000")));
    let report = projector.rebuild(None, None, &|_| {}).await.unwrap();
    assert!(report.iter().all(|report| report.equal == Some(true)));
}

async fn what_came_back_before_its_success_ends_by_the_failure_of_its_attempt(database: Database) {
    let book = Arc::new(scripted(0));
    let place = Place::new(database).await;
    let projector = projector(&place, &book, 1).await;
    let views = Views::new(projector.store().clone());
    let reserved = async || {
        projector.catch_up(BOOK).await.unwrap();
        views.wallet(BOOK, WALLET).await.unwrap().value.unwrap().reserved
    };
    assert_eq!(reserved().await, amount("11200"));
    let payout = subject(7_003);
    let row = views.payment(BOOK, payout).await.unwrap().value.unwrap();
    assert_eq!((row.attempt, row.reserve, row.amount), (Some(1), Some(amount("11200")), Some(amount("10000"))));
    let body = PayoutReversed {
        amount: amount("10000"),
        wallet_credit: amount("10600"),
        returned: Vec::new(),
        fees: Vec::new(),
    };
    // The reversal can be that of an earlier attempt's object: only the ledger knows, and says so by itself.
    let (_, raised) = book.withhold(fact(payout, SubjectKind::Payout, body), 2_000);
    assert_eq!(reserved().await, amount("11200"));
    let body = PayoutFailed { attempt: 1, amount: amount("10000"), is_final: true, reason: "came back".into() };
    book.push(fact(payout, SubjectKind::Payout, body), 2_000, None, &[]);
    assert_eq!(reserved().await, amount("0"));
    // Its success was only late: it posts, and the reversal with it.
    let body = PayoutSucceeded {
        amount: amount("10000"),
        wallet_debit: amount("10000"),
        attempt: Some(1),
        beneficiary: None,
        fees: Vec::new(),
    };
    let lines = [(support::P, "10000"), (support::W, "-10000")];
    book.push(fact(payout, SubjectKind::Payout, body), 2_001, None, &lines);
    let lines = [(support::P, "-10000"), (support::W, "10600"), (support::F_PROVIDER, "-600")];
    book.push(fact(payout, SubjectKind::Payout, support::accepted(raised)), 2_002, None, &lines);
    assert_eq!(reserved().await, amount("0"));
    let row = views.payment(BOOK, payout).await.unwrap().value.unwrap();
    assert_eq!((row.state, row.open, row.reversed), (PaymentState::Reversed, amount("0"), amount("10000")));
    let report = projector.rebuild(None, None, &|_| {}).await.unwrap();
    assert!(report.iter().all(|report| report.equal == Some(true)));
}

on_both! {
    one_event_a_page_equals_a_thousand,
    twice_equals_once,
    growing_equals_all_at_once,
    rebuilt_equals_incremental,
    a_hand_edited_row_is_found_by_a_rebuild_and_gone_after_it,
    a_killed_rebuild_leaves_the_old_generation_serving,
    rebuilding_while_the_book_grows_and_a_runner_follows,
    poison_stops_one_projection_and_names_the_position,
    an_unreadable_leaf_stops_before_it,
    a_gap_or_a_wrong_hash_stops,
    a_cursor_ahead_of_the_ledger_or_on_another_history_stops,
    a_cursor_that_was_set_back_does_harm_to_nothing_but_stops_or_repeats,
    the_figures_are_those_of_the_script,
    a_contradiction_in_the_book_is_not_guessed_around,
    a_withheld_end_keeps_its_reservation_until_it_is_accepted,
    what_came_back_before_its_success_ends_by_the_failure_of_its_attempt,
}
