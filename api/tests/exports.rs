//! Exports over fakes: headers, trailers, what is refused, and what another book's key gets.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use ensimbi_events::leaf::sha256;
use support::{BOOK, OTHER, get, get_as};

const WALLETS: &str = "/v1/exports/csv?table=wallets";

#[tokio::test]
async fn an_export_says_position_rows_and_hash_in_its_trailer() {
    for path in [WALLETS, "/v1/exports/csv?table=entries", "/v1/exports/hledger", "/v1/exports/beancount"] {
        let got = get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        assert_eq!(got.headers["ensimbi-position"], "7", "{path}");
        let (before, trailer) = got.text.trim_end().rsplit_once('\n').unwrap();
        let hash = sha256(format!("{before}\n").as_bytes());
        assert!(trailer.contains("#end") && trailer.contains("position=7"), "{path}: {trailer}");
        assert!(trailer.contains(&format!("sha256={hash}")), "{path}: {trailer}");
    }
}

#[tokio::test]
async fn a_table_is_written_page_by_page_in_its_order() {
    let got = get(WALLETS).await;
    assert_eq!(got.headers["content-type"], "text/csv; charset=utf-8");
    assert!(got.headers["content-disposition"].to_str().unwrap().contains("csv-wallets-"));
    let lines: Vec<&str> = got.text.lines().collect();
    assert_eq!(lines.len(), 5, "{}", got.text);
    assert!(lines[0].starts_with("wallet,connection,provider,"));
    for (n, line) in lines[1..4].iter().enumerate() {
        assert!(line.contains(&format!(",acme-main,main,w{},UGX,collections,675.5,20000,0.0001,", n + 1)), "{line}");
    }
    assert!(lines[4].starts_with("#end,position=7,rows=3,sha256="));
    for line in &lines {
        assert_eq!(line.matches(',').count(), lines[0].matches(',').count(), "{line}");
    }
}

#[tokio::test]
async fn the_leaves_come_as_they_are_recorded() {
    let got = get("/v1/exports/csv?table=events").await;
    assert_eq!(got.text.lines().count(), 9);
    let entries = get("/v1/exports/csv?table=entries").await;
    assert!(entries.text.contains(",assets:wallet:main:w1,UGX,675.5,"), "{}", entries.text);
    assert!(entries.text.contains(",liabilities:clearing:collections:main,UGX,-675.5,"), "{}", entries.text);
    assert!(entries.text.contains("\n#end,position=7,rows=14,"), "{}", entries.text);
}

#[tokio::test]
async fn what_there_is_not_is_refused_by_name_with_what_there_is() {
    for (path, parameter, word) in [
        ("/v1/exports/pdf", "kind", "beancount"),
        ("/v1/exports/csv", "table", "trial_balance"),
        ("/v1/exports/csv?table=secrets", "table", "trial_balance"),
        ("/v1/exports/hledger?table=entries", "table", "csv"),
        ("/v1/exports/hledger?spreadsheet=true", "spreadsheet", "csv"),
        ("/v1/exports/csv?table=entries&spreadsheet=perhaps", "spreadsheet", "true"),
        ("/v1/exports/csv?table=entries&limit=5", "limit", "spreadsheet"),
    ] {
        let got = get(path).await;
        assert!(got.status.is_client_error(), "{path}: {}", got.text);
        let body = got.json();
        assert_eq!(body["parameter"], parameter, "{path}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(word), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_key_exports_its_own_book_and_no_other() {
    let house = std::sync::Arc::new(support::House::default());
    let got = get_as(&house, OTHER, WALLETS).await;
    assert!(got.text.contains("#end,position=0,rows=0,"), "{}", got.text);
    assert!(get_as(&house, BOOK, WALLETS).await.text.contains("rows=3"));
}
