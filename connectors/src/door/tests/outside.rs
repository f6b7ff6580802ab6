//! Connectors outside the process: what is taken, how it is told, and what is refused by its field.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::Commands;
use ensimbi_events::observations::PostError;
use ensimbi_events::word::EvidenceClass;
use ensimbi_events::{Body, Clock, SubjectKind};
use serde_json::{Value, json};

use super::on_both_stores;
use crate::door::Door;
use crate::door::retranslate::Today;
use crate::door::tests::house::*;
use crate::settings::ConnectionSettings;

on_both_stores! {
    what_is_posted_goes_up_as_claims_of_its_connection,
    exactly_the_same_bytes_are_one_observation,
    every_wrong_field_is_named_and_nothing_is_stored,
    only_a_connection_from_outside_takes_observations,
}

fn settings(slug: &str, provider: &str) -> Value {
    json!({
        "slug": slug, "provider": provider, "account": slug, "simulated": true,
        "options": {
            "translator": "acme.1", "kinds": "payment_status wallet_balance", "objects": "payment refund wallet",
            "tells": "collections refunds balances transfers", "purses": "in out"
        },
        "wallets": [
            { "id": "w-1", "code": "main", "currency": "UGX", "purse": "in" },
            { "id": "w-1", "code": "out", "currency": "UGX", "purse": "out" }
        ],
    })
}

/// A door with a connection from outside beside the usual one.
async fn open(house: &House) -> Arc<Door> {
    let mut options = house.options();
    let settings: ConnectionSettings = serde_json::from_value(settings("acme", "outside:acme")).unwrap();
    options.connections.push(settings);
    Door::open(options).await.unwrap()
}

/// A payment of 1000 with 30 of fees, as it is posted.
fn paid(id: &str) -> Value {
    json!({
        "kind": "payment_status",
        "body": STANDARD.encode(format!("{{\"id\":\"{id}\",\"state\":\"PAID\"}}")),
        "translator": "acme.1",
        "said": [{
            "object": { "kind": "payment", "id": id },
            "subject_kind": "payment",
            "currency": "UGX",
            "wallet": "w-1",
            "occurred_at": "2026-05-28T20:26:40Z",
            "party": { "phone": PHONE },
            "body": {
                "type": "CollectionSucceeded", "gross": "1000", "net": "970", "net_source": "observed",
                "fees": [{
                    "component": "provider", "bearer": "merchant", "amount": "30", "currency": "UGX",
                    "source": "observed", "label": "fee"
                }]
            }
        }],
        "unknown": ["rail"]
    })
}

async fn what_is_posted_goes_up_as_claims_of_its_connection(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.start(&open(&house).await);
    let door = &running.door;
    let acme = door.connection("acme").unwrap();
    let posted = door.post(house.book, acme, paid("p-1").to_string().as_bytes()).await.unwrap();
    assert!(posted.is_complete() && !posted.repeated, "{posted:?}");
    assert_eq!((posted.state, posted.claims.len()), ("translated", 1));
    let claim = ledger.claims().remove(0);
    let evidence = claim.evidence.unwrap();
    assert_eq!((evidence.class, evidence.observation), (EvidenceClass::Connector, posted.observation));
    assert_eq!((claim.fact.connection, claim.translator.as_str()), (Some(acme), "acme.1"));
    assert_eq!((claim.fact.subject_kind, claim.fact.object_id.as_deref()), (SubjectKind::Payment, Some("p-1")));
    assert!(matches!(&claim.fact.body, Body::CollectionSucceeded(body) if body.fees.len() == 1));
    assert!(claim.party.is_some(), "the other side is in the vault");
    // Its bytes read again say the same, whatever the program outside does by now.
    let page = door.reread(Some(acme), None).await.unwrap();
    let [seen] = page.as_slice() else { panic!("one observation") };
    let Today::Read { said, .. } = &seen.today else { panic!("{seen:?}") };
    assert_eq!(said[0].fact.as_ref(), Some(&claim.fact));
    assert_eq!(seen.told[0].fact, claim.fact);
    running.stop().await;
}

async fn exactly_the_same_bytes_are_one_observation(house: House) {
    let ledger = Ledger::start(&house, Manners::default());
    let running = house.start(&open(&house).await);
    let door = &running.door;
    let acme = door.connection("acme").unwrap();
    let bytes = paid("p-1").to_string();
    let first = door.post(house.book, acme, bytes.as_bytes()).await.unwrap();
    let again = door.post(house.book, acme, bytes.as_bytes()).await.unwrap();
    assert_eq!((again.observation, again.repeated), (first.observation, true));
    assert_eq!(again.claims, first.claims, "it is answered as it was");
    assert_eq!(ledger.words().len(), 1);
    assert_eq!(door.reread(Some(acme), None).await.unwrap().len(), 1);
    running.stop().await;
}

fn with(path: &str, value: Value) -> Value {
    let mut body = paid("p-1");
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(name)),
        (Value::Object(fields), value) => drop(fields.insert(name.to_owned(), value)),
        (parent, value) => parent[name.parse::<usize>().unwrap()] = value,
    }
    body
}

async fn every_wrong_field_is_named_and_nothing_is_stored(house: House) {
    let door = open(&house).await;
    let acme = door.connection("acme").unwrap();
    let far = house.clock.now().plus(std::time::Duration::from_secs(86_400)).to_string();
    use Problem::{InvalidAmount, InvalidBody, UnknownWallet, WrongCurrency};
    let cases = [
        (with("/kind", json!("statement")), InvalidBody, "kind"),
        (with("/kind", Value::Null), InvalidBody, "kind"),
        (with("/body", json!("not base64")), InvalidBody, "body"),
        (with("/body", json!("")), InvalidBody, "body"),
        (with("/translator", json!("acme.2")), InvalidBody, "translator"),
        (with("/observed_at", json!("yesterday")), InvalidBody, "observed_at"),
        (with("/observed_at", json!(far)), InvalidBody, "observed_at"),
        (with("/watch", json!([])), InvalidBody, "watch"),
        (with("/said", json!({})), InvalidBody, "said"),
        (with("/said/0", json!([])), InvalidBody, "said.0"),
        (with("/said/0/object/kind", json!("invoice")), InvalidBody, "said.0.object.kind"),
        (with("/said/0/object/id", json!("")), InvalidBody, "said.0.object.id"),
        (with("/said/0/object/id", json!("a\u{0}b")), InvalidBody, "said.0.object.id"),
        (with("/said/0/subject_kind", json!("payout")), InvalidBody, "said.0.subject_kind"),
        (with("/said/0/currency", json!("QQQ")), WrongCurrency, "said.0.currency"),
        (with("/said/0/currency", Value::Null), InvalidBody, "said.0.currency"),
        (with("/said/0/wallet", json!("another")), UnknownWallet, "said.0.wallet"),
        (with("/said/0/occurred_at", json!("1970-01-01T00:00:00Z")), InvalidBody, "said.0.occurred_at"),
        (with("/said/0/doubt", json!("because")), InvalidBody, "said.0.doubt"),
        (with("/said/0/links", json!({ "purse": "side" })), InvalidBody, "said.0.links.purse"),
        (with("/said/0/confirms", json!(true)), InvalidBody, "said.0.confirms"),
        (with("/said/0/body/type", json!("AdjustmentPosted")), InvalidBody, "said.0.body.type"),
        (with("/said/0/body/type", json!("CorrectionPosted")), InvalidBody, "said.0.body.type"),
        (with("/said/0/body/gross", json!(1000)), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", json!(1000.5)), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", json!("1000.00001")), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", json!("1000.0")), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", json!("1e3")), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", json!("922337203685477.5808")), InvalidAmount, "said.0.body.gross"),
        (with("/said/0/body/gross", Value::Null), InvalidBody, "said.0.body.gross"),
        (with("/said/0/body/gros", json!("1")), InvalidBody, "said.0.body.gros"),
        (with("/said/0/body/invoice_id", json!(uuid::Uuid::nil())), InvalidBody, "said.0.body.invoice_id"),
        (with("/said/0/body/fees/0/bearer", json!("bank")), InvalidBody, "said.0.body.fees.0.bearer"),
        (with("/said/0/body/fees/0/amount", json!("x")), InvalidAmount, "said.0.body.fees.0.amount"),
    ];
    for (body, code, field) in cases {
        refused(&house, &door, body.to_string().as_bytes(), code, field).await;
    }
    let refund = json!({ "type": "RefundSucceeded", "amount": "5", "wallet_debit": "5" });
    let mut without = with("/said/0/body", refund);
    without["said"][0]["subject_kind"] = json!("refund");
    refused(&house, &door, without.to_string().as_bytes(), InvalidBody, "said.0.links.original").await;
    let payout = json!({ "type": "PayoutPending", "amount": "5" });
    refused(&house, &door, with("/said/0/body", payout).to_string().as_bytes(), InvalidBody, "said.0.body.type").await;
    let twice = paid("p-1").to_string().replace("\"currency\":\"UGX\",\"label\"", "\"label\":\"a\",\"label\"");
    for bytes in [twice.as_bytes(), b"", b"{", b"[]", b"\xff", "[".repeat(100_000).as_bytes(), &vec![b' '; 1 << 20]] {
        refused(&house, &door, bytes, InvalidBody, "body").await;
    }
    refused(&house, &door, &vec![b' '; (1 << 20) + 1], Problem::TooLarge, "body").await;
    assert_eq!(door.reread(Some(acme), None).await.unwrap().len(), 0, "nothing was half-written");
    door.close().await;
}

async fn refused(house: &House, door: &Door, bytes: &[u8], expected: Problem, at: &str) {
    let acme = door.connection("acme").unwrap();
    let error = door.post(house.book, acme, bytes).await.unwrap_err();
    let PostError::Invalid { code, field, problem } = &error else { panic!("{at}: {error:?}") };
    assert_eq!((*code, field.as_str()), (expected, at), "{problem}");
    assert!(!problem.is_empty() && !problem.contains(PHONE), "{problem}");
}

async fn only_a_connection_from_outside_takes_observations(house: House) {
    let door = open(&house).await;
    let main = door.connection("main").unwrap();
    let bytes = paid("p-1").to_string();
    for (book, connection) in [
        (house.book, main),
        (house.book, ensimbi_events::ConnectionId(uuid::Uuid::from_u128(1))),
        (ensimbi_events::BookId(uuid::Uuid::from_u128(1)), door.connection("acme").unwrap()),
    ] {
        let error = door.post(book, connection, bytes.as_bytes()).await.unwrap_err();
        assert!(matches!(error, PostError::NoSuchConnection), "{error:?}");
    }
    door.close().await;
    for (key, value, named) in [
        ("provider", json!("outside:"), "provider"),
        ("provider", json!("outside:Acme"), "provider"),
        ("secrets", json!({ "key": "x" }), "secrets.key"),
        ("urls", json!({ "api": "http://127.0.0.1:9" }), "urls.api"),
    ] {
        let mut changed = settings("acme", "outside:acme");
        changed[key] = value;
        assert_eq!(wrong(&house, changed).await, format!("connections.acme.{named}"));
    }
    for (option, value) in [
        ("kinds", ""),
        ("objects", "Payment"),
        ("tells", "gossip"),
        ("tells", "collections collections"),
        ("translator", "acme"),
        ("wallet", "x"),
    ] {
        let mut changed = settings("acme", "outside:acme");
        changed["options"][option] = json!(value);
        assert_eq!(wrong(&house, changed).await, format!("connections.acme.options.{option}"));
    }
}

/// The key that a configuration is refused by.
async fn wrong(house: &House, settings: Value) -> String {
    let mut options = house.options();
    options.connections = vec![serde_json::from_value(settings).unwrap()];
    match Door::open(options).await.unwrap_err() {
        crate::door::DoorError::Settings(error) => error.key,
        other => panic!("{other}"),
    }
}
