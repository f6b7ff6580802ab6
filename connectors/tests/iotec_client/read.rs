//! Reads: which call for which object, and what comes back.

use ensimbi_connectors::connector::{CallError, ObjectRef};

use super::support::*;

#[tokio::test]
async fn an_object_is_read_by_id_and_else_by_reference() {
    let scene = scene(vec![answer(200, GOOD), answer(200, &format!("[{GOOD}]")), answer(200, "[]")]).await;
    let answer = scene.read().await.unwrap();
    assert_eq!((answer.kind, answer.body.as_slice()), ("collection_status", GOOD.as_bytes()));
    scene.client.read(&by_reference("a/b?c d"), None).await.unwrap();
    assert_eq!(error(one(scene.client.read(&by_reference("none"), None).await)), CallError::NotFound);
    let paths: Vec<String> = scene.seen().into_iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    assert_eq!(
        paths,
        [
            "GET /api/collections/status/123e4567",
            "GET /api/collections/external-id/a%2Fb%3Fc%20d",
            "GET /api/collections/external-id/none"
        ]
    );
    for object in [by_reference(".."), by_id("."), by_id("")] {
        assert!(matches!(error(one(scene.client.read(&object, None).await)), CallError::Refused(_)));
    }
    let nothing = ObjectRef { id: None, ..by_id("1") };
    assert!(matches!(
        error(one(scene.client.read(&ObjectRef { reference: None, ..nothing }, None).await)),
        CallError::Refused(_)
    ));
    let invoice = ObjectRef { kind: "invoice", ..by_id("1") };
    assert_eq!(error(one(scene.client.read(&invoice, None).await)), CallError::NotOffered);
    assert_eq!(scene.seen().len(), 3);
}

#[tokio::test]
async fn a_payout_is_read_by_id_and_else_by_reference() {
    let scene = scene(vec![]).await;
    let payout =
        |id: Option<&str>| ObjectRef { kind: "disbursement", id: id.map(str::to_owned), ..by_reference("r/1") };
    for id in [Some("123e4567"), None] {
        let answer = one(scene.client.read(&payout(id), None).await).unwrap();
        assert_eq!((answer.kind, answer.body.as_slice()), ("payout_status", GOOD.as_bytes()));
    }
    assert_eq!(scene.paths(), ["GET /api/disbursements/status/123e4567", "GET /api/disbursements/external-id/r%2F1"]);
}

#[tokio::test]
async fn rows_of_a_payout_are_history_filtered_by_our_reference() {
    let page = format!(r#"{{"page":1,"totalPages":1,"total":1,"data":[{GOOD}],"hasNextPage":false}}"#);
    let empty = r#"{"page":1,"totalPages":0,"total":0,"data":[],"hasNextPage":false}"#;
    let answers = vec![answer(200, &page), answer(200, empty), answer(200, r#"{"total":0}"#), answer(200, GOOD)];
    let scene = scene(answers).await;
    let rows = ObjectRef { kind: "disbursement_rows", ..by_id("123e4567") };
    let rows = ObjectRef { reference: Some("r 1&x=y".to_owned()), ..rows };
    let answer = one(scene.client.read(&rows, None).await).unwrap();
    assert_eq!((answer.kind, answer.body.as_slice()), ("payout_rows", page.as_bytes()));
    assert_eq!(error(one(scene.client.read(&rows, None).await)), CallError::NotFound);
    for _ in 0..2 {
        assert!(unknown(&error(one(scene.client.read(&rows, None).await))), "no page");
    }
    let nameless = ObjectRef { reference: None, ..rows };
    assert_eq!(error(one(scene.client.read(&nameless, None).await)), CallError::NotOffered);
    let path =
        "GET /api/disbursements/paged-history?ExternalId=r+1%26x%3Dy&Page=1&PageSize=100&OrderBy=createdAt&Order=desc";
    assert_eq!(scene.paths(), [path; 4]);
}

/// The answer can hold the secret that authenticates callbacks, and what leaves the client is stored.
#[tokio::test]
async fn a_balance_leaves_the_client_without_the_callback_secret() {
    let balance = |value: &str| {
        format!(
            r#"{{ "currency":"ITX", "id":"{WALLET}","actualBalance":150000.50,"availableBalance":1e5,
              "collectionCallBackUrl":{value},"disbursementCallBackUrl":{value},
              "callBackSecurityHeaderKey":{value},  "callBackSecurityHeaderValue":{value}, "name" : "MY WALLET" }}"#
        )
    };
    let given = balance(r#""hush \"quoted\" value""#);
    let scene = scene(vec![answer(200, &given)]).await;
    let wallet = ObjectRef { kind: "wallet", id: Some(WALLET.to_owned()), reference: None };
    let answer = one(scene.client.read(&wallet, None).await).unwrap();
    assert_eq!((answer.kind, String::from_utf8(answer.body).unwrap()), ("wallet_balance", balance("null")));
    assert_eq!(scene.paths(), [format!("GET /api/wallet-balance/{WALLET}")]);
}

#[tokio::test]
async fn a_balance_that_is_none_or_cannot_be_blanked_is_no_answer() {
    let wallet = ObjectRef { kind: "wallet", id: Some(WALLET.to_owned()), reference: None };
    let deep = format!(r#"{{"id":"w","actualBalance":1,"x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for body in [
        r#"{"id":"w"}"#,
        r#"{"actualBalance":1,"callBackSecurityHeaderValue":"hush"}"#,
        r#"[{"id":"w","actualBalance":1}]"#,
        r#"{"wallet":{"id":"w","actualBalance":1,"callBackSecurityHeaderValue":"hush"}}"#,
        r#"{"id":"w","actualBalance":1,"callBackSecurityHeaderValue":"hush""#,
        r#"{"id":"w","actualBalance":1,"actualBalance":2}"#,
        &deep,
        "<html>hush</html>",
    ] {
        let scene = scene(vec![answer(200, body)]).await;
        let problem = error(one(scene.client.read(&wallet, None).await));
        assert!(unknown(&problem) && !problem.to_string().contains("hush"), "{body}: {problem}");
    }
    let scene = scene(vec![answer(404, "")]).await;
    assert_eq!(error(one(scene.client.read(&wallet, None).await)), CallError::NotFound);
    let nothing = ObjectRef { id: None, ..wallet };
    assert!(refused(&error(one(scene.client.read(&nothing, None).await))));
}

#[tokio::test]
async fn the_bank_list_is_read_as_it_comes() {
    let list = r#"[ { "id":"5e83b187-801e-410e-b76e-f491928547e0", "name":"Stanbic Bank", "code":"ABCDUGKAXXX" } ]"#;
    let scene = scene(vec![answer(200, list), answer(200, "[]"), answer(200, "{}"), answer(200, "[1]")]).await;
    let banks = ObjectRef { kind: "banks", id: Some("all".to_owned()), reference: None };
    let answer = one(scene.client.read(&banks, None).await).unwrap();
    assert_eq!((answer.kind, answer.body.as_slice()), ("bank_list", list.as_bytes()));
    assert_eq!(one(scene.client.read(&banks, None).await).unwrap().body, b"[]");
    for _ in 0..2 {
        assert!(unknown(&error(one(scene.client.read(&banks, None).await))));
    }
    assert_eq!(scene.paths()[0], "GET /api/disbursements/bank-list");
}

fn page(number: u32, records: usize, rest: &str) -> Answer {
    let data = vec![GOOD; records].join(",");
    answer(200, &format!(r#"{{"page":{number},"data":[{data}]{rest}}}"#))
}

fn history() -> ObjectRef {
    ObjectRef { kind: "history", id: Some(WALLET.to_owned()), reference: None }
}

#[tokio::test]
async fn history_is_read_page_by_page_in_a_window() {
    let answers = vec![page(1, 2, r#","hasNextPage":true"#), page(2, 1, r#","hasNextPage":false"#)];
    let scene = scene(answers).await;
    let pages = scene.client.read(&history(), None).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.kind).collect::<Vec<_>>(), ["payout_history"; 2]);
    let from = "2025-09-11T07%3A57%3A49.147Z";
    let path = |number: u32| {
        format!(
            "GET /api/disbursements/paged-history?WalletId={WALLET}&From={from}&Page={number}&PageSize=100\
             &OrderBy=createdAt&Order=desc"
        )
    };
    assert_eq!(scene.paths(), [path(1), path(2)]);
}

#[tokio::test]
async fn history_ends_where_the_pages_say_so_and_after_ten() {
    for (name, answers, read) in [
        ("the flag goes before the count", vec![page(1, 1, r#","hasNextPage":false,"totalPages":5"#)], 1),
        ("by the count", vec![page(1, 1, r#","totalPages":2"#), page(2, 1, r#","totalPages":2"#)], 2),
        ("by the length", vec![page(1, 100, ""), page(2, 99, "")], 2),
        ("nothing on it", vec![page(1, 0, r#","hasNextPage":true"#)], 1),
        ("without an end", vec![page(1, 1, r#","hasNextPage":true"#); 12], 10),
    ] {
        let scene = scene(answers).await;
        assert_eq!(scene.client.read(&history(), None).await.unwrap().len(), read, "{name}");
        assert_eq!(scene.seen().len(), read, "{name}");
    }
}

#[tokio::test]
async fn half_a_history_is_none() {
    let scene = scene(vec![page(1, 1, r#","hasNextPage":true"#), answer(500, "")]).await;
    let read = scene.client.read(&history(), None).await.map(|pages| pages.len());
    assert!(unknown(&read.unwrap_err()));
}
