//! One writer a book: many callers, and another writer that takes over.

use std::sync::Arc;

use ensimbi_ledger::writer::{Writer, WriterError};

use crate::common::say::{BOOK, Say, WALLET, amount};
use crate::common::{House, on_both_stores, recorded, tell};

on_both_stores!(
    sixty_four_callers_share_commits_and_lose_nothing,
    a_writer_that_was_overtaken_writes_nothing_more,
    books_do_not_touch_each_other,
);

async fn sixty_four_callers_share_commits_and_lose_nothing(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let mut news = writer.news();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64u128 {
        let (writer, say) = (writer.clone(), say.clone());
        callers.spawn(async move {
            for n in 0..8 {
                // Half of them tell the same things.
                let n = (caller / 2) * 8 + n;
                assert_eq!(recorded(&tell(&writer, say.succeeded(n)).await), 1);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert_eq!(*news.borrow_and_update(), 2 + 32 * 8);
    assert_eq!(house.events(BOOK).await.len(), 2 + 32 * 8);
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap()[&WALLET].posted, amount("248320"));
    house.assert_sound(BOOK).await;
}

async fn a_writer_that_was_overtaken_writes_nothing_more(house: &House) {
    let say = Say::new("UGX");
    let first = house.writer(BOOK).await;
    first.submit(say.start()).await;
    let other = house.open_again().await;
    let second = Writer::start(Arc::clone(&other), house.clock(), BOOK, None).await.unwrap();
    recorded(&tell(&second, say.succeeded(1)).await);
    let head = house.store.head_row(BOOK).await.unwrap();
    let late = first.submit(vec![say.succeeded(2)]).await.remove(0);
    assert!(matches!(late, Err(WriterError::Fenced)), "{late:?}");
    assert_eq!(house.store.head_row(BOOK).await.unwrap(), head);
    let later = first.submit(vec![say.succeeded(3)]).await.remove(0);
    assert!(matches!(later, Err(WriterError::Fenced)), "{later:?}");
    assert!(first.is_running() && !first.is_writing());
    recorded(&tell(&second, say.succeeded(2)).await);
    house.assert_sound(BOOK).await;
    // The other one is quiet from here on: the first takes the book back by itself, and nobody is needed for it.
    for _ in 0..300 {
        if first.is_writing() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    recorded(&tell(&first, say.succeeded(3)).await);
    house.assert_sound(BOOK).await;
}

async fn books_do_not_touch_each_other(house: &House) {
    let say = Say::new("UGX");
    let there = Say { book: ensimbi_events::BookId(uuid::Uuid::from_u128(0xb11d)), ..say.clone() };
    for say in [&say, &there] {
        let writer = house.writer(say.book).await;
        writer.submit(say.start()).await;
        recorded(&tell(&writer, say.succeeded(1)).await);
    }
    assert_eq!(house.events(say.book).await.len(), 3);
    house.assert_sound(say.book).await;
    house.assert_sound(there.book).await;
}
