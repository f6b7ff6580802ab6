//! The statement's file. No source shows its columns: one for each JSON field name of a payment, as section 15 of the
//! provider facts assumes. Figures are whole numbers in the smallest unit, times Unix seconds.

use std::collections::BTreeMap;

use ensimbi_events::Time;
use sqlx::{Row, SqliteConnection};

use super::lines::{self, Line};
use super::settings::Settings;
use super::switches::Switches;
use super::templates::seconds;
use crate::simulator::Result;

/// The columns, invented.
pub(super) const COLUMNS: &str = "id,product,type,status,reference,related_to,currency,amount,fee_amount,net_amount,pending_amount,\
is_outgoing,payment_type,paid_on,created_on";
/// Longest query text, and most values of one filter.
const QUERY_MAX: usize = 4_000;

/// Pairs of one bound each: from a moment on, before another.
type Span = (Option<i64>, Option<i64>);

/// What is asked for: `from <= t < to` in Unix seconds, and lists of which one must fit.
#[derive(Debug, Default)]
pub(super) struct Filter {
    created: Span,
    paid: Span,
    updated: Span,
    total: Option<(i64, i64)>,
    lists: BTreeMap<&'static str, Vec<String>>,
}

const LISTS: [&str; 8] = ["brand_id", "shop_id", "q", "products", "currency", "payment_method", "status", "product"];

impl Filter {
    /// From the query string; the error is the field that is unknown or unreadable.
    pub(super) fn read(query: &str) -> std::result::Result<Self, &'static str> {
        let mut filter = Self::default();
        if query.len() > QUERY_MAX {
            return Err("query");
        }
        for (name, value) in pairs(query) {
            let number = |field| value.parse::<i64>().map_err(|_| field);
            match name.as_str() {
                "from" => filter.created.0 = Some(number("from")?),
                "to" => filter.created.1 = Some(number("to")?),
                "paid_from" => filter.paid.0 = Some(number("paid_from")?),
                "paid_to" => filter.paid.1 = Some(number("paid_to")?),
                "updated_from" => filter.updated.0 = Some(number("updated_from")?),
                "updated_to" => filter.updated.1 = Some(number("updated_to")?),
                "total" => {
                    let (least, most) = value.split_once(',').ok_or("total")?;
                    let number = |text: &str| text.trim().parse().map_err(|_| "total");
                    filter.total = Some((number(least)?, number(most)?));
                }
                // Nothing here is checked by 3-D Secure, and no line has a country of its own.
                "three_d_secure" => return Err("three_d_secure"),
                "country" => return Err("country"),
                name => {
                    let list = LISTS.into_iter().find(|list| *list == name).ok_or("query")?;
                    filter.lists.entry(list).or_default().extend(value.split(',').map(str::to_owned));
                }
            }
        }
        Ok(filter)
    }

    fn takes(&self, settings: &Settings, line: &Line, of: &Of) -> bool {
        let within = |(from, to): Span, at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
        let (paid, created) = (whole(line.paid_on), whole(line.created_on));
        let listed = |name: &str, text: &str| {
            self.lists.get(name).is_none_or(|list| list.iter().any(|one| one.eq_ignore_ascii_case(text)))
        };
        let contains = |name: &str, texts: &[&str]| {
            self.lists.get(name).is_none_or(|list| {
                list.iter().any(|one| texts.iter().any(|text| text.to_lowercase().contains(&one.to_lowercase())))
            })
        };
        within(self.created, created)
            && within(self.paid, paid)
            && within(self.updated, of.updated_on.unwrap_or(paid))
            && self.total.is_none_or(|(least, most)| (least..=most).contains(&line.amount))
            && listed("brand_id", &settings.brand_id.to_string())
            // There are no shops.
            && !self.lists.contains_key("shop_id")
            && listed("currency", &line.currency)
            && listed("product", &line.product)
            && listed("status", &of.status)
            && listed("payment_method", &of.method)
            && contains("q", &[&line.uid, &of.reference, &line.related_to])
            && contains("products", &[&of.products])
    }
}

/// What a line takes from its object.
#[derive(Default)]
struct Of {
    kind: String,
    status: String,
    reference: String,
    method: String,
    products: String,
    updated_on: Option<i64>,
}

const fn whole(micros: i64) -> i64 {
    seconds(Time::from_micros(micros))
}

async fn of(db: &mut SqliteConnection, line: &Line) -> Result<Of> {
    let Some(seq) = line.object else {
        return Ok(Of { kind: "payment".to_owned(), status: "success".to_owned(), ..Of::default() });
    };
    let row = sqlx::query(
        "SELECT kind, status, reference, method, coalesce(json_extract(doc, '$.purchase.products'), ''),
           json_extract(doc, '$.updated_on') FROM object WHERE seq = ?1",
    )
    .bind(seq)
    .fetch_one(db)
    .await?;
    let kind: String = row.try_get(0)?;
    let own = matches!(kind.as_str(), "purchase" | "payout");
    Ok(Of {
        kind: if own { kind } else { "payment".to_owned() },
        // A payment of its own is a success, whatever becomes of its cause.
        status: if own { row.try_get(1)? } else { "success".to_owned() },
        reference: row.try_get(2)?,
        method: row.try_get(3)?,
        products: row.try_get(4)?,
        updated_on: row.try_get(5)?,
    })
}

/// The whole file.
pub(super) async fn file(
    db: &mut SqliteConnection,
    settings: &Settings,
    switches: Switches,
    filter: &Filter,
) -> Result<String> {
    let unknown = switches.unknown_csv_column;
    let mut text = COLUMNS.to_owned();
    text.push_str(if unknown { ",settlement_batch\r\n" } else { "\r\n" });
    for line in lines::all(&mut *db).await? {
        let of = of(&mut *db, &line).await?;
        if !filter.takes(settings, &line, &of) {
            continue;
        }
        let (paid, created) = (whole(line.paid_on).to_string(), whole(line.created_on).to_string());
        let figures = [line.amount, line.fee, line.net, line.pending].map(|figure| figure.to_string());
        let [amount, fee, net, pending] = &figures;
        let cells: [&str; 15] = [
            &line.uid,
            &line.product,
            &of.kind,
            &of.status,
            &of.reference,
            &line.related_to,
            &line.currency,
            amount,
            fee,
            net,
            pending,
            if line.outgoing { "true" } else { "false" },
            &line.payment_type,
            &paid,
            &created,
        ];
        let cells: Vec<String> = cells.into_iter().map(cell).collect();
        text.push_str(&cells.join(","));
        text.push_str(if unknown { ",1\r\n" } else { "\r\n" });
    }
    Ok(text)
}

/// A cell as RFC 4180 has it.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The pairs of a query string.
fn pairs(query: &str) -> Vec<(String, String)> {
    // The address in front is only there to be taken off again.
    let address = reqwest::Url::parse(&format!("http://localhost/?{query}"));
    address.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_what_it_cannot_read() {
        assert_eq!(Filter::read("from=1&to=2&product=payout&product=refund").map(|filter| filter.lists.len()), Ok(1));
        assert_eq!(Filter::read("from=x").map(|_| ()), Err("from"));
        assert_eq!(Filter::read("total=5").map(|_| ()), Err("total"));
        assert_eq!(Filter::read("colour=red").map(|_| ()), Err("query"));
    }

    #[test]
    fn a_cell_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!((cell("a"), cell("a,\"b")), ("a".to_owned(), "\"a,\"\"b\"".to_owned()));
    }
}
