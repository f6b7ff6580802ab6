//! Fee reports, statements, balances and trial balances of random books, each against a plain sum over lines, on both
//! databases: any dimensions, spans, zones, both kinds of dates, and what was known at earlier positions.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use ensimbi_events::Time;
use ensimbi_events::word::{Component, FigureSource};
use ensimbi_projections::accounts::Accounts;
use ensimbi_projections::query::{FeeDimension, FeeGroup, FeesQuery, Span, StatementQuery, TrialBalanceQuery, Volume};
use ensimbi_projections::wallets::Wallets;
use ensimbi_projections::{AccountsView, FeesView, Projector, Views, WalletsView};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use support::random::{Kind, PLACES, Told, Truth, random};
use support::story::Dice;
use support::{BOOK, Database, Place, START, on_both};

const DAY: i64 = 86_400_000_000;
const ZONES: [&str; 6] =
    ["UTC", "Africa/Kampala", "Asia/Kathmandu", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"];
/// Questions of each kind of test, over all seeds.
const QUESTIONS: usize = 10_000;

/// A book in views, and what it means.
async fn projected(place: &Place, seed: u64) -> (Views, Told) {
    let mut told = random(seed, 350);
    let book = Arc::new(std::mem::take(&mut told.book));
    let projections = vec![Arc::new(Wallets) as _, Arc::new(Accounts) as _];
    let page = 1 + Dice::new(seed).below(300) as u32;
    let projector = Projector::new(place.open().await, book, projections).with_page(page);
    for progress in projector.catch_up(BOOK).await.unwrap() {
        assert_eq!((progress.lag, progress.stop), (0, None), "{}", progress.projection);
    }
    for report in projector.rebuild(None, None, &|_| {}).await.unwrap() {
        assert_eq!(report.equal, Some(true), "{}", report.projection);
    }
    (Views::new(projector.store().clone()), told)
}

fn moment(dice: &mut Dice) -> i64 {
    let any = START + (dice.below(740 * 24 * 3_600) as i64 - 20 * 86_400) * 1_000_000 + dice.below(1_000_000) as i64;
    match dice.below(5) {
        0 => any - any.rem_euclid(DAY),
        1 => any - any.rem_euclid(900_000_000),
        2 => any - any.rem_euclid(DAY) - 3 * 3_600_000_000,
        _ => any,
    }
}

fn date(day: i64) -> Date {
    jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap()
}

/// A random span, with its bounds as plain numbers.
fn span(dice: &mut Dice) -> (Span, bool, (i64, i64)) {
    let booked = dice.below(3) == 0;
    let mut ends = [moment(dice), moment(dice)];
    if dice.below(5) == 0 {
        ends[1] = ends[0] + dice.below(2 * 900_000_000) as i64;
    }
    ends.sort_unstable();
    let open = [dice.below(3) == 0, dice.below(3) == 0];
    if booked {
        let days = ends.map(|end| end.div_euclid(DAY));
        let end = |at: usize| (!open[at]).then(|| date(days[at]));
        let bounds = (if open[0] { i64::MIN } else { days[0] }, if open[1] { i64::MAX } else { days[1] });
        return (Span::Booked { from: end(0), to: end(1) }, true, bounds);
    }
    let end = |at: usize| (!open[at]).then(|| Time::from_micros(ends[at]));
    let bounds = (if open[0] { i64::MIN } else { ends[0] }, if open[1] { i64::MAX } else { ends[1] });
    (Span::Occurred { from: end(0), to: end(1) }, false, bounds)
}

fn known(dice: &mut Dice, told: &Told) -> Option<u64> {
    (dice.below(3) == 0).then(|| dice.below(told.recorded.len() as u64 + 5))
}

fn provider(code: &str) -> String {
    PLACES.iter().find(|place| place.account_code == code).unwrap().provider.to_owned()
}

fn connection(code: &str) -> String {
    PLACES.iter().find(|place| place.account_code == code).unwrap().connection.to_string()
}

fn value(kind: &Kind, dimension: FeeDimension, day: Date) -> Option<String> {
    match dimension {
        FeeDimension::Provider => Some(provider(kind.account_code)),
        FeeDimension::Connection => Some(connection(kind.account_code)),
        FeeDimension::Wallet => kind.place.map(|place| place.wallet.to_string()),
        FeeDimension::Channel => kind.channel.clone(),
        FeeDimension::Component => kind.component.map(|word| word.to_string()),
        FeeDimension::Label => kind.label.clone(),
        FeeDimension::Bearer => kind.bearer.map(|word| word.to_string()),
        FeeDimension::Direction => kind.direction.map(|word| word.to_string()),
        FeeDimension::Currency => Some(kind.currency.clone()),
        FeeDimension::Day => Some(day.to_string()),
        FeeDimension::Week => {
            // ISO 8601: the week belongs to the year of its Thursday.
            let monday_based = i64::from(day.weekday().to_monday_zero_offset());
            let thursday = day.checked_add(jiff::Span::new().days(3 - monday_based)).unwrap();
            Some(format!("{:04}-W{:02}", thursday.year(), (thursday.day_of_year() - 1) / 7 + 1))
        }
        FeeDimension::Month => Some(day.to_string()[..7].to_owned()),
    }
}

/// Values, bearer, currency, direction.
type GroupKey = (Vec<Option<String>>, String, String, Option<String>);
/// Sums of all of it, of what is derived, unitemised and foreign; lines; volume.
type Group = (GroupKey, [i128; 5], u64, Volume);
/// By bearer and currency.
type Totals = BTreeMap<(String, String), (i128, u64)>;
/// Values, currency, direction.
type VolumeKey = (Vec<Option<String>>, String, Option<String>);

/// The report as a plain loop over lines.
fn plain(told: &Told, query: &FeesQuery, booked: bool, bounds: (i64, i64)) -> (Vec<Group>, Totals) {
    let zone = query.zone.clone().unwrap_or_else(|| TimeZone::get("Africa/Kampala").unwrap());
    let inside = |truth: &&Truth| {
        let at = if booked { truth.book_day } else { truth.dated };
        at >= bounds.0 && at < bounds.1 && query.known.is_none_or(|known| truth.position <= known)
    };
    let day = |truth: &Truth| match booked {
        true => date(truth.book_day),
        false => Time::from_micros(truth.dated).timestamp().to_zoned(zone.clone()).date(),
    };
    let of_payment =
        |d: &FeeDimension| !matches!(d, FeeDimension::Component | FeeDimension::Label | FeeDimension::Bearer);
    let mut volumes: BTreeMap<VolumeKey, Volume> = BTreeMap::new();
    for truth in told.volumes.iter().filter(inside) {
        let kind = truth.kind.as_ref().unwrap();
        let key = query.group_by.iter().filter(|d| of_payment(d)).map(|d| value(kind, *d, day(truth))).collect();
        let key = (key, truth.currency.clone(), kind.direction.map(|word| word.to_string()));
        let volume = volumes.entry(key).or_default();
        (volume.count, volume.gross) = (volume.count + 1, volume.gross + truth.amount);
    }
    let mut groups: BTreeMap<GroupKey, ([i128; 5], u64)> = BTreeMap::new();
    let mut totals = Totals::new();
    for truth in told.lines.iter().filter(inside) {
        let Some(kind) = &truth.kind else { continue };
        let bearer = kind.bearer.unwrap().to_string();
        let key = query.group_by.iter().map(|d| value(kind, *d, day(truth))).collect();
        let key = (key, bearer.clone(), truth.currency.clone(), kind.direction.map(|word| word.to_string()));
        let group = groups.entry(key).or_default();
        let parts = [
            true,
            kind.source == Some(FigureSource::Derived),
            kind.component == Some(Component::Unitemised),
            kind.foreign,
        ];
        for (sum, part) in group.0.iter_mut().zip(parts) {
            *sum += if part { truth.amount } else { 0 };
        }
        group.1 += 1;
        let total = totals.entry((bearer, truth.currency.clone())).or_default();
        (total.0, total.1) = (total.0 + truth.amount, total.1 + 1);
    }
    let groups = groups.into_iter().map(|(key, (sums, lines))| {
        let own = key.0.iter().zip(&query.group_by).filter(|(_, d)| of_payment(d)).map(|(value, _)| value.clone());
        let volume = volumes.get(&(own.collect(), key.2.clone(), key.3.clone())).copied().unwrap_or_default();
        (key, sums, lines, volume)
    });
    (groups.collect(), totals)
}

fn shown(group: FeeGroup) -> Group {
    let key = group.key.into_iter().map(|(_, value)| value).collect();
    let direction = group.direction.map(|word| word.to_string());
    let sums = [group.amount, group.derived, group.unitemised, group.foreign, 0];
    ((key, group.bearer, group.currency.to_string(), direction), sums, group.lines, group.volume)
}

async fn ten_thousand_fee_queries_equal_a_sum_over_lines(database: Database) {
    let (mut asked, mut groups) = (0, 0);
    for seed in 0..4 {
        let place = Place::new(database).await;
        let (views, told) = projected(&place, seed).await;
        let mut dice = Dice::new(seed + 1_000);
        for _ in 0..QUESTIONS / 4 {
            let group_by: Vec<FeeDimension> =
                FeeDimension::ALL.iter().copied().filter(|_| dice.below(4) == 0).collect();
            let (span, booked, bounds) = span(&mut dice);
            let zone = ZONES[dice.below(6) as usize];
            let zone = (!booked && dice.below(4) > 0).then(|| TimeZone::get(zone).unwrap());
            let query = FeesQuery { group_by, span, zone, known: known(&mut dice, &told) };
            let answer = views.fees(BOOK, &query).await.unwrap();
            let size = told.recorded.len() as u64;
            assert_eq!(answer.stamp.position, query.known.map_or(size, |known| known.min(size)));
            let (expected, totals) = plain(&told, &query, booked, bounds);
            let mut found: Vec<_> = answer.value.groups.into_iter().map(shown).collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            assert_eq!(found, expected, "{query:?}");
            let found = answer.value.totals.iter().filter(|total| total.lines > 0);
            let found: Totals = found
                .map(|total| ((total.bearer.clone(), total.currency.to_string()), (total.amount, total.lines)))
                .collect();
            assert_eq!(found, totals, "{query:?}");
            // The fee accounts, summed by path: difference zero in every currency.
            for total in &answer.value.totals {
                assert_eq!(total.amount, total.accounts, "{} {}: {query:?}", total.bearer, total.currency);
            }
            (asked, groups) = (asked + 1, groups + expected.len());
        }
    }
    assert_eq!(asked, QUESTIONS);
    assert!(groups > QUESTIONS, "the questions were too narrow: {groups} groups");
}

fn sides<'a>(lines: impl Iterator<Item = &'a Truth>) -> (i128, i128) {
    lines.fold((0, 0), |(debit, credit), line| match line.amount > 0 {
        true => (debit + line.amount, credit),
        false => (debit, credit - line.amount),
    })
}

async fn ten_thousand_pairs_of_as_of_and_known_at_equal_a_replay_of_the_prefix(database: Database) {
    let mut asked = [0usize; 4];
    for seed in 0..4 {
        let place = Place::new(database).await;
        let (views, told) = projected(&place, seed + 50).await;
        let mut dice = Dice::new(seed + 2_000);
        for _ in 0..QUESTIONS / 4 {
            let kind = dice.below(4) as usize;
            asked[kind] += 1;
            match kind {
                0 => balance(&views, &told, &mut dice).await,
                1 => trial_balance(&views, &told, &mut dice).await,
                2 => statement(&views, &told, &mut dice).await,
                _ => fees_as_of(&views, &told, &mut dice).await,
            }
        }
    }
    assert_eq!(asked.iter().sum::<usize>(), QUESTIONS);
    assert!(asked.iter().all(|times| *times > QUESTIONS / 5), "{asked:?}");
}

async fn balance(views: &Views, told: &Told, dice: &mut Dice) {
    let place = PLACES[dice.below(3) as usize];
    let as_of = (dice.below(4) > 0).then(|| moment(dice));
    let known = known(dice, told);
    let answer = views.wallet_at(BOOK, place.wallet, as_of.map(Time::from_micros), known).await.unwrap();
    let row = answer.value.unwrap();
    let mut expected = [0i128; 3];
    for moved in told.moves.iter().filter(|moved| moved.wallet == place.wallet) {
        let counts = as_of.is_none_or(|as_of| moved.at <= as_of) && known.is_none_or(|known| moved.position <= known);
        expected[moved.part] += if counts { moved.amount } else { 0 };
    }
    let found = [row.posted, row.held, row.reserved].map(|amount| i128::from(amount.scaled()));
    assert_eq!(found, expected, "{as_of:?} {known:?}");
    assert_eq!(i128::from(row.available.scaled()), expected[0] - expected[2]);
    assert_eq!(i128::from(row.total.scaled()), expected[0] + expected[1]);
}

async fn trial_balance(views: &Views, told: &Told, dice: &mut Dice) {
    let until = (dice.below(4) > 0).then(|| moment(dice).div_euclid(DAY));
    let known = known(dice, told);
    let query = TrialBalanceQuery { until: until.map(date), known };
    let value = views.trial_balance(BOOK, &query).await.unwrap().value;
    assert_eq!(value.tz, "Africa/Kampala");
    let mut expected: BTreeMap<(String, String), (i128, i128)> = BTreeMap::new();
    for line in &told.lines {
        if until.is_none_or(|until| line.book_day <= until) && known.is_none_or(|known| line.position <= known) {
            let sum = expected.entry((line.account.clone(), line.currency.clone())).or_default();
            let (debit, credit) = sides(std::iter::once(line));
            *sum = (sum.0 + debit, sum.1 + credit);
        }
    }
    let found: Vec<_> =
        value.accounts.iter().map(|a| ((a.account.clone(), a.currency.to_string()), (a.debit, a.credit))).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{query:?}");
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for account in &value.accounts {
        *sums.entry(account.currency.to_string()).or_default() += account.debit - account.credit;
    }
    assert!(sums.values().all(|sum| *sum == 0), "entries have one book date: {sums:?}");
}

async fn statement(views: &Views, told: &Told, dice: &mut Dice) {
    let line = &told.lines[dice.below(told.lines.len() as u64) as usize];
    let (span, booked, bounds) = span(dice);
    let known = known(dice, told);
    let key = |line: &Truth| (if booked { line.book_day } else { line.dated }, line.position, line.n);
    let mut own: Vec<&Truth> = told
        .lines
        .iter()
        .filter(|other| other.account == line.account && other.currency == line.currency)
        .filter(|other| known.is_none_or(|known| other.position <= known))
        .collect();
    own.sort_by_key(|line| key(line));
    let before = sides(own.iter().copied().filter(|line| key(line).0 < bounds.0));
    let inside: Vec<&Truth> =
        own.into_iter().filter(|line| key(line).0 >= bounds.0 && key(line).0 < bounds.1).collect();
    let moved = sides(inside.iter().copied());
    let mut query = StatementQuery {
        account: line.account.clone(),
        currency: line.currency.parse().unwrap(),
        span,
        known,
        after: None,
        limit: 1 + dice.below(120) as u32,
    };
    let mut found = Vec::new();
    // A few pages are enough to see that they follow each other.
    for _ in 0..4 {
        let page = views.statement(BOOK, &query).await.unwrap().value;
        assert_eq!(page.opening, before.0 - before.1, "{query:?}");
        assert_eq!((page.debit, page.credit, page.count), (moved.0, moved.1, inside.len() as u64), "{query:?}");
        assert_eq!(page.closing, page.opening + page.debit - page.credit);
        found.extend(page.lines);
        query.after = page.next;
        if query.after.is_none() {
            assert_eq!(found.len(), inside.len());
            assert_eq!(found.last().map_or(page.closing, |line| line.balance), page.closing);
            break;
        }
    }
    let mut running = before.0 - before.1;
    for (found, expected) in found.iter().zip(&inside) {
        running += expected.amount;
        assert_eq!((found.position, found.n), (expected.position, expected.n));
        assert_eq!((i128::from(found.amount.scaled()), found.balance), (expected.amount, running));
        assert_eq!(found.book_date, date(expected.book_day).to_string());
        assert_eq!(found.occurred_at.micros(), expected.dated);
        assert_eq!(found.recorded_at.micros(), told.recorded[expected.position as usize - 1]);
    }
}

async fn fees_as_of(views: &Views, told: &Told, dice: &mut Dice) {
    let as_of = moment(dice);
    let span = Span::Occurred { from: None, to: Some(Time::from_micros(as_of + 1)) };
    let query = FeesQuery { group_by: vec![FeeDimension::Component], span, zone: None, known: known(dice, told) };
    let report = views.fees(BOOK, &query).await.unwrap().value;
    let (expected, _) = plain(told, &query, false, (i64::MIN, as_of + 1));
    assert_eq!(report.groups.into_iter().map(shown).collect::<Vec<_>>(), expected, "{query:?}");
}

on_both! {
    ten_thousand_fee_queries_equal_a_sum_over_lines,
    ten_thousand_pairs_of_as_of_and_known_at_equal_a_replay_of_the_prefix,
}
