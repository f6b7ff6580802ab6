//! The query API over a house of this process.

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_api::ApiState;
use ensimbi_api::keys::ApiKey;
use ensimbi_events::Clock;
use ensimbi_events::ports::{Check, Readiness};
use ensimbi_events::word::Mode;
use ensimbi_vault::SystemEntropy;
use tokio::net::TcpListener;

use crate::rooms::Rooms;
use crate::support::Caller;

struct Always;

#[async_trait]
impl Readiness for Always {
    async fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// Serves it; somebody with a key of their own.
pub async fn open(rooms: &Rooms) -> Caller {
    let key = ApiKey::make(&SystemEntropy, Mode::Test);
    rooms.door.add_key(key.hash(), "the test's").await.unwrap();
    let views = Arc::new(rooms.views().await);
    let state = ApiState {
        reader: Arc::clone(&rooms.store) as _,
        wallets: views.clone(),
        payments: views.clone(),
        fees: views.clone(),
        accounts: views.clone(),
        invoices: views.clone(),
        discrepancies: views.clone(),
        open_items: views.clone(),
        rows: views,
        commands: Some(Arc::clone(&rooms.door) as _),
        keys: Arc::clone(&rooms.door) as _,
        readiness: Arc::new(Always),
        clock: Arc::clone(&rooms.clock) as Arc<dyn Clock>,
        entropy: Arc::new(SystemEntropy),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { drop(axum::serve(listener, ensimbi_api::router(state)).await) });
    Caller::at(url, key.reveal())
}
