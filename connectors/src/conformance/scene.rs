//! A small server that answers as a script says, also as no server should: half a body, a closed line, silence.
//!
//! One request for each connection, over plain TCP on loopback. Bounds: [`REQUEST_BYTES_MAX`] of a request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Largest request that is read.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// What comes back for a request.
#[derive(Debug, Clone)]
pub(super) enum Scripted {
    /// A whole answer.
    Answer { status: u16, header: Option<(&'static str, &'static str)>, body: Vec<u8> },
    /// Half of a body, and the line is closed.
    Cut { body: Vec<u8> },
    /// The line is closed without an answer.
    Closed,
    /// Nothing, and the line stays open.
    Silent,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// `POST /path`, without the query.
    pub(super) route: String,
    /// The whole request, head and body.
    pub(super) text: String,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Scripted>>,
    seen: Mutex<Vec<Seen>>,
}

/// The server; it ends with this value.
pub(super) struct Scene {
    /// Its URL.
    pub(super) base: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scene {
    /// Listens on a free port.
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { base, shared, task })
    }

    /// A URL where nobody listens; the port is nobody else's as long as the socket lives.
    pub(super) fn nobody() -> std::io::Result<(TcpSocket, String)> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let base = format!("http://{}", socket.local_addr()?);
        Ok((socket, base))
    }

    /// Sets the script, and forgets what was seen.
    pub(super) fn script(&self, answers: BTreeMap<String, Scripted>) {
        *self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What came since.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut lines = tokio::task::JoinSet::new();
    while let Ok((line, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        lines.spawn(async move {
            let _ = answer(line, &shared).await;
        });
        while lines.try_join_next().is_some() {}
    }
}

async fn answer(mut line: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Some(seen) = request(&mut line).await? else { return Ok(()) };
    let scripted = shared.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&seen.route).cloned();
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    let nobody = Scripted::Answer { status: 599, header: None, body: Vec::new() };
    match scripted.unwrap_or(nobody) {
        Scripted::Answer { status, header, body } => {
            let header = header.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n");
            line.write_all(head.as_bytes()).await?;
            line.write_all(&body).await?;
            line.shutdown().await
        }
        Scripted::Cut { body } => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            line.write_all(head.as_bytes()).await?;
            line.write_all(body.get(..body.len() / 2).unwrap_or_default()).await?;
            line.shutdown().await
        }
        Scripted::Closed => Ok(()),
        Scripted::Silent => std::future::pending().await,
    }
}

/// Reads one whole request.
async fn request(line: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8_192];
    loop {
        let read = line.read(&mut piece).await?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        if read == 0 || bytes.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let mut words = head.split_ascii_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        return Ok(Some(Seen { route: format!("{method} {path}"), text }));
    }
}
