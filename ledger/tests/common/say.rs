//! Claims, a line each: one connection `main` with the wallets `w` and `w2`.

use ensimbi_events::ids::claim_id;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::word::{Bearer, Component, EvidenceClass, Fee, FigureSource, ItemKind, Mode, OccurredSource, Side};
use ensimbi_events::words::book::{BookOpened, ConnectionConfigured, Policy, WalletConfig};
use ensimbi_events::words::invoice::PaymentAllocated;
use ensimbi_events::words::payment::{
    CollectionFailed, CollectionPending, CollectionRequested, CollectionReversed, CollectionSucceeded,
};
use ensimbi_events::words::payout::{PayoutFailed, PayoutRequested, PayoutSucceeded};
use ensimbi_events::words::wallet::OpeningBalanceDeclared;
use ensimbi_events::{
    Amount, Body, BookId, Claim, ConnectionId, Currency, Evidence, Fact, Hash, ObservationId, SubjectId, SubjectKind,
    Time, WalletId,
};
use uuid::Uuid;

pub const BOOK: BookId = BookId(Uuid::from_u128(0xb00c));
pub const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
pub const WALLET: WalletId = WalletId(Uuid::from_u128(0xa1));
pub const WALLET2: WalletId = WalletId(Uuid::from_u128(0xa2));

pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub fn currency(text: &str) -> Currency {
    text.parse().unwrap()
}

pub fn subject(n: u128) -> SubjectId {
    SubjectId(Uuid::from_u128(0x5_0000 + n))
}

/// Who speaks, of what.
#[derive(Clone)]
pub struct Say {
    pub book: BookId,
    pub currency: Currency,
    pub at: Time,
}

impl Say {
    pub fn new(code: &str) -> Self {
        Self { book: BOOK, currency: currency(code), at: super::now() }
    }

    /// A fact on the wallet `w`.
    pub fn fact(&self, kind: SubjectKind, subject: SubjectId, body: impl Into<Body>) -> Fact {
        let body = body.into();
        Fact {
            subject,
            subject_kind: kind,
            connection: Some(CONNECTION),
            wallet: Some(WALLET),
            object_kind: None,
            object_id: None,
            occurrence: String::new(),
            currency: Some(self.currency),
            version: body.version(),
            body,
        }
    }

    /// Our own command.
    pub fn command(&self, fact: Fact) -> Claim {
        let source = fact.event_id(self.book).0;
        Claim {
            id: claim_id(source, 0, "test.1"),
            book: self.book,
            fact,
            occurred_at: self.at,
            occurred_source: OccurredSource::Ledger,
            translator: "test.1".to_owned(),
            evidence: None,
            party: None,
            doubt: None,
            operator_transaction: None,
            confirms: false,
        }
    }

    /// What our own read of the provider says.
    pub fn read(&self, fact: Fact) -> Claim {
        self.with(EvidenceClass::Read, fact)
    }

    pub fn with(&self, class: EvidenceClass, fact: Fact) -> Claim {
        let commitment = fact_hash(&fact);
        let claim = self.command(fact);
        let observation = ObservationId(claim.id.0);
        let evidence = Some(Evidence { observation, commitment: Hash(commitment.0), class, actor_id: None });
        Claim { evidence, occurred_source: OccurredSource::Provider, ..claim }
    }

    pub fn opened(&self, mode: Mode, policies: &[(&str, &str)]) -> Claim {
        let policy = |(key, value): &(&str, &str)| Policy { key: (*key).to_owned(), value: (*value).to_owned() };
        let body = BookOpened {
            tenant: "demo".to_owned(),
            mode,
            time_zone: "Africa/Kampala".to_owned(),
            policies: policies.iter().map(policy).collect(),
            currencies: vec![self.currency],
        };
        let fact = self.fact(SubjectKind::Book, SubjectId(self.book.0), body);
        self.command(Fact { connection: None, wallet: None, currency: None, ..fact })
    }

    pub fn configured(&self, other: Currency) -> Claim {
        let wallet = |wallet_id, code: &str, currency| WalletConfig {
            wallet_id,
            provider_id: format!("purse-{code}"),
            code: code.to_owned(),
            currency,
            purse: None,
        };
        let body = ConnectionConfigured {
            provider: "provider".to_owned(),
            account: "account".to_owned(),
            account_code: "main".to_owned(),
            slug: "provider-main".to_owned(),
            authenticity: "hint".to_owned(),
            simulated: true,
            poll: None,
            wallets: vec![wallet(WALLET, "w", self.currency), wallet(WALLET2, "w2", other)],
            webhook_keys: Vec::new(),
        };
        let fact = self.fact(SubjectKind::Connection, SubjectId(CONNECTION.0), body);
        self.command(Fact { wallet: None, currency: None, occurrence: "1".to_owned(), ..fact })
    }

    /// The two claims every book begins with.
    pub fn start(&self) -> Vec<Claim> {
        self.start_with(&[])
    }

    pub fn start_with(&self, policies: &[(&str, &str)]) -> Vec<Claim> {
        vec![self.opened(Mode::Test, policies), self.configured(self.currency)]
    }

    pub fn opening(&self, posted: &str, held: Option<&str>, as_of: Time) -> Claim {
        let body = OpeningBalanceDeclared { as_of, posted: amount(posted), held: held.map(amount) };
        self.command(self.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body))
    }

    pub fn fee(&self, component: Component, bearer: Bearer, figure: &str) -> Fee {
        Fee {
            component,
            bearer,
            amount: amount(figure),
            currency: self.currency,
            source: FigureSource::Observed,
            label: component.as_str().to_owned(),
            tax: None,
        }
    }

    pub fn success(&self, gross: &str, net: &str, fees: &[(Component, Bearer, &str)]) -> CollectionSucceeded {
        CollectionSucceeded {
            gross: amount(gross),
            net: amount(net),
            net_source: FigureSource::Observed,
            held: None,
            held_until: None,
            payer: None,
            rate: None,
            invoice_id: None,
            channel: None,
            fees: fees.iter().map(|(component, bearer, figure)| self.fee(*component, *bearer, figure)).collect(),
        }
    }

    /// The provider's own object for a subject.
    pub fn object(&self, fact: Fact) -> Fact {
        let id = format!("object-{}", fact.subject);
        Fact { object_kind: Some(fact.subject_kind.as_str().to_owned()), object_id: Some(id), ..fact }
    }

    pub fn payment(&self, n: u128, body: impl Into<Body>) -> Claim {
        self.read(self.object(self.fact(SubjectKind::Payment, subject(n), body)))
    }

    pub fn requested(&self, n: u128, asked: &str, invoice_id: Option<SubjectId>) -> Claim {
        let body = CollectionRequested { amount: amount(asked), fee_bearer: None, invoice_id };
        self.command(self.fact(SubjectKind::Payment, subject(n), body))
    }

    pub fn pending(&self, n: u128, asked: &str) -> Claim {
        self.payment(n, CollectionPending { amount: amount(asked), fee_bearer: None, invoice_id: None })
    }

    pub fn failed(&self, n: u128, asked: &str, is_final: bool) -> Claim {
        let reason = "declined".to_owned();
        let body = CollectionFailed { amount: amount(asked), is_final, reason, fee_bearer: None, invoice_id: None };
        let claim = self.payment(n, body);
        // A state that may still change is told again with every change: its occurrence is not empty.
        let occurrence = if is_final { String::new() } else { "2026-05-03T09:20:00Z".to_owned() };
        Claim { fact: Fact { occurrence, ..claim.fact }, ..claim }
    }

    /// 3 % for the network, ours to bear.
    pub fn succeeded(&self, n: u128) -> Claim {
        self.payment(n, self.success("1000", "970", &[(Component::Network, Bearer::Merchant, "30")]))
    }

    pub fn reversed(&self, n: u128, all: &str, from_wallet: &str, returned: &[(Component, &str)]) -> Claim {
        let returned = returned.iter().map(|(component, figure)| self.fee(*component, Bearer::Merchant, figure));
        let body = CollectionReversed {
            amount: amount(all),
            from_wallet: amount(from_wallet),
            from_held: None,
            returned: returned.collect(),
            fees: Vec::new(),
        };
        self.payment(n, body)
    }

    pub fn payout_requested(&self, n: u128, attempt: u32, asked: &str, reserve: &str) -> Claim {
        let body = PayoutRequested { attempt, amount: amount(asked), reserve: amount(reserve) };
        let fact = self.fact(SubjectKind::Payout, subject(n), body);
        self.command(Fact { occurrence: attempt.to_string(), ..fact })
    }

    pub fn payout(&self, n: u128, attempt: u32, body: impl Into<Body>) -> Claim {
        let fact = self.fact(SubjectKind::Payout, subject(n), body);
        let (kind, id) = ("payout".to_owned(), format!("object-{n}-{attempt}"));
        self.read(Fact { object_kind: Some(kind), object_id: Some(id), ..fact })
    }

    pub fn payout_failed(&self, n: u128, attempt: u32, asked: &str) -> Claim {
        let reason = "declined".to_owned();
        self.payout(n, attempt, PayoutFailed { attempt, amount: amount(asked), is_final: true, reason })
    }

    pub fn payout_succeeded(
        &self,
        n: u128,
        attempt: Option<u32>,
        paid: &str,
        debit: &str,
        fees: &[(Component, Bearer, &str)],
    ) -> Claim {
        let body = PayoutSucceeded {
            amount: amount(paid),
            wallet_debit: amount(debit),
            attempt,
            beneficiary: None,
            fees: fees.iter().map(|(component, bearer, figure)| self.fee(*component, *bearer, figure)).collect(),
        };
        self.payout(n, attempt.unwrap_or(1), body)
    }

    pub fn allocated(&self, kind: SubjectKind, n: u128, item_side: Side, all: &str, account: &str) -> Claim {
        let item_kind = match kind {
            SubjectKind::Payout => ItemKind::Payout,
            SubjectKind::Transfer => ItemKind::Transfer,
            SubjectKind::Invoice => ItemKind::Offline,
            _ => ItemKind::Payment,
        };
        let body = PaymentAllocated {
            item: subject(n),
            item_kind,
            item_side,
            amount: amount(all),
            account: account.to_owned(),
            invoice_id: None,
            target_amount: None,
            tax: None,
            policy: None,
        };
        let fact = self.fact(kind, subject(n), body);
        self.command(Fact { occurrence: format!("{account}:{all}"), ..fact })
    }
}
