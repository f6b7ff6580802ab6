//! Reads: which calls for which object, and what is kept together.

use super::support::*;

fn receipt() -> Value {
    json!({"order_id": 201, "status": "PAID", "currency": "USD", "total_amount": 250})
}

fn status(word: &str) -> Value {
    json!({"source_id": 201, "source_type": "ORDER", "status": word, "currency": "USD", "total_amount": 250})
}

#[tokio::test]
async fn a_collection_is_read_beside_its_source_byte_for_byte() {
    let (call, source) = (format!("GET /v1/status/collection/{REFERENCE}"), "GET /v1/orders/retrieve/201");
    let body = execution("COLLECTION", "COMPLETED").to_string().replace("250.0", "250.10 ");
    let scene = scene().await.on(&call, answer(200, &body));
    let read = scene.read("collection", REFERENCE, Some("ORDER-201-PARTY-42")).await.unwrap();
    let expected = format!(r#"{{"execution":{body},"source":{}}}"#, good(source).unwrap());
    assert_eq!((read.kind, String::from_utf8(read.body).unwrap()), ("collection", expected));
    assert_eq!(scene.calls(), [call.clone(), source.to_owned()]);
    // By our reference it is the same.
    let object = ObjectRef { kind: "collection", id: None, reference: Some(REFERENCE.into()) };
    let read = scene.client.read(&object, Some("ORDER-201-PARTY-42")).await.unwrap();
    assert_eq!((read[0].kind, parts(&read[0])), ("collection", vec!["execution".into(), "source".into()]));
    // Without a handle its money cannot be told, and is asked for again.
    let read = scene.read("collection", REFERENCE, None).await.unwrap();
    assert_eq!(parts(&read), ["execution"]);
}

/// That the source is not found says nothing of the execution, which is known.
#[tokio::test]
async fn a_missing_source_does_not_deny_the_collection() {
    let source = "GET /v1/orders/retrieve/201";
    for scripted in [answer(404, TEXT), answer(500, ""), answer(200, "{}"), answer(200, r#"{"id":202}"#)] {
        let scene = scene().await.on(source, scripted);
        assert!(unknown(&error(scene.read("collection", REFERENCE, Some("ORDER-201-PARTY-42")).await)));
    }
}

#[tokio::test]
async fn a_checkout_is_its_status_its_source_and_its_receipt_once_it_is_paid() {
    let (state, source, paper) = ("GET /v1/status/source", "GET /v1/orders/retrieve/201", "GET /v1/orders/receipt/201");
    let asked = format!("{state}?source_type=ORDER&source_id=201");
    for word in ["ACTIVE", "PROCESSING", "CANCELED", "COMET"] {
        let scene = scene().await.on(state, answer(200, status(word)));
        let read = scene.read("collection", REFERENCE, Some("HOSTED-ORDER-201")).await.unwrap();
        assert_eq!((read.kind, parts(&read)), ("hosted", vec!["source".into(), "status".into()]), "{word}");
        assert_eq!(scene.calls(), [asked.clone(), source.to_owned()]);
    }
    let paid = scene().await.on(state, answer(200, status("paid"))).on(paper, answer(200, receipt()));
    let read = paid.read("collection", REFERENCE, Some("HOSTED-ORDER-201")).await.unwrap();
    assert_eq!(parts(&read), ["receipt", "source", "status"]);
    assert_eq!(paid.calls(), [asked, source.to_owned(), paper.to_owned()]);
    // A late receipt is asked for again, as a part of the whole.
    for scripted in [answer(404, TEXT), answer(422, TEXT)] {
        let late = scene().await.on(state, answer(200, status("PAID"))).on(paper, scripted);
        let read = late.read("collection", REFERENCE, Some("HOSTED-ORDER-201")).await.unwrap();
        assert_eq!(parts(&read), ["source", "status"]);
    }
    let broken = scene().await.on(state, answer(200, status("PAID"))).on(paper, answer(500, ""));
    assert!(unknown(&error(broken.read("collection", REFERENCE, Some("HOSTED-ORDER-201")).await)));
    let denied = scene().await.on(state, answer(404, TEXT));
    assert!(not_found(&error(denied.read("collection", REFERENCE, Some("HOSTED-ORDER-201")).await)));
}

#[tokio::test]
async fn each_other_object_is_read_by_its_own_call() {
    let invoice = source("invoice", "ACTIVE", json!(250));
    let paper = json!({"invoice_id": "101", "status": "PAID"});
    let merchant = json!({"id": 42, "name": "Test Merchant", "type": "ORGANIZATION"});
    for (kind, id, call, body, bytes) in [
        (
            "payout",
            REFERENCE,
            format!("GET /v1/status/payout/{REFERENCE}"),
            execution("PAYOUT", "FAILED"),
            "payout_status",
        ),
        (
            "transfer",
            REFERENCE,
            format!("GET /v1/status/transfer/{REFERENCE}"),
            execution("TRANSFER", "COMPLETED"),
            "transfer_status",
        ),
        (
            "refund",
            REFERENCE,
            format!("GET /v1/status/refund/{REFERENCE}"),
            execution("REFUND", "PENDING"),
            "refund_status",
        ),
        ("invoice", "101", "GET /v1/invoices/retrieve/101".into(), invoice, "source"),
        ("order", "201", "GET /v1/orders/retrieve/201".into(), source("order", "IDLE", json!(0)), "source"),
        ("receipt", "INVOICE-101", "GET /v1/invoices/receipt/101".into(), paper, "receipt"),
        ("receipt", "ORDER-201", "GET /v1/orders/receipt/201".into(), receipt(), "receipt"),
        (
            "merchant",
            "all",
            "GET /v1/merchants/merchant-info?merchant_id=42&merchant_type=ORGANIZATION".into(),
            merchant,
            "merchant",
        ),
        ("fee_tiers", "all", "GET /v1/fees/tiers".into(), json!([{"id": 1, "name": "default"}]), "fee_tiers"),
    ] {
        let route = call.split('?').next().unwrap();
        let scene = scene().await.on(route, answer(200, &body));
        let read = scene.read(kind, id, None).await.unwrap();
        assert_eq!(read.kind, bytes);
        assert_eq!(scene.calls(), [call]);
        let whole = if bytes == "source" { json!({ "source": body }) } else { body };
        assert_eq!(serde_json::from_slice::<Value>(&read.body).unwrap(), whole);
    }
    let other = scene().await.on("GET /v1/merchants/merchant-info", answer(200, json!({"id": 43})));
    assert!(unknown(&error(other.read("merchant", "all", None).await)));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_asked_for() {
    let scene = scene().await;
    for (kind, id) in [
        ("collection", "../x"),
        ("payout", "550e8400-e29b-11d4-a716-446655440000"),
        ("invoice", "101/../1"),
        ("order", ""),
        ("receipt", "101"),
        ("receipt", "ORDER-201-PARTY-42"),
    ] {
        assert!(refused(&error(scene.read(kind, id, None).await)), "{kind} {id}");
    }
    for handle in ["ACCOUNT-18", "x", "ORDER-201"] {
        assert!(names(&error(scene.read("collection", REFERENCE, Some(handle)).await), "handle"));
    }
    assert_eq!(error(scene.read("balance", "all", None).await), CallError::NotOffered);
    for kind in ["collection", "payout", "invoice", "receipt"] {
        let nameless = ObjectRef { kind, id: None, reference: None };
        assert_eq!(error(scene.client.read(&nameless, None).await), CallError::NotOffered);
    }
    assert!(scene.seen().is_empty() && scene.tokens() == 0);
}
