//! An entry under construction: lines numbered in order, zero lines left out, checked at the end.

use std::collections::BTreeMap;

use ensimbi_events::config::BookConfig;
use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::{Bearer, Fee, ItemKind};
use ensimbi_events::{Amount, Body, Currency, Fact, SubjectId, SubjectKind, WalletId};

use super::{PostingError, accounts};

/// Where `post` collects lines.
pub struct Entry<'a> {
    fact: &'a Fact,
    config: &'a BookConfig,
    lines: Vec<Line>,
}

/// What a line carries beside account and amount.
#[derive(Default)]
struct Marks {
    open_item: Option<SubjectId>,
    fee: Option<(ensimbi_events::word::Component, Bearer)>,
}

impl<'a> Entry<'a> {
    /// For a fact.
    pub fn new(fact: &'a Fact, config: &'a BookConfig) -> Self {
        Self { fact, config, lines: Vec::new() }
    }

    /// The currency of the fact's amounts.
    pub fn currency(&self) -> Result<Currency, PostingError> {
        self.fact.currency.ok_or(PostingError::Incomplete("the fact names no currency"))
    }

    /// The subject of the fact.
    pub const fn subject(&self) -> SubjectId {
        self.fact.subject
    }

    /// The connection's account code.
    pub fn connection(&self) -> Result<&'a str, PostingError> {
        let id = self.fact.connection.ok_or(PostingError::Incomplete("the fact names no connection"))?;
        self.config.account_code(id).ok_or(PostingError::Incomplete("the connection is not configured in this book"))
    }

    fn wallet_codes(&self, wallet: Option<WalletId>) -> Result<(&'a str, &'a str, Currency), PostingError> {
        let id = wallet.ok_or(PostingError::Incomplete("the fact names no wallet"))?;
        self.config.wallet(id).ok_or(PostingError::Incomplete("the wallet is not configured in this book"))
    }

    /// A plain line in the fact's currency.
    pub fn line(&mut self, account: String, amount: Amount) -> Result<(), PostingError> {
        let currency = self.currency()?;
        self.push(account, currency, amount, Marks::default());
        Ok(())
    }

    /// A plain line in another currency.
    pub fn line_in(&mut self, account: String, amount: Amount, currency: Currency) {
        self.push(account, currency, amount, Marks::default());
    }

    /// W of the fact's wallet.
    pub fn wallet(&mut self, amount: Amount) -> Result<(), PostingError> {
        self.wallet_of(self.fact.wallet, amount)
    }

    /// W of a given wallet, in that wallet's currency.
    pub fn wallet_of(&mut self, wallet: Option<WalletId>, amount: Amount) -> Result<(), PostingError> {
        let (connection, code, currency) = self.wallet_codes(wallet)?;
        self.push(accounts::wallet(connection, code), currency, amount, Marks::default());
        Ok(())
    }

    /// H of the fact's wallet.
    pub fn held(&mut self, amount: Amount) -> Result<(), PostingError> {
        let (connection, code, currency) = self.wallet_codes(self.fact.wallet)?;
        self.push(accounts::held(connection, code), currency, amount, Marks::default());
        Ok(())
    }

    /// A line on a clearing account, for an item.
    pub fn clearing(&mut self, kind: ItemKind, item: SubjectId, amount: Amount) -> Result<(), PostingError> {
        let connection = if kind == ItemKind::Offline { "" } else { self.connection()? };
        self.item(accounts::clearing(kind, connection), item, amount)
    }

    /// A line that waits for its item to reach zero.
    pub fn item(&mut self, account: String, item: SubjectId, amount: Amount) -> Result<(), PostingError> {
        let currency = self.currency()?;
        self.item_in(account, item, amount, currency);
        Ok(())
    }

    /// The same in another currency.
    pub fn item_in(&mut self, account: String, item: SubjectId, amount: Amount, currency: Currency) {
        self.push(account, currency, amount, Marks { open_item: Some(item), fee: None });
    }

    /// Fee lines: F for ours, M against Mc for those that others bear. `given_back` turns the signs.
    pub fn fees(&mut self, fees: &[Fee], given_back: bool) -> Result<(), PostingError> {
        let lists: [(&[Fee], bool); 1] = [(fees, given_back)];
        self.fee_lists(&lists)
    }

    /// One list of fees in, another out: the memo's other side takes only the difference.
    pub fn fees_instead(&mut self, fees: &[Fee], of: &[Fee]) -> Result<(), PostingError> {
        self.fee_lists(&[(fees, false), (of, true)])
    }

    fn fee_lists(&mut self, lists: &[(&[Fee], bool)]) -> Result<(), PostingError> {
        let connection = self.connection()?;
        let mut contra: BTreeMap<Currency, Amount> = BTreeMap::new();
        for (fee, given_back) in lists.iter().flat_map(|(fees, back)| fees.iter().map(move |fee| (fee, *back))) {
            let amount = signed(fee.amount, given_back)?;
            let account = accounts::fee(connection, fee.component, fee.bearer);
            let marks = Marks { open_item: None, fee: Some((fee.component, fee.bearer)) };
            self.push(account, fee.currency, amount, marks);
            if fee.bearer != Bearer::Merchant {
                let other = contra.entry(fee.currency).or_default();
                *other = other.checked_sub(amount).ok_or(PostingError::Overflow)?;
            }
        }
        for (currency, amount) in contra {
            self.push(accounts::MEMO_CONTRA.to_owned(), currency, amount, Marks::default());
        }
        Ok(())
    }

    /// Where a fee of ours is in another currency, the conversion account takes what each currency leaves over.
    pub fn bridge(&mut self, fees: &[Fee]) -> Result<(), PostingError> {
        let own = self.currency()?;
        if fees.iter().any(|fee| fee.bearer == Bearer::Merchant && fee.currency != own) {
            for (currency, sum) in self.sums()? {
                self.line_in(accounts::CONVERSION.to_owned(), signed(sum, true)?, currency);
            }
        }
        Ok(())
    }

    /// A line exactly as a person or an earlier decision wrote it.
    pub fn as_written(&mut self, line: &Line) {
        self.lines.push(Line { n: self.next(), ..line.clone() });
    }

    fn next(&self) -> u32 {
        // An entry has far fewer lines than a leaf has bytes.
        self.lines.len() as u32 + 1
    }

    fn push(&mut self, account: String, currency: Currency, amount: Amount, marks: Marks) {
        if amount.is_zero() {
            return;
        }
        let payment_id = payment_of(self.fact);
        self.lines.push(Line {
            n: self.next(),
            account,
            currency,
            amount,
            open_item: marks.open_item,
            payment_id,
            component: marks.fee.map(|(component, _)| component),
            bearer: marks.fee.map(|(_, bearer)| bearer),
        });
    }

    /// What the lines sum to, per currency.
    pub fn sums(&self) -> Result<BTreeMap<Currency, Amount>, PostingError> {
        sums(&self.lines)
    }

    /// The lines, if they are zero in every currency.
    pub fn finish(self) -> Result<Lines, PostingError> {
        for (currency, amount) in sums(&self.lines)? {
            if !amount.is_zero() {
                return Err(PostingError::Unbalanced { amount, currency });
            }
        }
        Ok(Lines(self.lines))
    }
}

/// The payment that a fact's lines belong to.
fn payment_of(fact: &Fact) -> Option<SubjectId> {
    match &fact.body {
        Body::RefundSucceeded(body) => Some(body.payment_id),
        Body::RefundReversed(body) => Some(body.payment_id),
        Body::ChargebackOpened(body) => Some(body.payment_id),
        Body::ChargebackClosed(body) => Some(body.payment_id),
        Body::FeesReported(body) => Some(body.payment_id),
        Body::FeeCharged(body) => body.payment_id,
        Body::FeeReturned(body) => body.payment_id,
        _ => (fact.subject_kind == SubjectKind::Payment).then_some(fact.subject),
    }
}

/// The amount, or its opposite.
pub fn signed(amount: Amount, opposite: bool) -> Result<Amount, PostingError> {
    if opposite { amount.checked_neg().ok_or(PostingError::Overflow) } else { Ok(amount) }
}

fn sums(lines: &[Line]) -> Result<BTreeMap<Currency, Amount>, PostingError> {
    let mut sums: BTreeMap<Currency, Amount> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.currency).or_default();
        *sum = sum.checked_add(line.amount).ok_or(PostingError::Overflow)?;
    }
    Ok(sums)
}
