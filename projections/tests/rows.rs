//! Whole tables: every row once and in order over several pages, and one snapshot while the views go on.

#![allow(clippy::unwrap_used)]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use ensimbi_events::SubjectKind;
use ensimbi_projections::query::{RowPages, RowsView, ViewRow, ViewTable};
use ensimbi_projections::{Projector, Views, all};
use support::{BOOK, Database, Place, fact, on_both, requested, scripted, subject};

async fn read(mut pages: Box<dyn RowPages>) -> Vec<ViewRow> {
    let total = pages.total();
    let mut rows = Vec::new();
    loop {
        let page = pages.next().await.unwrap();
        if page.is_empty() {
            assert_eq!(rows.len() as u64, total);
            return rows;
        }
        rows.extend(page);
    }
}

on_both!(every_row_comes_once_and_in_order_and_none_that_came_later);

async fn every_row_comes_once_and_in_order_and_none_that_came_later(database: Database) {
    let place = Place::new(database).await;
    let book = Arc::new(scripted(600));
    let projector = Projector::new(place.open().await, book.clone(), all());
    projector.catch_up(BOOK).await.unwrap();
    let views = Views::new(projector.store().clone());
    let size = book.size();
    let mut opened = Vec::new();
    for table in ViewTable::ALL {
        let pages = views.rows(BOOK, *table).await.unwrap();
        assert_eq!(pages.stamp().position, size, "{table}");
        opened.push((*table, read(pages).await));
        if *table == ViewTable::Payments {
            // Opened, and read only after more was projected.
            let before = views.rows(BOOK, *table).await.unwrap();
            book.push(fact(subject(0x00ff_ffff), SubjectKind::Payment, requested("5")), 1, None, &[]);
            projector.catch_up(BOOK).await.unwrap();
            assert_eq!((before.stamp().position, &read(before).await), (size, &opened.last().unwrap().1));
            let after = views.rows(BOOK, *table).await.unwrap();
            assert_eq!((after.stamp().position, after.total()), (size + 1, opened.last().unwrap().1.len() as u64 + 1));
            break;
        }
    }
    let (_, payments) = opened.iter().find(|(table, _)| *table == ViewTable::Payments).unwrap();
    assert!(payments.len() > 500, "more than a page");
    let positions: Vec<u64> = payments.iter().map(position).collect();
    assert!(positions.is_sorted() && positions.iter().collect::<BTreeSet<_>>().len() == positions.len());
}

fn position(row: &ViewRow) -> u64 {
    match row {
        ViewRow::Payment(row) => row.first_position,
        _ => panic!("no payment"),
    }
}
