//! NATS JetStream behind the [`Bus`] trait.
//!
//! Steps: connect in the background and for ever (a server that is not there delays, it does not stop the start) ->
//! a keeper makes the three streams if absent, reads them back and compares ([`streams`]) -> publishes go out with up
//! to 1,000 acknowledgements in flight -> subscriptions read one durable pull consumer each ([`consume`]).
//!
//! Errors that pass by themselves (`no responders` and time-outs while a leader is elected or a stream was lost) are
//! tried again with the same `Nats-Msg-Id`, within 15 s in all; then the outbox keeps the note and tries later.
//! Credentials come in the URL or not at all, and the URL is never logged.

mod consume;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State as Connection;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use async_trait::async_trait;
use ensimbi_events::bus::{MAC_HEADER, Stream};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::subject::{check_durable, check_prefix, stream_of};
use crate::{Bus, BusError, Health, Outgoing, Subscription};

pub(crate) use consume::NatsAck;
use streams::Streams;

/// Publishes in flight at a time.
const IN_FLIGHT: usize = 1_000;
/// How long one publish call may take in all.
const PUBLISH_WITHIN: Duration = Duration::from_secs(15);
/// How long a server may take to answer one request.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often the keeper looks at the streams by itself.
const KEEPER_EVERY: Duration = Duration::from_secs(30);

/// Settings of the NATS bus.
#[derive(Clone)]
pub struct NatsOptions {
    /// `nats://[user:password@]host:port` or `tls://`; several with commas between.
    pub url: String,
    /// First word of streams and subjects.
    pub prefix: String,
    /// Copies of each stream when we make it (1, or 3 in a cluster).
    pub replicas: usize,
    /// After so long an unacknowledged delivery comes again.
    pub ack_wait: Duration,
}

impl NatsOptions {
    /// The usual settings for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        let (prefix, ack_wait) = ("ENSIMBI".to_owned(), Duration::from_secs(30));
        Self { url: url.into(), prefix, replicas: 1, ack_wait }
    }
}

impl std::fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("NatsOptions")
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

/// The bus in production. Dropping it ends its background task.
pub struct NatsBus {
    link: Arc<Link>,
    keeper: JoinHandle<()>,
}

/// What the parts share.
struct Link {
    options: NatsOptions,
    client: Client,
    jetstream: Context,
    streams: Streams,
    closed: watch::Sender<bool>,
    /// Counts connections.
    wake: watch::Receiver<u64>,
}

impl NatsBus {
    /// Starts connecting and comes back at once, connected or not.
    ///
    /// # Errors
    /// [`BusError::Refused`] for a URL or prefix that can never work.
    pub async fn connect(options: NatsOptions) -> Result<Self, BusError> {
        check_prefix(&options.prefix)?;
        // The parser's own message is not shown: it could quote the password.
        let refused = |_| BusError::Refused("the NATS URL is not one; expected nats://host:port".to_owned());
        let servers: Vec<ServerAddr> =
            options.url.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>().map_err(refused)?;
        let (woken, wake) = watch::channel(0_u64);
        let connecting = ConnectOptions::new()
            .name("ensimbi")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(ANSWER_WITHIN)
            .request_timeout(Some(ANSWER_WITHIN))
            // A dead peer is noticed within two of these, not after minutes.
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(backoff)
            .event_callback(move |event| {
                tell(&event);
                if matches!(event, Event::Connected) {
                    woken.send_modify(|n| *n += 1);
                }
                async {}
            });
        let client = connecting.connect(servers).await;
        let client =
            client.map_err(|e| BusError::Refused(format!("cannot begin to connect to NATS: {:?}", e.kind())))?;
        let jetstream = ContextBuilder::new()
            .timeout(ANSWER_WITHIN)
            .ack_timeout(ANSWER_WITHIN)
            .max_ack_inflight(IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        let (closed, _) = watch::channel(false);
        let streams = Streams::new(&options);
        let link = Arc::new(Link { options, client, jetstream, streams, closed, wake: wake.clone() });
        let keeper = tokio::spawn(keep(link.clone(), wake));
        Ok(Self { link, keeper })
    }
}

impl Drop for NatsBus {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Makes and checks the streams whenever the connection comes up, and every half minute.
async fn keep(link: Arc<Link>, mut wake: watch::Receiver<u64>) {
    let mut warned = false;
    // The connection usually stands at once; if not, say so once and go on trying.
    if timeout(Duration::from_secs(3), wake.changed()).await.is_err() {
        tracing::warn!("NATS cannot be reached yet; starting without it and trying for ever");
    }
    loop {
        if link.connected() {
            for warning in link.version_warnings().into_iter().filter(|_| !warned) {
                tracing::warn!("{warning}");
            }
            warned = true;
            for stream in Stream::ALL {
                if let Err(error) = link.streams.check(&link.jetstream, stream).await {
                    tracing::warn!(stream = link.streams.name(stream), %error, "bus stream is not ready");
                }
            }
        }
        // A channel without a sender answers at once, for ever: then only the timer is left.
        if let Ok(Err(_)) = timeout(KEEPER_EVERY, wake.changed()).await {
            sleep(KEEPER_EVERY).await;
        }
        if link.is_closed() {
            return;
        }
        // Not in a tight loop, whatever the connection does.
        sleep(Duration::from_millis(50)).await;
    }
}

impl Link {
    fn connected(&self) -> bool {
        self.client.connection_state() == Connection::Connected
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    fn version(&self) -> Option<String> {
        self.client.try_server_info().map(|info| info.version).filter(|v| !v.is_empty())
    }

    fn version_warnings(&self) -> Vec<String> {
        self.version().and_then(|v| version_warning(&v)).into_iter().collect()
    }

    async fn publish_one(&self, message: &Outgoing) -> Result<(), Trouble> {
        let sending = PublishMessage::build()
            .payload(message.body.clone().into())
            .message_id(&message.message_id)
            .header(MAC_HEADER, message.mac.as_str());
        let ack = self.jetstream.send_publish(message.subject.clone(), sending).await.map_err(Trouble::from)?;
        ack.await.map(drop).map_err(Trouble::from)
    }

    /// Publishes those that have no result yet; leaves those that may be tried again without one.
    async fn publish_round(
        &self,
        messages: &[Outgoing],
        results: &mut [Option<Result<(), BusError>>],
    ) -> Option<Trouble> {
        let open: Vec<usize> = (0..messages.len()).filter(|i| results[*i].is_none()).collect();
        let sends = open.into_iter().map(|i| async move { (i, self.publish_one(&messages[i]).await) });
        let mut done = stream::iter(sends).buffered(IN_FLIGHT);
        let mut last = None;
        while let Some((i, result)) = done.next().await {
            match result {
                Ok(()) => results[i] = Some(Ok(())),
                Err(Trouble { error: error @ BusError::Refused(_), .. }) => results[i] = Some(Err(error)),
                Err(trouble) => last = Some(trouble),
            }
        }
        last
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), BusError>> {
        let link = &self.link;
        let deadline = Instant::now() + PUBLISH_WITHIN;
        let mut results: Vec<Option<Result<(), BusError>>> =
            messages.iter().map(|m| link.admit(m).err().map(Err)).collect();
        let mut last = BusError::Unavailable("not connected".to_owned());
        let mut pause = Duration::from_millis(100);
        while results.iter().any(Option::is_none) && link.connected() && Instant::now() < deadline {
            // A round that is cut off leaves its unanswered messages without a result: they may or may not be there.
            match timeout_at(deadline, link.publish_round(&messages, &mut results)).await {
                Ok(None) => break,
                Ok(Some(trouble)) => {
                    last = trouble.error;
                    if trouble.lost {
                        link.settle_foreign(&messages, &mut results).await;
                    }
                }
                Err(_) => last = BusError::Unavailable("no acknowledgement in time".to_owned()),
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(last.clone()))).collect()
    }

    async fn subscribe(&self, stream: Stream, durable: &str, filter: &str) -> Result<Box<dyn Subscription>, BusError> {
        check_durable(durable, filter, &stream.subjects(&self.link.options.prefix))?;
        Ok(Box::new(consume::Reader::open(self.link.clone(), stream, durable, filter).await?))
    }

    async fn health(&self) -> Health {
        let link = &self.link;
        let version = link.version();
        let state =
            |ok, detail: String| Health { ok, detail, version: version.clone(), warnings: link.version_warnings() };
        if link.is_closed() {
            return state(false, "closed".to_owned());
        }
        if !link.connected() {
            return state(false, "not connected to NATS; trying".to_owned());
        }
        let checks = Stream::ALL.map(|stream| link.streams.check(&link.jetstream, stream));
        match timeout(Duration::from_secs(3), futures_util::future::try_join_all(checks)).await {
            Ok(Ok(_)) => state(true, "connected to NATS".to_owned()),
            Ok(Err(error)) => state(false, error.to_string()),
            Err(_) => state(false, "connected to NATS, but JetStream did not answer in 3 s".to_owned()),
        }
    }

    fn prefix(&self) -> &str {
        &self.link.options.prefix
    }

    async fn close(&self) {
        self.link.closed.send_replace(true);
        self.keeper.abort();
        // Lets acknowledgements that are on their way leave.
        let _ = timeout(Duration::from_secs(2), self.link.client.flush()).await;
    }
}

impl Link {
    /// What can be said before sending anything.
    fn admit(&self, message: &Outgoing) -> Result<(), BusError> {
        if self.is_closed() {
            return Err(BusError::Closed);
        }
        message.check()?;
        let stream = stream_of(&self.options.prefix, &message.subject)?;
        match self.streams.foreign(stream) {
            Some(why) => Err(BusError::Foreign(why)),
            None => Ok(()),
        }
    }

    /// Makes the streams of messages without a result, if they are gone; those on a stranger's stream are settled.
    async fn settle_foreign(&self, messages: &[Outgoing], results: &mut [Option<Result<(), BusError>>]) {
        for stream in Stream::ALL {
            let ours = |m: &Outgoing| stream_of(&self.options.prefix, &m.subject) == Ok(stream);
            let open = |(m, r): &(&Outgoing, &mut Option<_>)| r.is_none() && ours(m);
            if !messages.iter().zip(results.iter_mut()).any(|pair| open(&pair)) {
                continue;
            }
            // Other errors pass by themselves: the next round finds out.
            if let Err(error @ BusError::Foreign(_)) = self.streams.check(&self.jetstream, stream).await {
                messages.iter().zip(results.iter_mut()).filter(open).for_each(|(_, r)| *r = Some(Err(error.clone())));
            }
        }
    }
}

/// A publish that failed, and whether the stream itself may be gone.
struct Trouble {
    error: BusError,
    lost: bool,
}

impl From<PublishError> for Trouble {
    fn from(error: PublishError) -> Self {
        let kind = error.kind();
        let lost = kind == PublishErrorKind::StreamNotFound;
        let error = match kind {
            PublishErrorKind::MaxPayloadExceeded => {
                BusError::Refused("the server's max_payload is too small".to_owned())
            }
            _ => BusError::Unavailable(kind.to_string()),
        };
        Self { error, lost }
    }
}

fn backoff(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.min(6)).unwrap_or(6);
    (Duration::from_millis(50) * 2_u32.pow(doublings)).min(Duration::from_secs(2))
}

fn tell(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("NATS connection lost; trying again for ever"),
        Event::LameDuckMode => tracing::warn!("the NATS server is shutting down"),
        Event::ServerError(error) => tracing::warn!(%error, "NATS server complains"),
        Event::ClientError(_) => tracing::debug!("NATS cannot be reached yet"),
        Event::SlowConsumer(_) => tracing::warn!("a subscription reads too slowly; messages come again"),
        _ => {}
    }
}

/// What should be known about a server version.
fn version_warning(version: &str) -> Option<String> {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let parsed = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if parsed < (2, 10, 0) {
        return Some(format!(
            "nats-server {version} acknowledges before it has synced to disk and cannot be told otherwise; after a \
             power cut messages are sent again by the outbox. Use 2.10.23 or later with sync_interval: always"
        ));
    }
    (parsed < (2, 10, 23)).then(|| format!("nats-server {version} is older than 2.10.23, the oldest recommended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_warned_about() {
        assert!(version_warning("2.9.10").is_some_and(|w| w.contains("before it has synced")));
        assert!(version_warning("2.10.22").is_some_and(|w| w.contains("older than 2.10.23")));
        assert_eq!(version_warning("2.10.23"), None);
        assert_eq!(version_warning("2.15.1-beta.2"), None);
    }

    #[test]
    fn reconnecting_slows_down_to_two_seconds() {
        assert_eq!(backoff(0), Duration::from_millis(50));
        assert_eq!(backoff(1_000_000), Duration::from_secs(2));
    }

    #[test]
    fn the_url_is_not_shown() {
        let shown = format!("{:?}", NatsOptions::new("nats://u:secret@h:1"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[tokio::test]
    async fn a_bad_url_is_refused_without_quoting_it() {
        let told = NatsBus::connect(NatsOptions::new("ftp://u:secret@h")).await.err().map(|e| e.to_string());
        assert_eq!(
            told.as_deref(),
            Some("the bus cannot carry this: the NATS URL is not one; expected nats://host:port")
        );
    }
}
