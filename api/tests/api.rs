//! The API's contract, over fakes in memory.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::Request;
use support::{BOOK, House, OTHER, event, get, get_as, key, send, subject, wallet};

const V1: [&str; 11] = [
    "/v1/wallets",
    "/v1/payments",
    "/v1/disputes",
    "/v1/invoices",
    "/v1/invoices/ageing",
    "/v1/discrepancies",
    "/v1/open-items",
    "/v1/fees",
    "/v1/entries",
    "/v1/trial-balance",
    "/v1/events",
];

#[tokio::test]
async fn every_v1_route_needs_a_key_that_opens_a_book() {
    let house = Arc::new(House::default());
    let good = key(BOOK);
    let bad = [
        None,
        Some(String::new()),
        Some(good.clone()),
        Some(format!("Basic {good}")),
        Some(format!("Bearer {good}x")),
        Some(format!("Bearer ens_test_{}", "A".repeat(43))),
        Some("Bearer ".into()),
    ];
    for path in V1 {
        for value in &bad {
            let mut request = Request::get(path);
            if let Some(value) = value {
                request = request.header("authorization", value);
            }
            let got = send(&house, request.body(Body::empty()).unwrap()).await;
            got.problem(401, "unauthorized");
            assert_eq!(got.headers["www-authenticate"], "Bearer");
        }
        let twice = Request::get(path).header("authorization", "Bearer x").header("authorization", "Bearer y");
        send(&house, twice.body(Body::empty()).unwrap()).await.problem(401, "unauthorized");
        assert_eq!(get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn ids_of_another_book_are_not_found() {
    let house = Arc::new(House::default());
    let paths = [
        format!("/v1/wallets/{}", wallet(1)),
        format!("/v1/wallets/{}/balance", wallet(1)),
        format!("/v1/payments/{}", subject(1)),
        format!("/v1/disputes/{}", subject(1)),
        format!("/v1/invoices/{}", subject(1)),
        format!("/v1/discrepancies/{}", event(1)),
        "/v1/events/1".to_owned(),
    ];
    for path in &paths {
        assert_eq!(get_as(&house, BOOK, path).await.status, 200, "{path}");
        get_as(&house, OTHER, path).await.problem(404, "not_found");
    }
    for path in V1 {
        let body = get_as(&house, OTHER, path).await.json();
        for list in ["items", "totals", "currencies", "accounts"] {
            assert!(body[list].as_array().is_none_or(Vec::is_empty) || path == "/v1/fees", "{path}");
        }
    }
}

#[tokio::test]
async fn amounts_are_decimal_strings_and_every_answer_has_a_position() {
    let body = get(&format!("/v1/wallets/{}", wallet(1))).await.json();
    assert_eq!(body["wallet"]["posted"], "675.5");
    assert_eq!(body["wallet"]["purse"], "collections");
    assert_eq!(body["wallet"]["available"], "675.4999");
    assert_eq!(body["wallet"]["occurred_at"], "1970-01-01T00:00:00Z");
    let body = get(&format!("/v1/wallets/{}/balance", wallet(1))).await.json();
    assert_eq!((&body["total"], &body["position"]), (&"20675.5".into(), &7.into()));
    for path in V1 {
        assert_eq!(get(path).await.json()["position"], 7, "{path}");
    }
}

#[tokio::test]
async fn the_trial_balance_has_columns_totals_and_a_verdict() {
    let body = get("/v1/trial-balance").await.json();
    assert_eq!(body["balanced"], true);
    assert_eq!(body["accounts"][0]["account"], "assets:wallet:main:w1");
    assert_eq!(body["accounts"][2]["credit"], "700");
    assert_eq!(body["accounts"][2]["balance"], "-700");
    assert_eq!(body["totals"][0]["debit"], "700");
    assert_eq!(body["totals"][0]["difference"], "0");
}

#[tokio::test]
async fn the_fee_report_stands_beside_the_fee_accounts() {
    let body = get("/v1/fees?group_by=component,day&tz=Africa/Kampala").await.json();
    let group = &body["groups"][0];
    assert_eq!((&group["group"]["component"], &group["direction"]), (&"x".into(), &"in".into()));
    assert_eq!((&group["count"], &group["gross"], &group["fees"]), (&1.into(), &"700".into(), &"24.5".into()));
    assert_eq!((&group["net"], &group["effective_rate"]), (&"675.5".into(), &"0.035".into()));
    assert_eq!((&group["unitemised"], &group["derived"]), (&"0.5".into(), &"0".into()));
    // Also of a part of the time, in the book's own zone, which the answer names.
    let part = get("/v1/fees?from=2026-01-01&as_of=2026-01-31&basis=booked").await.json();
    for (body, basis) in [(body, "occurred"), (part, "booked")] {
        assert_eq!((&body["tz"], &body["basis"]), (&"Africa/Kampala".into(), &basis.into()));
        let total = &body["totals"][0];
        assert_eq!(
            (&total["fees"], &total["accounts"], &total["difference"]),
            (&"24.5".into(), &"24.5".into(), &"0".into())
        );
        assert_eq!(body["volumes"][0]["gross"], "700");
    }
}

#[tokio::test]
async fn a_statement_is_paged_and_each_line_names_its_event() {
    let path = "/v1/statements?account=assets:wallet:main:w1&limit=4";
    let first = get(path).await.json();
    assert_eq!((&first["opening"], &first["debit"], &first["closing"]), (&"0".into(), &"700".into(), &"700".into()));
    assert_eq!((first["items"].as_array().unwrap().len(), &first["count"]), (4, &7.into()));
    let line = &first["items"][3];
    assert_eq!(
        (&line["position"], &line["balance"], &line["payment"]),
        (&4.into(), &"400".into(), &subject(4).to_string().into())
    );
    assert!(line["evidence"].is_array());
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = get(&format!("{path}&cursor={cursor}")).await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), second["next_cursor"].is_null()), (3, true));
    // A cursor is of its own account, currency and span only.
    for other in ["account=expenses:fees:main:provider", "account=assets:wallet:main:w1&from=2026-01-01"] {
        get(&format!("/v1/statements?{other}&limit=4&cursor={cursor}")).await.problem(422, "wrong_cursor");
    }
    let unknown = get("/v1/statements?account=income:salez").await.problem(400, "unknown_value");
    let allowed = unknown["allowed"].as_array().unwrap().clone();
    assert!(allowed.contains(&"assets:wallet:main:w1".into()), "{allowed:?}");
}

#[tokio::test]
async fn what_was_known_is_the_prefix_recorded_by_then() {
    let wallet = get("/v1/wallets?limit=1").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let early = get(&format!("/v1/wallets/{wallet}/balance?as_of=2026-04-30&known_at=1969-01-01")).await.json();
    assert_eq!((&early["position"], &early["as_of"]), (&0.into(), &"2026-04-30T20:59:59.999999Z".into()));
    let late = get(&format!("/v1/wallets/{wallet}/balance?known_at=2126-01-01T00:00:00Z")).await.json();
    assert_eq!((&late["position"], late["as_of"].is_null()), (&7.into(), true));
}

#[tokio::test]
async fn a_payment_shows_its_refunds_and_disputes() {
    let body = get(&format!("/v1/payments/{}", subject(1))).await.json();
    assert_eq!((&body["payment"]["disputed"], &body["payment"]["held_until"]), (&"0".into(), &serde_json::Value::Null));
    let refund = &body["refunds"][0];
    assert_eq!((&refund["kind"], &refund["parent"]), (&"refund".into(), &subject(1).to_string().into()));
    assert_eq!((&refund["state"], &refund["amount"]), (&"succeeded".into(), &"700".into()));
    let dispute = &body["disputes"][0];
    assert_eq!((&dispute["state"], &dispute["open"], &dispute["lost"]), (&"open".into(), &"700".into(), &"0".into()));
    let alone = get(&format!("/v1/disputes/{}", subject(7))).await.json();
    assert_eq!(&alone["dispute"], dispute);
    assert_eq!((&alone["position"], &dispute["payment"]), (&7.into(), &subject(1).to_string().into()));
    let lost = get("/v1/disputes?state=lost").await.json();
    assert_eq!((&lost["items"][0]["lost"], &lost["items"][0]["open"]), (&"700".into(), &"0".into()));
    get(&format!("/v1/disputes/{}", subject(8))).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_invoice_shows_its_items_and_payments() {
    let body = get(&format!("/v1/invoices/{}", subject(1))).await.json();
    assert_eq!((&body["invoice"]["state"], &body["invoice"]["outstanding"]), (&"part_paid".into(), &"68000".into()));
    assert_eq!((&body["invoice"]["paid"], &body["invoice"]["due"]), (&"50000".into(), &"1970-01-05".into()));
    assert_eq!((&body["items"][0]["id"], &body["items"][0]["amount"]), (&"a".into(), &"118000".into()));
    assert_eq!(body["payments"][0]["payment"], subject(2).to_string());
    assert_eq!(body["payments"][0]["amount"], "50000");
}

#[tokio::test]
async fn lateness_says_its_day_and_zone() {
    let body = get("/v1/invoices/ageing").await.json();
    assert_eq!((&body["tz"], &body["as_at"]), (&"Africa/Kampala".into(), &"1970-01-11T00:00:00Z".into()));
    let currency = &body["currencies"][0];
    assert_eq!((&currency["currency"], &currency["outstanding"]), (&"UGX".into(), &"340000".into()));
    for bucket in ["not_due", "1_30", "31_60", "61_90", "over_90"] {
        assert_eq!(currency["buckets"][bucket]["amount"], "68000", "{bucket}");
    }
    let body = get("/v1/invoices/ageing?tz=Europe/Berlin&as_at=2026-01-01T00:00:00%2B01:00").await.json();
    assert_eq!((&body["tz"], &body["as_at"]), (&"Europe/Berlin".into(), &"2025-12-31T23:00:00Z".into()));
    assert_eq!(get("/v1/invoices?overdue=true").await.json()["tz"], "Africa/Kampala");
    assert!(get("/v1/invoices").await.json().get("tz").is_none());
}

#[tokio::test]
async fn discrepancies_are_the_open_ones_unless_others_are_asked_for() {
    let items = walk("/v1/discrepancies?limit=50").await;
    assert!(items.iter().all(|item| item["state"] == "open" && item["resolution"].is_null()));
    let withheld = &items[0]["withheld"];
    assert_eq!((&withheld["type"], &withheld["amount"]), (&"CollectionSucceeded".into(), &"9000".into()));
    assert_eq!(withheld["event_id"], items[0]["about"]);
    let body = get(&format!("/v1/discrepancies/{}", event(2))).await.json();
    let resolution = &body["discrepancy"]["resolution"];
    assert_eq!((&resolution["verdict"], &resolution["actor_id"]), (&"reject".into(), &"u1".into()));
}

#[tokio::test]
async fn open_items_have_an_age_and_stand_beside_their_accounts() {
    let body = get("/v1/open-items?limit=3").await.json();
    assert_eq!((&body["as_at"], &body["items"][0]["age_days"]), (&"1970-01-11T00:00:00Z".into(), &9.into()));
    let total = &body["totals"][0];
    assert_eq!((&total["balance"], &total["trial_balance"]), (&"-700".into(), &"-700".into()));
    assert_eq!((&total["difference"], &total["items"]), (&"0".into(), &7.into()));
}

#[tokio::test]
async fn wrong_parameters_are_refused_and_named() {
    let cases = [
        ("/v1/wallets?limit=0", "limit"),
        ("/v1/wallets?limit=501", "limit"),
        ("/v1/wallets?limit=1000000000", "limit"),
        ("/v1/wallets?limit=1&limit=2", "limit"),
        ("/v1/wallets/not-a-uuid", "id"),
        ("/v1/payments?connection=../x", "connection"),
        ("/v1/payments/1", "id"),
        ("/v1/payments?invoice=1", "invoice"),
        ("/v1/payments?party=somebody", "party"),
        ("/v1/payments?parent=1", "parent"),
        ("/v1/disputes?payment=1", "payment"),
        ("/v1/disputes?connection=main", "connection"),
        ("/v1/disputes/1", "id"),
        ("/v1/payments?from=2026", "from"),
        ("/v1/invoices?party=1", "party"),
        ("/v1/invoices?overdue=yes", "overdue"),
        ("/v1/invoices?limit=-1", "limit"),
        ("/v1/invoices/INV-1", "id"),
        ("/v1/invoices/ageing?as_at=tomorrow", "as_at"),
        ("/v1/discrepancies?connection=main", "connection"),
        ("/v1/discrepancies?wallet=1", "wallet"),
        ("/v1/discrepancies?subject=1", "subject"),
        ("/v1/discrepancies/1", "id"),
        ("/v1/open-items?connection=main", "connection"),
        ("/v1/events/0", "position"),
        ("/v1/events/-1", "position"),
        ("/v1/events?after=x", "after"),
        ("/v1/entries?payment=1", "payment"),
        ("/v1/fees?group_by=component,component", "group_by"),
        ("/v1/fees?basis=booked&from=2026-01-01T00:00:00Z", "from"),
        ("/v1/fees?to=2026-01-01&as_of=2026-01-01", "as_of"),
        ("/v1/fees?as_of=2026-02-30", "as_of"),
        ("/v1/fees?known_at=soon", "known_at"),
        ("/v1/statements", "account"),
        ("/v1/trial-balance?as_of=31.12.2026", "as_of"),
        ("/v1/fees?from=yesterday", "from"),
    ];
    for (path, parameter) in cases {
        let body = get(path).await.problem(422, "invalid_parameter");
        assert_eq!(body["parameter"], parameter, "{path}");
    }
    assert_eq!(get("/v1/invoices?cursor=x").await.problem(422, "wrong_cursor")["parameter"], "cursor");
    let balance = format!("/v1/wallets/{}/balance?as_of=the+30th", wallet(1));
    assert_eq!(get(&balance).await.problem(422, "invalid_parameter")["parameter"], "as_of");
    get("/v1/wallets?%ff=%fe").await.problem(400, "unknown_value");
    get(&format!("/v1/wallets?cursor={}", "a".repeat(9_000))).await.problem(422, "invalid_parameter");
}

#[tokio::test]
async fn what_is_not_known_is_named_with_what_is() {
    let cases = [
        ("/v1/wallets?status=x", "status"),
        ("/v1/payments?state=paid", "state"),
        ("/v1/payments?kind=dispute", "kind"),
        ("/v1/disputes?state=succeeded", "state"),
        ("/v1/disputes?kind=dispute", "kind"),
        ("/v1/invoices?state=overpaid", "state"),
        ("/v1/invoices?currency=shillings", "currency"),
        ("/v1/invoices/ageing?tz=EAT-3", "tz"),
        ("/v1/invoices/ageing?currency=UGX", "currency"),
        ("/v1/discrepancies?state=closed", "state"),
        ("/v1/discrepancies?kind=strange", "kind"),
        ("/v1/open-items?account=Assets", "account"),
        ("/v1/open-items?currency=", "currency"),
        ("/v1/open-items?as_at=2026-01-01T00:00:00Z", "as_at"),
        ("/v1/entries?account=Income%3ASales", "account"),
        ("/v1/trial-balance?x=1", "x"),
        ("/v1/fees?group_by=day&tz=Mars/Olympus", "tz"),
        ("/v1/fees?tz=../../etc/passwd", "tz"),
        ("/v1/open-items?currency=QQQ", "currency"),
        ("/v1/fees?basis=guessed", "basis"),
        ("/v1/statements?account=sales", "account"),
        ("/v1/statements?account=assets:wallet:main:w1&currency=XQX", "currency"),
        ("/v1/statements?account=assets:wallet:main:w1&currency=USD", "currency"),
        ("/v1/fees?group_by=colour", "group_by"),
    ];
    for (path, parameter) in cases {
        let body = get(path).await.problem(400, "unknown_value");
        assert_eq!(body["parameter"], parameter, "{path}");
        assert!(body["allowed"].is_array(), "{body}");
    }
    let body = get("/v1/payments?page=2").await.problem(400, "unknown_value");
    assert!(body["detail"].as_str().unwrap().contains("allowed: kind, state, connection"), "{body}");
    assert_eq!(body["allowed"][0], "kind");
    let allowed = |body: serde_json::Value, word: &str| body["allowed"].as_array().unwrap().contains(&word.into());
    assert!(allowed(get("/v1/fees?tz=Mars/Olympus").await.json(), "Africa/Kampala"));
    assert!(allowed(get("/v1/invoices?currency=QQQ").await.json(), "UGX"));
    assert!(allowed(get("/v1/invoices?state=overpaid").await.json(), "part_paid"));
    assert!(allowed(get("/v1/entries?account=sales").await.json(), "income"));
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins_is_refused() {
    for path in ["/v1/payments", "/v1/fees"] {
        let path = format!("{path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z");
        assert_eq!(get(&path).await.problem(400, "invalid_range")["parameter"], "to", "{path}");
    }
    let path = "/v1/fees?from=2026-01-02&as_of=2025-12-31";
    assert_eq!(get(path).await.problem(400, "invalid_range")["parameter"], "as_of");
}

/// Follows `next_cursor` to the end.
async fn walk(path: &str) -> Vec<serde_json::Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = cursor.as_ref().map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let body = get(&format!("{path}{next}")).await.json();
        items.extend(body["items"].as_array().unwrap().clone());
        cursor = body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}

#[tokio::test]
async fn pages_join_to_the_whole_list() {
    assert_eq!(walk("/v1/wallets?limit=2").await.len(), 5);
    assert_eq!(walk("/v1/payments?limit=3").await.len(), 7);
    assert_eq!(walk("/v1/disputes?limit=2").await.len(), 7);
    assert_eq!(walk("/v1/disputes?limit=2&state=open").await.len(), 4);
    assert_eq!(walk("/v1/invoices?limit=3").await.len(), 7);
    assert_eq!(walk("/v1/discrepancies?limit=3").await.len(), 4);
    assert_eq!(walk("/v1/discrepancies?limit=2&state=resolved").await.len(), 3);
    assert_eq!(walk("/v1/discrepancies?limit=5&state=all").await.len(), 7);
    assert_eq!(walk("/v1/open-items?limit=2").await.len(), 7);
    let entries = walk("/v1/entries?limit=2").await;
    let positions: Vec<u64> = entries.iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=7).collect::<Vec<_>>());
    assert_eq!(entries[0]["lines"][0]["amount"], "675.5");
    let first = get("/v1/events?limit=5").await.json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next_after"]), (5, &5.into()));
    let last = get("/v1/events?limit=5&after=5").await.json();
    assert_eq!((last["items"].as_array().unwrap().len(), &last["next_after"]), (2, &serde_json::Value::Null));
    assert_eq!(last["items"][1]["type"], "CollectionSucceeded");
    assert_eq!(last["items"][1]["fact"]["net"], "675.5");
    assert!(get("/v1/events?after=18446744073709551615").await.json()["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_cursor_serves_only_its_own_query_and_book() {
    let body = get("/v1/payments?limit=3&state=succeeded").await.json();
    let cursor = body["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(get(&format!("/v1/payments?limit=2&state=succeeded&cursor={cursor}")).await.status, 200);
    for path in [
        format!("/v1/payments?cursor={cursor}"),
        format!("/v1/payments?state=failed&cursor={cursor}"),
        format!("/v1/entries?cursor={cursor}"),
        format!("/v1/invoices?cursor={cursor}"),
        format!("/v1/disputes?cursor={cursor}"),
        format!("/v1/discrepancies?state=open&cursor={cursor}"),
        format!("/v1/open-items?cursor={cursor}"),
        format!("/v1/wallets?cursor={cursor}"),
        "/v1/payments?cursor=".into(),
        "/v1/payments?cursor=AAAA".into(),
        "/v1/payments?cursor=%00%ff".into(),
    ] {
        let got = get(&path).await;
        assert_eq!(got.problem(422, "wrong_cursor")["parameter"], "cursor", "{path}");
    }
    let path = format!("/v1/payments?limit=3&state=succeeded&cursor={cursor}");
    get_as(&Arc::new(House::default()), OTHER, &path).await.problem(422, "wrong_cursor");
}

#[tokio::test]
async fn paths_methods_and_bodies_that_nobody_takes_are_problems() {
    get("/v1/nothing").await.problem(404, "not_found");
    get("/nothing").await.problem(404, "not_found");
    let house = Arc::new(House::default());
    let request = Request::post("/v1/wallets").header("authorization", format!("Bearer {}", key(BOOK)));
    let got = send(&house, request.body(Body::empty()).unwrap()).await;
    got.problem(405, "method_not_allowed");
    assert!(got.headers["allow"].to_str().unwrap().contains("GET"));
    let large = Request::get("/healthz").header("content-length", "100000000");
    send(&house, large.body(Body::empty()).unwrap()).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_store_that_is_down_and_a_bug_are_problems_without_secrets() {
    let house = Arc::new(House::default());
    house.down.store(true, Ordering::Relaxed);
    let got = get_as(&house, BOOK, "/v1/events").await;
    got.problem(503, "unavailable");
    assert!(got.headers.contains_key("retry-after") && !got.text.contains("secret"));
    house.panics.store(true, Ordering::Relaxed);
    get_as(&house, BOOK, "/v1/events").await.problem(500, "internal");
}

#[tokio::test]
async fn health_is_open_and_readiness_says_what_is_wrong() {
    let house = Arc::new(House::default());
    let plain = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(send(&house, plain("/healthz")).await.json()["status"], "ok");
    assert_eq!(send(&house, plain("/readyz")).await.status, 200);
    house.down.store(true, Ordering::Relaxed);
    let got = send(&house, plain("/readyz")).await;
    assert_eq!((got.status.as_u16(), got.json()["ready"].as_bool()), (503, Some(false)));
    assert_eq!(got.json()["checks"][0]["detail"], "no answer");
    assert_eq!(send(&house, plain("/healthz")).await.status, 200);
}

#[tokio::test]
async fn answers_are_not_stored_and_carry_a_request_id() {
    let got = get("/v1/wallets").await;
    assert_eq!(got.headers["cache-control"], "no-store");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    assert_eq!(got.headers["x-request-id"].len(), 36);
    let house = Arc::new(House::default());
    for (sent, kept) in [("my-id_1.2", true), ("bad id", false)] {
        let request = Request::get("/healthz").header("x-request-id", sent).body(Body::empty()).unwrap();
        assert_eq!(send(&house, request).await.headers["x-request-id"] == sent, kept);
    }
}

#[tokio::test]
async fn the_docs_load_nothing_and_name_every_path() {
    let house = Arc::new(House::default());
    let got = send(&house, Request::get("/docs").body(Body::empty()).unwrap()).await;
    assert!(got.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(!got.text.contains("<script") && !got.text.contains("http"));
    for path in V1 {
        assert!(got.text.contains(path), "{path}");
    }
}
