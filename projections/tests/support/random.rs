//! A random book with fees: collections, payouts, reversals, refunds, itemised and foreign fees, withheld successes,
//! charges of no payment, adjustments; times out of order, over two years and three wallets. What each line means is
//! written down beside it by the generator, so that reports can be compared with a plain sum.

use ensimbi_events::event::Lines;
use ensimbi_events::leaf;
use ensimbi_events::ports::StoredLeaf;
use ensimbi_events::word::{Bearer, Component, Fee, FeesMode, FigureSource, Mode};
use ensimbi_events::words::book::{BookOpened, ConnectionConfigured, WalletConfig};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::words::payment::{CollectionReversed, FeesReported, RefundSucceeded};
use ensimbi_events::words::payout::{PayoutFailed, PayoutRequested, PayoutSucceeded};
use ensimbi_events::words::wallet::FeeCharged;
use ensimbi_events::{Amount, Body, ConnectionId, Fact, Line, NoLines, SubjectId, SubjectKind, Time, WalletId};
use ensimbi_projections::accounts::FlowDirection;

use super::story::Dice;
use super::truth::wallet_account;
pub use super::truth::{Kind, Moved, PLACES, Place, Told, Truth};
use super::{BOOK, MemoryBook, START, accepted, currency, event_id, subject, succeeded};

const DAY: i64 = 86_400_000_000;
/// Over how many days things happen.
const DAYS: u64 = 700;

#[derive(Clone)]
struct Payment {
    id: SubjectId,
    place: Place,
    at: i64,
    channel: Option<String>,
    gross: i64,
    fees: Vec<Fee>,
    reversed: bool,
}

struct Maker {
    told: Told,
    dice: Dice,
    clock: i64,
    next: u128,
    payments: Vec<Payment>,
}

struct When {
    at: i64,
    book_day: i64,
}

type Written = (String, String, i64, Option<Kind>, i64);

/// A book of so many steps.
pub fn random(seed: u64, steps: u64) -> Told {
    let mut maker =
        Maker { told: Told::default(), dice: Dice::new(seed), clock: START, next: 50_000, payments: Vec::new() };
    maker.open();
    for _ in 0..steps {
        maker.step();
    }
    maker.told
}

fn units(amount: i64) -> Amount {
    Amount::from_scaled(amount)
}

impl Maker {
    fn open(&mut self) {
        let opened = BookOpened {
            tenant: "demo".into(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".into(),
            policies: Vec::new(),
            currencies: vec![currency("UGX")],
        };
        self.push(self.fact(SubjectKind::Book, None, opened), &[], None);
        for connection in [PLACES[0].connection, PLACES[2].connection] {
            let own: Vec<&Place> = PLACES.iter().filter(|place| place.connection == connection).collect();
            let wallet = |place: &&Place| WalletConfig {
                wallet_id: place.wallet,
                provider_id: place.code.into(),
                code: place.code.into(),
                currency: currency(place.currency),
                purse: None,
            };
            let body = ConnectionConfigured {
                provider: own[0].provider.into(),
                account: own[0].account_code.into(),
                account_code: own[0].account_code.into(),
                slug: own[0].account_code.into(),
                authenticity: "hint".into(),
                simulated: true,
                poll: None,
                wallets: own.iter().map(wallet).collect(),
                webhook_keys: Vec::new(),
            };
            let mut fact = self.fact(SubjectKind::Connection, Some(*own[0]), body);
            fact.wallet = None;
            self.push(fact, &[], None);
        }
    }

    fn fact(&self, kind: SubjectKind, place: Option<Place>, body: impl Into<Body>) -> Fact {
        let body = body.into();
        Fact {
            subject: subject(self.next),
            subject_kind: kind,
            connection: place.map(|place| place.connection),
            wallet: place.map(|place| place.wallet),
            object_kind: None,
            object_id: None,
            occurrence: String::new(),
            currency: place.map(|place| currency(place.currency)),
            version: body.version(),
            body,
        }
    }

    /// A moment somewhere in two years; often on the border of a quarter, a day or a month.
    fn when(&mut self) -> When {
        let any = (self.dice.below(DAYS * 24 * 3_600) as i64) * 1_000_000 + self.dice.below(1_000_000) as i64;
        let at = START
            + match self.dice.below(6) {
                0 => any - any % DAY,
                1 => any - any % 900_000_000,
                2 => any - any % DAY - 3 * 3_600_000_000 + self.dice.below(2) as i64 - 1,
                _ => any,
            };
        When { at, book_day: at.div_euclid(DAY) + self.dice.below(3) as i64 }
    }

    fn push(&mut self, fact: Fact, lines: &[Written], when: Option<When>) -> u64 {
        self.push_as(fact, lines, when, None, None)
    }

    fn push_as(
        &mut self,
        fact: Fact,
        lines: &[Written],
        when: Option<When>,
        no_lines: Option<NoLines>,
        payment: Option<SubjectId>,
    ) -> u64 {
        let position = self.told.book.size() + 1;
        self.clock += self.dice.below(3) as i64 * 1_000_000;
        let when = when.unwrap_or(When { at: START, book_day: START / DAY });
        let payment_id = payment.or((fact.subject_kind == SubjectKind::Payment).then_some(fact.subject));
        let mut recorded = Vec::new();
        for ((account, code, value, kind, dated), n) in lines.iter().zip(1u32..) {
            recorded.push(Line {
                n,
                account: account.clone(),
                currency: currency(code),
                amount: units(*value),
                open_item: super::has_open_items(account).then_some(payment.unwrap_or(fact.subject)),
                payment_id,
                component: None,
                bearer: None,
            });
            self.told.lines.push(Truth {
                position,
                n,
                account: account.clone(),
                currency: code.clone(),
                amount: i128::from(*value),
                dated: *dated,
                book_day: when.book_day,
                kind: kind.clone(),
            });
            if let Some(place) = PLACES.iter().find(|place| wallet_account(place) == *account) {
                let (wallet, amount) = (place.wallet, i128::from(*value));
                self.told.moves.push(Moved { position, wallet, part: 0, amount, at: when.at });
            }
        }
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(when.book_day)).unwrap();
        let mut event = super::event(fact, position, Time::from_micros(when.at), recorded);
        event.record.recorded_at = Time::from_micros(self.clock);
        event.record.book_date = date.to_string();
        event.record.no_lines = no_lines.or(event.record.no_lines);
        let leaf = leaf::encode(&event);
        self.told.book.change(|leaves| {
            leaves.push(StoredLeaf { position, leaf_hash: leaf::leaf_hash(&leaf), leaf });
        });
        self.told.recorded.push(self.clock);
        position
    }

    fn step(&mut self) {
        self.next += 1;
        match self.dice.below(12) {
            0..=4 => self.collect(),
            5 => self.reverse(),
            6 => self.itemise(),
            7 => self.refund(),
            8 | 9 => self.pay_out(),
            10 => self.charge(),
            _ => self.adjust(),
        }
    }

    fn place(&mut self) -> Place {
        PLACES[self.dice.below(3) as usize]
    }

    /// Up to three fees, no two of one component alike in size.
    fn fees(&mut self, place: Place, bearers: &[Bearer]) -> Vec<Fee> {
        let mut fees = Vec::new();
        for n in 0..self.dice.below(4) as i64 {
            let component = [Component::Provider, Component::Network, Component::Tax][self.dice.below(3) as usize];
            let code = if self.dice.below(6) == 0 { "LRD" } else { place.currency };
            let label = ["charge", "levy", "vendorCharge"][self.dice.below(3) as usize];
            let source = if self.dice.below(4) == 0 { FigureSource::Derived } else { FigureSource::Observed };
            let amount = units(1_000 * (n + 1) + self.dice.below(900) as i64 + 1);
            let bearer = bearers[self.dice.below(bearers.len() as u64) as usize];
            fees.push(Fee {
                component,
                bearer,
                amount,
                currency: currency(code),
                source,
                label: label.into(),
                tax: None,
            });
        }
        fees
    }

    fn channel(&mut self) -> Option<String> {
        [None, Some("mtn"), Some("airtel")][self.dice.below(3) as usize].map(str::to_owned)
    }

    fn collect(&mut self) {
        let place = self.place();
        let when = self.when();
        let fees = if self.dice.below(4) == 0 {
            let (component, bearer, label) = (Component::Unitemised, Bearer::Merchant, "fee_amount".to_owned());
            let (source, currency) = (FigureSource::Derived, currency(place.currency));
            vec![Fee { component, bearer, amount: units(5_000), currency, source, label, tax: None }]
        } else {
            self.fees(place, &[Bearer::Merchant, Bearer::Payer])
        };
        let gross = 100_000 + self.dice.below(50_000_000) as i64;
        let body = succeeded("1", "1", fees.clone());
        let channel = self.channel();
        let payment = Payment { id: subject(self.next), place, at: when.at, channel, gross, fees, reversed: false };
        let body = ensimbi_events::words::payment::CollectionSucceeded {
            gross: units(gross),
            channel: payment.channel.clone(),
            ..body
        };
        let fact = self.fact(SubjectKind::Payment, Some(place), body);
        let mut lines = self.fee_lines(&payment.fees, Some(&payment), FlowDirection::In, 1);
        self.balance(&mut lines, place, -gross, &clearing(place), when.at);
        let volume = Kind { component: None, ..kind(None, Some(&payment), place, FlowDirection::In) };
        if self.dice.below(8) == 0 {
            let withheld = self.push_as(fact.clone(), &[], Some(When { ..when }), Some(NoLines::Withheld), None);
            let raised = self.told.book.size() + 1;
            let raise = ensimbi_events::words::control::DiscrepancyRaised {
                kind: ensimbi_events::codes::DiscrepancyKind::AmountDiffers,
                about: Some(event_id(withheld)),
                stake: None,
                stake_currency: None,
                other_fact: None,
                detail: None,
            };
            let raise: Body = raise.into();
            self.push(Fact { version: raise.version(), body: raise, ..fact.clone() }, &[], Some(When { ..when }));
            if self.dice.below(3) == 0 {
                return;
            }
            let later = self.when();
            // Everything but the fees happens with the verdict.
            for line in lines.iter_mut().filter(|line| line.3.is_none()) {
                line.4 = later.at;
            }
            let body: Body = accepted(raised).into();
            let (day, fact) = (later.book_day, Fact { version: body.version(), body, ..fact });
            let position = self.push(fact, &lines, Some(later));
            self.volume(position, gross, payment.at, day, volume);
        } else {
            let day = when.book_day;
            let position = self.push(fact, &lines, Some(when));
            self.volume(position, gross, payment.at, day, volume);
        }
        self.payments.push(payment);
    }

    fn volume(&mut self, position: u64, amount: i64, dated: i64, book_day: i64, kind: Kind) {
        self.told.volumes.push(Truth {
            position,
            n: 0,
            account: String::new(),
            currency: kind.currency.clone(),
            amount: i128::from(amount),
            dated,
            book_day,
            kind: Some(kind),
        });
    }

    /// F or M lines of a list, `sign` 1 or -1, with the memo's other side.
    fn fee_lines(&self, fees: &[Fee], payment: Option<&Payment>, direction: FlowDirection, sign: i64) -> Vec<Written> {
        let payment = payment.unwrap();
        let mut lines: Vec<Written> = Vec::new();
        for fee in fees {
            let (code, component) = (payment.place.account_code, fee.component);
            let account = match fee.bearer {
                Bearer::Merchant => format!("expenses:fees:{code}:{component}"),
                bearer => format!("equity:memo:fees:{bearer}:{code}:{component}"),
            };
            let value = fee.amount.scaled() * sign;
            // A label counts where all of one component, bearer and currency have it, or one of this size.
            let alike = fees.iter().filter(|other| {
                (other.component, other.bearer, other.currency) == (fee.component, fee.bearer, fee.currency)
            });
            let all: Vec<&Fee> = alike.collect();
            let same = |one: &&Fee| one.amount == fee.amount;
            let sized: Vec<&Fee> = all.iter().copied().filter(same).collect();
            let label = common(all.iter().map(|f| &f.label)).or(common(sized.iter().map(|f| &f.label)));
            let source = common(all.iter().map(|f| &f.source)).or(common(sized.iter().map(|f| &f.source)));
            let own = kind(Some(fee), Some(payment), payment.place, direction);
            let kind = Kind { label: label.cloned(), source: source.copied(), ..own };
            lines.push((account, fee.currency.to_string(), value, Some(kind), payment.at));
            if fee.bearer != Bearer::Merchant {
                let contra = "equity:memo:contra".to_owned();
                lines.push((contra, fee.currency.to_string(), -value, None, payment.at));
            }
        }
        lines
    }

    /// The main line on `account`, and what is left goes over the wallet; other currencies over the conversion account.
    fn balance(&self, lines: &mut Vec<Written>, place: Place, amount: i64, account: &str, at: i64) {
        for line in lines.iter_mut().filter(|line| line.3.is_none()) {
            line.4 = at;
        }
        lines.push((account.to_owned(), place.currency.to_owned(), amount, None, at));
        let mut sums: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
        for line in lines.iter() {
            *sums.entry(line.1.clone()).or_default() += line.2;
        }
        for (code, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
            let other = if code == place.currency { wallet_account(&place) } else { "equity:conversion".to_owned() };
            lines.push((other, code, -sum, None, at));
        }
    }

    fn pick(&mut self, fits: impl Fn(&Payment) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.payments.len()).filter(|at| fits(&self.payments[*at])).collect();
        (!fitting.is_empty()).then(|| fitting[self.dice.below(fitting.len() as u64) as usize])
    }

    fn reverse(&mut self) {
        let Some(at) = self.pick(|payment| !payment.reversed) else { return };
        self.payments[at].reversed = true;
        let payment = self.payments[at].clone();
        let keep = self.dice.below(2) == 0;
        let returned = if keep { Vec::new() } else { payment.fees.clone() };
        let when = self.when();
        let mut lines = self.fee_lines(&returned, Some(&payment), FlowDirection::In, -1);
        self.balance(&mut lines, payment.place, payment.gross, &clearing(payment.place), when.at);
        let (amount, from_wallet) = (units(payment.gross), units(1));
        let body = CollectionReversed { amount, from_wallet, from_held: None, returned, fees: Vec::new() };
        let fact = Fact { subject: payment.id, ..self.fact(SubjectKind::Payment, Some(payment.place), body) };
        self.push(fact, &lines, Some(when));
    }

    /// The one figure is replaced by two, or one more comes on top.
    fn itemise(&mut self) {
        let unitemised = |payment: &Payment| payment.fees.iter().any(|fee| fee.component == Component::Unitemised);
        let Some(at) = self.pick(|payment| unitemised(payment) && !payment.reversed) else { return };
        let payment = self.payments[at].clone();
        let fee = |component, amount, label: &str| Fee {
            component,
            bearer: Bearer::Merchant,
            amount: units(amount),
            currency: currency(payment.place.currency),
            source: FigureSource::Observed,
            label: label.into(),
            tax: None,
        };
        let fees = vec![fee(Component::Provider, 3_000, "platform_fee"), fee(Component::Network, 2_000, "gateway_fee")];
        let when = self.when();
        let mut lines = self.fee_lines(&fees, Some(&payment), FlowDirection::In, 1);
        lines.extend(self.fee_lines(&payment.fees, Some(&payment), FlowDirection::In, -1));
        self.payments[at].fees.clone_from(&fees);
        let body = FeesReported { payment_id: payment.id, mode: FeesMode::Itemise, fees };
        let fact = Fact { subject: payment.id, ..self.fact(SubjectKind::Payment, Some(payment.place), body) };
        self.push(fact, &lines, Some(when));
    }

    /// A refund's fee stands with the payment that is refunded.
    fn refund(&mut self) {
        let Some(at) = self.pick(|payment| !payment.reversed) else { return };
        let payment = self.payments[at].clone();
        let fees = self.fees(payment.place, &[Bearer::Merchant]);
        let when = self.when();
        let mut lines = self.fee_lines(&fees, Some(&payment), FlowDirection::In, 1);
        self.balance(&mut lines, payment.place, 10_000, &clearing(payment.place), when.at);
        let (amount, wallet_debit) = (units(10_000), units(10_000));
        let payment_id = payment.id;
        let body = RefundSucceeded { payment_id, amount, wallet_debit, attempt: None, fees, returned: Vec::new() };
        let fact = self.fact(SubjectKind::Refund, Some(payment.place), body);
        self.push_as(fact, &lines, Some(when), None, Some(payment.id));
    }

    fn pay_out(&mut self) {
        let place = self.place();
        let (amount, reserve) = (1_000_000 + self.dice.below(9_000_000) as i64, 11_000_000);
        let when = self.when();
        let body = PayoutRequested { attempt: 1, amount: units(amount), reserve: units(reserve) };
        let fact = self.fact(SubjectKind::Payout, Some(place), body);
        let moved = |position, sign: i64, at| Moved {
            position,
            wallet: place.wallet,
            part: 2,
            amount: i128::from(reserve * sign),
            at,
        };
        let at = when.at;
        let position = self.push(fact.clone(), &[], Some(when));
        self.told.moves.push(moved(position, 1, at));
        let when = self.when();
        let at = when.at;
        let then = |body: Body| Fact { version: body.version(), body, ..fact.clone() };
        match self.dice.below(4) {
            0 => {}
            1 => {
                let body = PayoutFailed { attempt: 1, amount: units(amount), is_final: true, reason: "closed".into() };
                let position = self.push(then(body.into()), &[], Some(when));
                self.told.moves.push(moved(position, -1, at));
            }
            _ => {
                let fees = self.fees(place, &[Bearer::Merchant, Bearer::Beneficiary]);
                let payment = Payment {
                    id: subject(self.next),
                    place,
                    at,
                    channel: None,
                    gross: amount,
                    fees: fees.clone(),
                    reversed: true,
                };
                let mut lines = self.fee_lines(&fees, Some(&payment), FlowDirection::Out, 1);
                let account = format!("assets:clearing:payouts:{}", place.account_code);
                self.balance(&mut lines, place, amount, &account, at);
                let body = PayoutSucceeded {
                    amount: units(amount),
                    wallet_debit: units(1),
                    attempt: Some(1),
                    beneficiary: None,
                    fees,
                };
                let day = when.book_day;
                let position = self.push(then(body.into()), &lines, Some(when));
                self.told.moves.push(moved(position, -1, at));
                let volume = kind(None, Some(&payment), place, FlowDirection::Out);
                self.volume(position, amount, at, day, volume);
            }
        }
    }

    /// A fee of no payment.
    fn charge(&mut self) {
        let place = self.place();
        let when = self.when();
        let fee = Fee {
            component: Component::Provider,
            bearer: Bearer::Merchant,
            amount: units(7_000),
            currency: currency(place.currency),
            source: FigureSource::Observed,
            label: "monthly".into(),
            tax: None,
        };
        let own = Kind { direction: None, ..kind(Some(&fee), None, place, FlowDirection::In) };
        let account = format!("expenses:fees:{}:provider", place.account_code);
        let mut lines: Vec<Written> = vec![(account, place.currency.to_owned(), 7_000, Some(own), when.at)];
        lines.push((wallet_account(&place), place.currency.to_owned(), -7_000, None, when.at));
        let body = FeeCharged { payment_id: None, document: None, fees: vec![fee] };
        let fact = self.fact(SubjectKind::Transfer, Some(place), body);
        self.push(fact, &lines, Some(when));
    }

    /// A person's own lines, on a fee account too.
    fn adjust(&mut self) {
        let place = self.place();
        let when = self.when();
        let (actor_id, reason) = ("u2".into(), "tax invoice".into());
        let body = AdjustmentPosted { actor_id, reason, lines: Lines::default(), approver_id: None, reversal_of: None };
        let own = Kind {
            place: None,
            account_code: place.account_code,
            component: Some(Component::Provider),
            bearer: Some(Bearer::Merchant),
            label: None,
            channel: None,
            direction: None,
            source: None,
            currency: place.currency.to_owned(),
            foreign: false,
        };
        let account = format!("expenses:fees:{}:provider", place.account_code);
        let lines: Vec<Written> = vec![
            (account, place.currency.to_owned(), -1_000, Some(own), when.at),
            ("assets:tax:vat".to_owned(), place.currency.to_owned(), 1_000, None, when.at),
        ];
        let mut fact = self.fact(SubjectKind::Book, Some(place), body);
        (fact.connection, fact.wallet) = (None, None);
        self.push(fact, &lines, Some(when));
    }
}

fn kind(fee: Option<&Fee>, payment: Option<&Payment>, place: Place, direction: FlowDirection) -> Kind {
    Kind {
        place: Some(place),
        account_code: place.account_code,
        component: fee.map(|fee| fee.component),
        bearer: fee.map(|fee| fee.bearer),
        label: fee.map(|fee| fee.label.clone()),
        channel: payment.and_then(|payment| payment.channel.clone()),
        direction: Some(direction),
        source: fee.map(|fee| fee.source),
        currency: fee.map_or(place.currency.to_owned(), |fee| fee.currency.to_string()),
        foreign: fee.is_some_and(|fee| fee.currency.as_str() != place.currency),
    }
}

fn common<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn clearing(place: Place) -> String {
    format!("liabilities:clearing:collections:{}", place.account_code)
}
