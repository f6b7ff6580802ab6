//! The sample events themselves: first by hand, each for a reason, then one of every word with every field present.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::event::Proof;
use ensimbi_events::ids;
use ensimbi_events::word::*;
use ensimbi_events::words::{book::*, control::*, dispute::*, invoice::*, payment::*, payout::*, wallet::*};
use ensimbi_events::*;
use uuid::Uuid;

use super::fill::{Around, Fill};
use super::log::{BOOK, Log, START, amount, connection, currency, fact, fee, lines, made, proof, wallet};
use super::words::full_bodies;

impl Log {
    pub(super) fn the_book(&mut self) {
        let body = BookOpened {
            tenant: "demo".into(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".into(),
            policies: vec![
                Policy { key: "allocate.payout".into(), value: "expenses:suppliers".into() },
                Policy { key: "allocate.collection".into(), value: "income:sales".into() },
            ],
            currencies: ["UGX", "ITX", "USD", "LRD"].map(currency).into(),
        };
        let mut opened = fact(SubjectKind::Book, ("", ""), "UGX", body);
        (opened.subject, opened.connection, opened.wallet, opened.currency) = (SubjectId(BOOK.0), None, None, None);
        self.add("book opened: no connection, no object; lists given out of order", opened, None, lines(&[]));
        let mut known = fact(SubjectKind::Book, ("", ""), "ITX", CurrencyRegistered { exponent: 0, sandbox: true });
        (known.subject, known.connection, known.wallet, known.occurrence) =
            (SubjectId(BOOK.0), None, None, "ITX".into());
        self.add("currency registered: an occurrence and no object", known, None, lines(&[]));
        let wallet_of = |code: &str, path: &str| WalletConfig {
            wallet_id: wallet(code),
            provider_id: "wallet-1".into(),
            code: path.into(),
            currency: currency(code),
            purse: None,
        };
        let body = ConnectionConfigured {
            provider: "iotec".into(),
            account: "client-1".into(),
            account_code: "iotec".into(),
            slug: "iotec-main".into(),
            authenticity: "hint".into(),
            simulated: true,
            poll: None,
            wallets: vec![wallet_of("ITX", "test"), wallet_of("UGX", "main")],
            webhook_keys: vec![WebhookKey { digest: leaf::sha256(b"header"), from: None, until: None }],
        };
        let mut configured = fact(SubjectKind::Connection, ("", ""), "UGX", body);
        (configured.subject, configured.wallet, configured.currency) = (SubjectId(connection().0), None, None);
        self.add("connection configured", configured, None, lines(&[]));
        let as_of = Time::from_micros(START);
        let body = OpeningBalanceDeclared { as_of, posted: amount("100000"), held: Some(amount("10000")) };
        let entry = [
            "assets:wallet:iotec:main UGX 100000",
            "assets:held:iotec:main UGX 10000",
            "equity:opening:iotec UGX -110000",
        ];
        let mut opening = fact(SubjectKind::Wallet, ("", ""), "UGX", body);
        opening.subject = SubjectId(wallet("UGX").0);
        self.add("opening balance of a wallet", opening, None, lines(&entry));
    }

    pub(super) fn collections(&mut self) {
        let paid = CollectionSucceeded {
            gross: amount("700"),
            net: amount("675.5"),
            net_source: FigureSource::Derived,
            held: None,
            held_until: None,
            payer: None,
            rate: None,
            invoice_id: None,
            channel: None,
            fees: vec![
                fee(Component::Provider, Bearer::Merchant, "14", "ITX", "transactionCharge"),
                fee(Component::Network, Bearer::Merchant, "10.5", "ITX", "vendorCharge"),
            ],
        };
        let fact_1a = fact(SubjectKind::Payment, ("collection", "1a"), "ITX", paid.clone());
        let mut entry = lines(&[
            "assets:wallet:iotec:test ITX 675.5",
            "expenses:fees:iotec:provider ITX 14",
            "expenses:fees:iotec:network ITX 10.5",
            "liabilities:clearing:collections:iotec ITX -700",
        ]);
        entry.0[1].component = Some(Component::Provider);
        entry.0[1].bearer = Some(Bearer::Merchant);
        entry.0[1].payment_id = Some(fact_1a.subject);
        entry.0[3].open_item = Some(fact_1a.subject);
        let event = self.add("worked number 1a: a collection with two merchant fees", fact_1a.clone(), None, entry);
        event.context.translator = Some("iotec.1".into());
        event.context.evidence = vec![proof(2, EvidenceClass::Read), proof(1, EvidenceClass::Hint)];
        event.record.operator_key = Some(Hash(ids::operator_key(BOOK, connection(), "collection", "MP260503.0900.A1")));
        let success = self.last_id();
        let body = PaymentAllocated {
            item: fact_1a.subject,
            item_kind: ItemKind::Payment,
            item_side: Side::Credit,
            amount: amount("700"),
            account: "income:sales".into(),
            invoice_id: None,
            target_amount: None,
            tax: None,
            policy: Some("allocate.collection".into()),
        };
        let allocated = made(&fact_1a, success.to_string(), body);
        let entry = lines(&["liabilities:clearing:collections:iotec ITX 700", "income:sales ITX -700"]);
        self.add("worked number 1b: made by the ledger, with its cause", allocated, Some(success), entry);
        let body_2a = CollectionSucceeded {
            gross: amount("10000"),
            net: amount("10000"),
            net_source: FigureSource::Observed,
            held: None,
            held_until: None,
            payer: Some(Money { amount: amount("10350"), currency: currency("UGX") }),
            rate: Some("1.0000000000000000000001".into()),
            invoice_id: Some(SubjectId(Uuid::from_u128(7))),
            channel: Some("Ssente – ŋŋ 钱 🐚".into()),
            fees: vec![
                fee(Component::Provider, Bearer::Payer, "200", "UGX", "transactionCharge"),
                fee(Component::Network, Bearer::Payer, "150", "UGX", "vendorCharge"),
            ],
        };
        let entry = lines(&[
            "assets:wallet:iotec:main UGX 10000",
            "liabilities:clearing:collections:iotec UGX -10000",
            "equity:memo:fees:payer:iotec:provider UGX 200",
            "equity:memo:fees:payer:iotec:network UGX 150",
            "equity:memo:contra UGX -350",
        ]);
        let fact_2a = fact(SubjectKind::Payment, ("collection", "kintu/№ 2a \u{0}"), "UGX", body_2a);
        self.add("worked number 2a: payer fees; text beyond ASCII, as given", fact_2a, None, entry);
        let pending = CollectionPending { amount: amount("0.0001"), fee_bearer: None, invoice_id: None };
        let mut pending = fact(SubjectKind::Payment, ("collection", "3"), "UGX", pending);
        pending.occurrence = "2026-05-03T09:00:00.000001Z".into();
        self.add("a state, with its time as occurrence; the smallest amount", pending, None, lines(&[]));
        let withheld = fact(SubjectKind::Payment, ("collection", "23a"), "ITX", paid);
        self.add("withheld: no lines, no posting key", withheld.clone(), None, lines(&[])).record.no_lines =
            Some(NoLines::Withheld);
        let cause = self.last_id();
        let body = DiscrepancyRaised {
            kind: DiscrepancyKind::AmountDiffers,
            about: Some(cause),
            stake: Some(amount("700")),
            stake_currency: None,
            other_fact: None,
            detail: None,
        };
        let raised = made(&withheld, format!("{cause}:amount_differs"), body);
        self.add("its discrepancy, made by the ledger", raised, Some(cause), lines(&[]));
        let reversed = CollectionReversed {
            amount: amount("700"),
            from_wallet: amount("675.5"),
            from_held: None,
            returned: vec![
                fee(Component::Provider, Bearer::Merchant, "14", "ITX", "transactionCharge"),
                fee(Component::Network, Bearer::Merchant, "10.5", "ITX", "vendorCharge"),
            ],
            fees: vec![],
        };
        let entry = lines(&[
            "liabilities:clearing:collections:iotec ITX 700",
            "expenses:fees:iotec:provider ITX -14",
            "expenses:fees:iotec:network ITX -10.5",
            "assets:wallet:iotec:test ITX -675.5",
        ]);
        let reversed = fact(SubjectKind::Payment, ("collection", "1a"), "ITX", reversed);
        self.add("worked number 9b: a reversal", reversed, None, entry);
    }

    pub(super) fn money_out(&mut self) {
        let payout = ("payout", "4");
        let body = PayoutRequested { attempt: 1, amount: amount("10000"), reserve: amount("11200") };
        let requested = fact(SubjectKind::Payout, payout, "UGX", body);
        self.add("a payout is asked for", requested, None, lines(&[]));
        let body = PayoutSucceeded {
            amount: amount("10000"),
            wallet_debit: amount("10600"),
            attempt: Some(1),
            beneficiary: None,
            fees: vec![fee(Component::Provider, Bearer::Merchant, "600", "UGX", "transactionCharge")],
        };
        let entry = lines(&[
            "assets:clearing:payouts:iotec UGX 10000",
            "expenses:fees:iotec:provider UGX 600",
            "assets:wallet:iotec:main UGX -10600",
        ]);
        self.add("worked number 4b: a payout", fact(SubjectKind::Payout, payout, "UGX", body), None, entry);
        let payment_id = SubjectId(Uuid::from_u128(10));
        let body = RefundSucceeded {
            payment_id,
            amount: amount("4000"),
            wallet_debit: amount("4050"),
            attempt: None,
            fees: vec![fee(Component::Unitemised, Bearer::Merchant, "50", "UGX", "fee_amount")],
            returned: vec![],
        };
        let entry = lines(&[
            "liabilities:clearing:collections:iotec UGX 4000",
            "expenses:fees:iotec:unitemised UGX 50",
            "assets:wallet:iotec:main UGX -4050",
        ]);
        self.add("worked number 10b: a refund", fact(SubjectKind::Refund, ("refund", "10"), "UGX", body), None, entry);
        let body = ChargebackOpened { payment_id, amount: amount("10000"), debited: Amount::ZERO, fees: vec![] };
        let dispute = fact(SubjectKind::Dispute, ("dispute", "11"), "UGX", body);
        self.add("an inquiry: an amount of zero is written", dispute, None, lines(&[]));
    }

    pub(super) fn between_currencies(&mut self) {
        let body = PurseTransferred {
            from: wallet("USD"),
            to: wallet("LRD"),
            amount_out: amount("100"),
            amount_in: amount("19300"),
            currency_in: currency("LRD"),
            fees: vec![],
        };
        let entry = lines(&[
            "equity:conversion USD 100",
            "assets:wallet:dollr:usd USD -100",
            "assets:wallet:dollr:lrd LRD 19300",
            "equity:conversion LRD -19300",
        ]);
        let moved = fact(SubjectKind::Transfer, ("transfer", "20"), "USD", body);
        self.add("worked number 20a: two currencies through equity:conversion", moved, None, entry);
        let body = FeesReported {
            payment_id: SubjectId(Uuid::from_u128(13)),
            mode: FeesMode::Itemise,
            fees: vec![
                fee(Component::Provider, Bearer::Merchant, "1.5", "USD", "platform_fee"),
                fee(Component::Network, Bearer::Merchant, "97.5", "LRD", "gateway_fee"),
                fee(Component::Fx, Bearer::Merchant, "0.5", "USD", "fx_fee"),
            ],
        };
        let entry = lines(&[
            "expenses:fees:dollr:provider USD 1.5",
            "expenses:fees:dollr:fx USD 0.5",
            "expenses:fees:dollr:unitemised USD -2.5",
            "equity:conversion USD 0.5",
            "expenses:fees:dollr:network LRD 97.5",
            "equity:conversion LRD -97.5",
        ]);
        let reported = fact(SubjectKind::Payment, ("collection", "13"), "USD", body);
        self.add("worked number 13b: a foreign fee; three fees out of order", reported, None, entry);
        let body = InvoicePublished {
            total: amount("118000"),
            tax: amount("18000"),
            recognition: Recognition::OnPublish,
            due: Some("2026-06-03".into()),
            party_id: None,
        };
        let entry =
            lines(&["assets:receivable UGX 118000", "income:sales UGX -100000", "liabilities:tax:output UGX -18000"]);
        let mut invoice = fact(SubjectKind::Invoice, ("", ""), "UGX", body);
        invoice.subject = ids::intent_id(BOOK, "/v1/invoices", "order-15");
        (invoice.connection, invoice.wallet) = (None, None);
        self.add("worked number 15a: an invoice of our own, without an object", invoice, None, entry);
    }

    pub(super) fn control(&mut self) {
        let (_, success) = self.named[4].clone();
        let cause = success.record.event_id;
        let body = EvidenceAdded { event_id: cause, class: EvidenceClass::Signed };
        let added = made(&success.fact, cause.to_string(), body);
        let event = self.add("evidence added", added, Some(cause), lines(&[]));
        event.context.evidence = vec![Proof { actor_id: Some("actor-7".into()), ..proof(3, EvidenceClass::Signed) }];
        let body = AdjustmentPosted {
            actor_id: "actor-7".into(),
            reason: "withholding tax".into(),
            lines: lines(&["assets:tax:withholding UGX 60000", "assets:receivable UGX -60000"]),
            approver_id: None,
            reversal_of: None,
        };
        let entry = body.lines.clone();
        let mut adjustment = fact(SubjectKind::Book, ("adjustment", "24"), "UGX", body);
        (adjustment.connection, adjustment.wallet, adjustment.currency) = (None, None, None);
        self.add("worked number 24a: an adjustment; lines in the fact and in the record", adjustment, None, entry);
    }

    pub(super) fn edges(&mut self) {
        let body = BalanceReported {
            as_of: Time::from_micros(-1),
            balance: Amount::from_scaled(i64::MIN),
            held: Some(Amount::from_scaled(i64::MAX)),
            available: Some(Amount::from_scaled(-1)),
        };
        let mut reported = fact(SubjectKind::Wallet, ("balance", "b"), "UGX", body);
        reported.occurrence = "b".into();
        self.add("the borders of 64 bits, and a time before 1970", reported, None, lines(&[]));
        let body = WalletMovementReported {
            row_id: "row".into(),
            direction: Direction::In,
            amount: Amount::from_scaled(i64::MAX),
            category: String::new(),
        };
        let entry = [
            "assets:wallet:iotec:main UGX 922337203685477.5807",
            "liabilities:suspense:iotec UGX -922337203685477.5807",
        ];
        let row = fact(SubjectKind::Wallet, ("row", "row"), "UGX", body);
        self.add("the largest amount in lines; an empty text is written", row, None, lines(&entry));
        let mut expired = fact(SubjectKind::Invoice, ("", ""), "UGX", InvoiceExpired {});
        (expired.connection, expired.wallet, expired.currency) = (None, None, None);
        self.add("the smallest fact: a word without fields", expired.clone(), None, lines(&[]));
        (expired.object_kind, expired.object_id) = (Some(String::new()), Some(String::new()));
        self.add("the same with an empty object: present, so other bytes and another id", expired, None, lines(&[]));
        let part =
            |n: u128| HoldPart { payment_id: SubjectId(Uuid::from_u128(n)), amount: Amount::whole(25 - n as i32) };
        let body = FundsHeld { amount: amount("300"), parts: (1..=24).map(part).collect() };
        let entry = lines(&["assets:held:iotec:main UGX 300", "assets:wallet:iotec:main UGX -300"]);
        let held = fact(SubjectKind::Wallet, ("hold", &"h".repeat(300)), "UGX", body);
        self.add("a list of 24 and a text of 300: heads of two and three bytes", held, None, entry);
    }

    pub(super) fn every_word(&mut self) {
        let bodies = full_bodies(&mut self.seed);
        for body in bodies {
            let name = format!("{} with every field", body.word());
            let seed = &mut self.seed;
            let subject = Fill::full(seed);
            let fact = Fact::of(body, subject, seed);
            let context = Fill::full(seed);
            let (cause, operator_key) = (Fill::full(seed), Fill::full(seed));
            let entry = if fact.body.posting_kind().is_some() { Fill::full(seed) } else { lines(&[]) };
            let event = self.add(&name, fact, Some(cause), entry);
            (event.context, event.record.operator_key) = (context, Some(operator_key));
        }
    }
}
