//! The history of payouts, by pages, with rows and decisions (provider facts, section 8).
//!
//! Arrays are repeated keys. Nobody knows how `Skip` and `Limit` mix with `Page` and `PageSize`: here the latter pair
//! wins where either of it is given. No page holds more than the parameter `history_page_max`.

use std::collections::BTreeMap;

use ensimbi_events::Time;
use sqlx::{Row, SqliteConnection};

use super::answer::Oddities;
use super::faults::{Fault, Faults};
use super::http::Outcome;
use super::records::Record;
use super::service::{BEFORE_READING, UNKNOWN_STATUS};
use super::wallets::PARTNER;
use super::wrong::bad_request;
use super::{IotecSimulator, status};
use crate::simulator::faults::gate;
use crate::simulator::{Result, SimulatorError};

const PAGE_SIZE: i64 = 10;
const LIMIT: i64 = 5_000;
/// Most keys of a query that are looked at.
const KEYS_MAX: usize = 200;

/// A page that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    wallet_id: Option<String>,
    bulk_id: Option<String>,
    external_id: Option<String>,
    partner_id: Option<String>,
    query: Option<String>,
    /// By the parameter's name, as JSON arrays for the database.
    lists: BTreeMap<&'static str, Vec<String>>,
    from: Option<Time>,
    to: Option<Time>,
    skip: i64,
    size: i64,
    ascending: bool,
}

const LISTS: [&str; 4] = ["Categories", "Statuses", "Vendors", "StatusCodes"];

/// Reads the query; the error is the message of the 400.
fn read(pairs: Vec<(String, String)>, page_max: u32) -> std::result::Result<Asked, &'static str> {
    if pairs.len() > KEYS_MAX {
        return Err("The request is not valid");
    }
    let mut asked = Asked::default();
    let (mut page, mut page_size, mut skip, mut limit) = (None, None, None, None);
    let number = |value: &str, least: i64| value.parse().ok().filter(|number| (least..=1_000_000).contains(number));
    for (key, value) in pairs {
        if let Some(list) = LISTS.into_iter().find(|list| *list == key) {
            asked.lists.entry(list).or_default().push(value);
            continue;
        }
        match key.as_str() {
            "WalletId" => asked.wallet_id = Some(value),
            "BulkId" => asked.bulk_id = Some(value),
            "ExternalId" => asked.external_id = Some(value),
            "PartnerId" => asked.partner_id = Some(value),
            "Query" => asked.query = Some(value.to_lowercase()),
            "Skip" => skip = Some(number(&value, 0).ok_or("Invalid skip")?),
            "Limit" => limit = Some(number(&value, 1).ok_or("Invalid limit")?),
            "Page" => page = Some(number(&value, 1).ok_or("Invalid page")?),
            "PageSize" => page_size = Some(number(&value, 1).ok_or("Invalid page size")?),
            "OrderBy" if value == "createdAt" => {}
            "OrderBy" => return Err("Invalid order by"),
            "Order" if value == "desc" => asked.ascending = false,
            "Order" if value == "asc" => asked.ascending = true,
            "Order" => return Err("Invalid order"),
            "From" => asked.from = Some(value.parse().map_err(|_| "Invalid from")?),
            "To" => asked.to = Some(value.parse().map_err(|_| "Invalid to")?),
            _ => {}
        }
    }
    let by_skip = page.is_none() && page_size.is_none() && (skip.is_some() || limit.is_some());
    let size = if by_skip { limit.unwrap_or(LIMIT) } else { page_size.unwrap_or(PAGE_SIZE) };
    asked.size = size.min(i64::from(page_max));
    asked.skip = if by_skip { skip.unwrap_or(0) } else { (page.unwrap_or(1) - 1) * asked.size };
    Ok(asked)
}

/// The filter, whose parameters are 1 to 11; the page's are 12 to 14.
macro_rules! matching {
    ($select:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM record AS r JOIN payout AS p ON p.record = r.seq
             WHERE r.kind = 'Disbursement' AND (?1 IS NULL OR r.wallet_id = ?1) AND ?2 IS NULL
               AND (?3 IS NULL OR r.external_id = ?3)
               AND (?4 IS NULL OR p.category IN (SELECT value FROM json_each(?4)))
               AND (?5 IS NULL OR r.status IN (SELECT value FROM json_each(?5)))
               AND (?6 IS NULL OR r.vendor IN (SELECT value FROM json_each(?6)))
               AND (?7 IS NULL OR r.status_code IN (SELECT value FROM json_each(?7)))
               AND (?8 IS NULL OR EXISTS (SELECT 1 FROM wallet AS w WHERE w.id = r.wallet_id AND w.partner_id = ?8))
               AND (?9 IS NULL OR instr(lower(r.id || ' ' || coalesce(r.external_id, '') || ' ' || r.party || ' '
                 || coalesce(r.party_name, '') || ' ' || coalesce(p.upload_name, '') || ' '
                 || coalesce(r.payee_note, '')), ?9))
               AND (?10 IS NULL OR r.created_at >= ?10) AND (?11 IS NULL OR r.created_at <= ?11) ",
            $end
        )
    };
}

const COUNT: &str = matching!("count(*)", "");
const PAGE: &str = matching!(
    "r.*",
    "ORDER BY CASE WHEN ?12 THEN r.created_at ELSE -r.created_at END, CASE WHEN ?12 THEN r.seq ELSE -r.seq END
     LIMIT ?13 OFFSET ?14"
);

/// The page's records, and how many there are in all.
async fn find(db: &mut SqliteConnection, asked: &Asked) -> Result<(Vec<Record>, i64)> {
    let list = |name: &str| -> Result<Option<String>> {
        let values = asked.lists.get(name).map(serde_json::to_string);
        values.transpose().map_err(|error| SimulatorError::Damaged(error.to_string()))
    };
    let (categories, statuses) = (list("Categories")?, list("Statuses")?);
    let (vendors, codes) = (list("Vendors")?, list("StatusCodes")?);
    let (from, to) = (asked.from.map(Time::micros), asked.to.map(Time::micros));
    macro_rules! filtered {
        ($query:expr) => {
            $query
                .bind(&asked.wallet_id)
                .bind(&asked.bulk_id)
                .bind(&asked.external_id)
                .bind(&categories)
                .bind(&statuses)
                .bind(&vendors)
                .bind(&codes)
                .bind(&asked.partner_id)
                .bind(&asked.query)
                .bind(from)
                .bind(to)
        };
    }
    let total: i64 = filtered!(sqlx::query(COUNT)).fetch_one(&mut *db).await?.try_get(0)?;
    let page = filtered!(sqlx::query_as(PAGE)).bind(asked.ascending).bind(asked.size).bind(asked.skip);
    Ok((page.fetch_all(db).await?, total))
}

async fn text(db: &mut SqliteConnection, faults: &Faults, asked: &Asked, unknown: bool) -> Result<String> {
    let (found, total) = find(&mut *db, asked).await?;
    let mut data = Vec::with_capacity(found.len());
    for of in &found {
        let extra_fields = faults.hits(Fault::ExtraFields, &of.key(), 0);
        let odd = Oddities { status: unknown.then_some(UNKNOWN_STATUS), extra_fields };
        data.push(status::whole(&mut *db, faults, of, odd).await?);
    }
    let pages = (total + asked.size - 1) / asked.size;
    let page = asked.skip / asked.size + 1;
    let shown = asked.skip.saturating_add(found.len() as i64);
    Ok(format!(
        "{{\"page\":{page},\"totalPages\":{pages},\"total\":{total},\"data\":[{}],\"hasPreviousPage\":{},\
         \"hasNextPage\":{}}}",
        data.join(","),
        asked.skip > 0,
        shown < total && !found.is_empty(),
    ))
}

impl IotecSimulator {
    pub(super) async fn history(&self, token: Option<&str>, pairs: Vec<(String, String)>) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let asked = match read(pairs, faults.parameters.history_page_max) {
            Ok(asked) => asked,
            Err(message) => return Ok(Outcome::Refused(bad_request(message))),
        };
        let drawn = gate(&mut tx, &faults, "paged-history", PARTNER, &BEFORE_READING).await?;
        let unknown = drawn.is_some_and(|drawn| drawn.fault == Fault::UnknownStatus);
        let text = text(&mut tx, &faults, &asked, unknown).await?;
        self.end_reading(tx, drawn, token, text).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn pages_are_counted_from_one_and_win_over_skip_and_limit() {
        let bounds = |query| {
            let asked = read(pairs(query), 100).unwrap();
            (asked.skip, asked.size)
        };
        assert_eq!(bounds(&[]), (0, 10));
        assert_eq!(bounds(&[("Page", "3"), ("PageSize", "20")]), (40, 20));
        assert_eq!(bounds(&[("Skip", "7"), ("Limit", "5")]), (7, 5));
        assert_eq!(bounds(&[("Skip", "7"), ("Page", "2")]), (10, 10));
        assert_eq!(bounds(&[("Limit", "5000")]), (0, 100));
        for bad in [[("Page", "0")], [("PageSize", "x")], [("Order", "up")], [("OrderBy", "amount")], [("From", "now")]]
        {
            assert!(read(pairs(&bad), 100).is_err(), "{bad:?}");
        }
    }
}
