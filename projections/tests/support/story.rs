//! A random history: invoices, payments, allocations, adjustments, withheld claims and rows that nobody explains,
//! with the lines that the ledger would write.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{Direction, ItemKind, Recognition, Side, Verdict};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceCredited, InvoiceDrafted, InvoiceExpired, InvoiceItemAdded, InvoiceItemChanged,
    InvoiceItemRemoved, InvoicePaid, InvoicePaymentStarted, InvoicePublished, PaymentAllocated, PaymentDeallocated,
};
use ensimbi_events::words::wallet::WalletMovementReported;
use ensimbi_events::{Amount, Body, EventId, Fact, Line, SubjectId, SubjectKind};

use super::{C, MemoryBook, R, W, currency, decided, event_id, fact, subject, succeeded};

const BANK: &str = "assets:bank:main";
const SALES: &str = "income:sales";
const TAX: &str = "liabilities:tax:output";
const TAX_ASSET: &str = "assets:tax:withholding";
const OFFLINE: &str = "assets:clearing:offline";
const SUSPENSE: &str = "liabilities:suspense:main";
const DAY: i64 = 24 * 60;

/// xorshift64*: enough for a test, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    /// A part of an amount, often all of it; whole units.
    fn part(&mut self, all: i64) -> i64 {
        if all <= 1 || self.one_in(2) { all } else { 1 + self.below(all as u64) as i64 }
    }
}

struct Invoice {
    n: u128,
    code: &'static str,
    recognition: Recognition,
    published: bool,
    owed: i64,
    items: Vec<String>,
    done: bool,
}

struct Payment {
    n: u128,
    code: &'static str,
    open: i64,
}

struct Allocation {
    event: EventId,
    payment: usize,
    invoice: usize,
    amount: i64,
}

/// An open discrepancy.
struct Doubt {
    position: u64,
    about: Fact,
    /// What is in suspense because of it: item and amount.
    suspense: Option<(u128, i64)>,
}

/// A book under construction; amounts are whole units.
struct Story {
    book: MemoryBook,
    dice: Dice,
    minute: i64,
    next: u128,
    invoices: Vec<Invoice>,
    payments: Vec<Payment>,
    allocations: Vec<Allocation>,
    doubts: Vec<Doubt>,
}

/// A history of so many steps behind a configured book.
pub fn story(seed: u64, steps: u64) -> MemoryBook {
    let mut story = Story {
        book: super::scripted(0),
        dice: Dice::new(seed),
        minute: 2_000,
        next: 10_000,
        invoices: Vec::new(),
        payments: Vec::new(),
        allocations: Vec::new(),
        doubts: Vec::new(),
    };
    for _ in 0..steps {
        story.minute += story.dice.below(2 * DAY as u64) as i64;
        story.step();
    }
    story.book
}

fn units(amount: i64) -> Amount {
    Amount::whole(i32::try_from(amount).unwrap())
}

impl Story {
    fn step(&mut self) {
        match self.dice.below(14) {
            0 | 1 => self.draft(),
            2 => self.change_items(),
            3 | 4 => self.publish(),
            5 | 6 => self.pay(),
            7 | 8 => self.allocate(),
            9 => self.deallocate(),
            10 => self.lower(),
            11 => self.withhold(),
            12 => self.movement(),
            _ => self.resolve(),
        }
    }

    fn new_subject(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    /// A fact in a currency, on no wallet: these payments go through a bank account of ours.
    fn fact(&self, n: u128, kind: SubjectKind, code: &str, body: impl Into<Body>) -> Fact {
        Fact { currency: Some(currency(code)), wallet: None, ..fact(subject(n), kind, body) }
    }

    fn push(&mut self, fact: Fact, lines: &[(String, i64)]) -> u64 {
        let code = fact.currency.unwrap();
        let lines: Vec<(&str, String)> =
            lines.iter().filter(|(_, v)| *v != 0).map(|(a, v)| (a.as_str(), format!("{v}@{code}"))).collect();
        self.book.push_on(fact, self.minute, None, &lines)
    }

    fn draft(&mut self) {
        let n = self.new_subject();
        let code = if self.dice.one_in(3) { "USD" } else { "UGX" };
        let recognition = if self.dice.one_in(3) { Recognition::OnPayment } else { Recognition::OnPublish };
        self.push(self.fact(n, SubjectKind::Invoice, code, InvoiceDrafted { party_id: None }), &[]);
        self.invoices.push(Invoice { n, code, recognition, published: false, owed: 0, items: Vec::new(), done: false });
        let at = self.invoices.len() - 1;
        for _ in 0..self.dice.below(3) {
            self.add_item(at);
        }
    }

    fn add_item(&mut self, at: usize) {
        let (n, code) = (self.invoices[at].n, self.invoices[at].code);
        let item_id = format!("item-{}", self.new_subject());
        let quantity = ["1", "2.5", "0.333", "1e3", "12"][self.dice.below(5) as usize].to_owned();
        let unit_amount = Amount::from_scaled(1 + self.dice.below(90_000_000) as i64);
        let tax = self.dice.one_in(2).then(|| units(3));
        let body = InvoiceItemAdded { item_id: item_id.clone(), quantity, unit_amount, tax };
        self.push(self.fact(n, SubjectKind::Invoice, code, body), &[]);
        self.invoices[at].items.push(item_id);
    }

    fn pick(&mut self, fits: impl Fn(&Invoice) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.invoices.len()).filter(|at| fits(&self.invoices[*at])).collect();
        (!fitting.is_empty()).then(|| fitting[self.dice.below(fitting.len() as u64) as usize])
    }

    fn change_items(&mut self) {
        let Some(at) = self.pick(|invoice| !invoice.published && !invoice.done) else { return };
        if self.invoices[at].items.is_empty() || self.dice.one_in(3) {
            return self.add_item(at);
        }
        let (n, code) = (self.invoices[at].n, self.invoices[at].code);
        let which = self.dice.below(self.invoices[at].items.len() as u64) as usize;
        let item_id = self.invoices[at].items[which].clone();
        let body: Body = if self.dice.one_in(2) {
            self.invoices[at].items.remove(which);
            InvoiceItemRemoved { item_id }.into()
        } else {
            InvoiceItemChanged { item_id, quantity: "3".into(), unit_amount: units(7), tax: None }.into()
        };
        self.push(self.fact(n, SubjectKind::Invoice, code, body), &[]);
    }

    fn publish(&mut self) {
        let Some(at) = self.pick(|invoice| !invoice.published && !invoice.done) else { return };
        let (n, code, recognition) = (self.invoices[at].n, self.invoices[at].code, self.invoices[at].recognition);
        if self.dice.one_in(8) {
            let body = InvoiceCancelled { amount: Amount::ZERO, tax: Amount::ZERO, recognition };
            self.invoices[at].done = true;
            self.push(self.fact(n, SubjectKind::Invoice, code, body), &[]);
            return;
        }
        let (total, tax) = (1_000 + self.dice.below(100_000) as i64, self.dice.below(1_000) as i64);
        let due = match self.dice.below(5) {
            0 => None,
            1 => Some("at the end of the month".to_owned()),
            _ => {
                let days = self.minute / DAY + self.dice.below(120) as i64 - 60;
                let first = jiff::civil::date(2026, 1, 1);
                Some(first.checked_add(jiff::Span::new().days(days)).unwrap().to_string())
            }
        };
        let body = InvoicePublished { total: units(total), tax: units(tax), recognition, due, party_id: None };
        let lines = [(format!("{R}#{n}"), total), (SALES.into(), tax - total), (TAX.into(), -tax)];
        let lines = if recognition == Recognition::OnPublish { &lines[..] } else { &[] };
        self.push(self.fact(n, SubjectKind::Invoice, code, body), lines);
        (self.invoices[at].published, self.invoices[at].owed) = (true, total);
        if self.dice.one_in(5) {
            self.push(self.fact(n, SubjectKind::Invoice, code, InvoiceExpired {}), &[]);
        }
        if self.dice.one_in(4) {
            let body = InvoicePaymentStarted { payment_id: None };
            self.push(self.fact(n, SubjectKind::Invoice, code, body), &[]);
        }
    }

    fn pay(&mut self) {
        let n = self.new_subject();
        let code = if self.dice.one_in(3) { "USD" } else { "UGX" };
        let gross = 1_000 + self.dice.below(150_000) as i64;
        let text = gross.to_string();
        let body = succeeded(&text, &text, Vec::new());
        self.push(self.fact(n, SubjectKind::Payment, code, body), &[(BANK.into(), gross), (C.into(), -gross)]);
        self.payments.push(Payment { n, code, open: gross });
    }

    fn allocate(&mut self) {
        let Some(invoice) = self.pick(|invoice| invoice.owed > 0) else { return };
        let code = self.invoices[invoice].code;
        let Some(payment) = self.payments.iter().position(|payment| payment.open > 0 && payment.code == code) else {
            return;
        };
        let amount = self.dice.part(self.invoices[invoice].owed.min(self.payments[payment].open));
        let (item, n) = (self.payments[payment].n, self.invoices[invoice].n);
        let on_publish = self.invoices[invoice].recognition == Recognition::OnPublish;
        let tax = if on_publish { 0 } else { self.dice.below(amount as u64 / 10 + 1) as i64 };
        let account = if on_publish { R } else { SALES };
        let body = PaymentAllocated {
            item: subject(item),
            item_kind: ItemKind::Payment,
            item_side: Side::Credit,
            amount: units(amount),
            account: account.into(),
            invoice_id: Some(subject(n)),
            target_amount: None,
            tax: (tax != 0).then(|| units(tax)),
            policy: None,
        };
        let target = if on_publish { format!("{R}#{n}") } else { SALES.to_owned() };
        let lines = [(C.to_owned(), amount), (target, tax - amount), (TAX.into(), -tax)];
        let position = self.push(self.fact(item, SubjectKind::Payment, code, body), &lines);
        self.invoices[invoice].owed -= amount;
        self.payments[payment].open -= amount;
        if tax == 0 {
            self.allocations.push(Allocation { event: event_id(position), payment, invoice, amount });
        }
    }

    fn deallocate(&mut self) {
        if self.allocations.is_empty() {
            return;
        }
        let at = self.dice.below(self.allocations.len() as u64) as usize;
        let (payment, invoice) = (self.allocations[at].payment, self.allocations[at].invoice);
        let amount = self.dice.part(self.allocations[at].amount);
        let (item, n, code) = (self.payments[payment].n, self.invoices[invoice].n, self.invoices[invoice].code);
        let on_publish = self.invoices[invoice].recognition == Recognition::OnPublish;
        let body = PaymentDeallocated {
            allocation: self.allocations[at].event,
            item: subject(item),
            item_kind: ItemKind::Payment,
            item_side: Side::Credit,
            amount: units(amount),
            account: if on_publish { R } else { SALES }.into(),
            invoice_id: Some(subject(n)),
            target_amount: None,
            tax: None,
        };
        let target = if on_publish { format!("{R}#{n}") } else { SALES.to_owned() };
        self.push(self.fact(item, SubjectKind::Payment, code, body), &[(C.to_owned(), -amount), (target, amount)]);
        self.invoices[invoice].owed += amount;
        self.payments[payment].open += amount;
        self.allocations[at].amount -= amount;
        if self.allocations[at].amount == 0 {
            self.allocations.remove(at);
        }
    }

    /// A credit note, a cancellation, an offline payment, an adjustment, or the end of its time.
    fn lower(&mut self) {
        let Some(at) = self.pick(|invoice| invoice.owed > 0) else { return };
        let (n, code, recognition) = (self.invoices[at].n, self.invoices[at].code, self.invoices[at].recognition);
        let on_publish = recognition == Recognition::OnPublish;
        let by = self.dice.part(self.invoices[at].owed);
        let (amount, tax) = (units(by), Amount::ZERO);
        let receivable = (format!("{R}#{n}"), -by);
        let book = |other: &str| if on_publish { vec![(other.to_owned(), by), receivable.clone()] } else { Vec::new() };
        let (body, lines): (Body, Vec<(String, i64)>) = match self.dice.below(5) {
            0 => (InvoiceCredited { amount, tax, recognition }.into(), book(SALES)),
            1 => (InvoiceCancelled { amount, tax, recognition }.into(), book(SALES)),
            2 => {
                let other = if on_publish { receivable } else { (SALES.to_owned(), -by) };
                let lines = vec![(format!("{OFFLINE}#{n}"), by), other];
                (InvoicePaid { offline: true, amount, tax, recognition }.into(), lines)
            }
            3 if on_publish => (self.adjustment(n, code, amount), vec![(TAX_ASSET.to_owned(), by), receivable]),
            _ => {
                self.push(self.fact(n, SubjectKind::Invoice, code, InvoiceExpired {}), &[]);
                return;
            }
        };
        let kind = if matches!(body, Body::AdjustmentPosted(_)) { SubjectKind::Book } else { SubjectKind::Invoice };
        let about = if kind == SubjectKind::Book { self.new_subject() } else { n };
        self.push(self.fact(about, kind, code, body), &lines);
        self.invoices[at].owed -= by;
    }

    fn adjustment(&self, n: u128, code: &str, amount: Amount) -> Body {
        let line = |no, account: &str, amount, open_item: Option<SubjectId>| Line {
            n: no,
            account: account.to_owned(),
            currency: currency(code),
            amount,
            open_item,
            payment_id: None,
            component: None,
            bearer: None,
        };
        let back = amount.checked_neg().unwrap();
        let lines = vec![line(1, TAX_ASSET, amount, None), line(2, R, back, Some(subject(n)))];
        let lines = ensimbi_events::event::Lines(lines);
        let (actor_id, reason) = ("u2".into(), "withholding tax".into());
        AdjustmentPosted { actor_id, reason, lines, approver_id: None, reversal_of: None }.into()
    }

    fn withhold(&mut self) {
        let n = self.new_subject();
        let about = self.fact(n, SubjectKind::Payment, "UGX", succeeded("600", "590", Vec::new()));
        let (withheld, raised) = self.book.withhold(about.clone(), self.minute);
        self.doubts.push(Doubt { position: raised, about: about.clone(), suspense: None });
        if self.dice.one_in(3) {
            let other = self.book.raise(&about, self.minute, DiscrepancyKind::FactDiffers, withheld);
            self.doubts.push(Doubt { position: other, about, suspense: None });
        }
    }

    fn movement(&mut self) {
        let (n, amount) = (self.new_subject(), 1 + self.dice.below(9_000) as i64);
        let body = WalletMovementReported {
            row_id: n.to_string(),
            direction: Direction::In,
            amount: units(amount),
            category: "Transfer".into(),
        };
        let about = fact(subject(n), SubjectKind::Transfer, body);
        let lines = [(W.to_owned(), amount), (SUSPENSE.to_owned(), -amount)];
        let position = self.push(about.clone(), &lines);
        let raised = self.book.raise(&about, self.minute, DiscrepancyKind::UnexplainedMovement, position);
        self.doubts.push(Doubt { position: raised, about, suspense: Some((n, amount)) });
    }

    fn resolve(&mut self) {
        if self.doubts.is_empty() {
            return;
        }
        let at = self.dice.below(self.doubts.len() as u64) as usize;
        let Doubt { position, about, suspense } = self.doubts.remove(at);
        let (verdict, lines) = match suspense {
            Some((n, amount)) => {
                let lines = vec![(format!("{SUSPENSE}#{n}"), amount), ("liabilities:customers".to_owned(), -amount)];
                (Verdict::Move, lines)
            }
            None if self.dice.one_in(2) => (Verdict::Accept, vec![(BANK.to_owned(), 600), (C.to_owned(), -600)]),
            None => (Verdict::Reject, Vec::new()),
        };
        let body: Body = decided(position, verdict).into();
        self.push(Fact { version: body.version(), body, ..about }, &lines);
    }
}
