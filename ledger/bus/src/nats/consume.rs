//! One durable pull consumer, read continuously.
//!
//! Steps: stream there -> consumer looked up, compared, made if absent (never overwritten: making one with other
//! settings changes it silently on every server version) -> continuous pull -> batches.
//!
//! An error item never ends the loop. What means "gone" (consumer deleted, no responders, the pull ended) opens all of
//! it again; what may pass (a missed heartbeat) is checked by asking for the consumer, and so is a long silence,
//! because a server that was emptied and came back says nothing at all.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::consumer::pull::{Config, MessagesErrorKind, Stream as Pull};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use async_nats::jetstream::{AckKind, Message};
use async_trait::async_trait;
use ensimbi_events::bus::{BODY_BYTES_MAX, MAC_HEADER, Stream};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Link;
use crate::message::{Handle, Verdict};
use crate::{BusError, Delivery, Subscription};

/// Messages asked for at a time: with bodies at their largest still only 50 MB.
const PULL: usize = 200;
const PULL_EXPIRES: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// After so long without a message the consumer is asked for.
const SILENCE: Duration = Duration::from_secs(10);
const MAX_ACK_PENDING: i64 = 2_000;

pub(super) struct Reader {
    link: Arc<Link>,
    stream: Stream,
    wanted: Config,
    /// `None` while it has to be opened (again).
    pull: Option<Box<Pull>>,
    /// Changes with every new connection: a server that comes back may have been emptied.
    wake: watch::Receiver<u64>,
    /// Troubles since the last message.
    troubles: u32,
}

impl Reader {
    /// Waits until the consumer is there.
    pub(super) async fn open(link: Arc<Link>, stream: Stream, durable: &str, filter: &str) -> Result<Self, BusError> {
        let wanted = config(durable, filter, link.options.ack_wait);
        let wake = link.wake.clone();
        let mut reader = Self { link, stream, wanted, pull: None, wake, troubles: 0 };
        loop {
            match reader.reopen().await {
                Ok(()) => return Ok(reader),
                Err(error @ (BusError::Foreign(_) | BusError::Refused(_) | BusError::Closed)) => return Err(error),
                Err(BusError::Unavailable(why)) => reader.wait(&why).await?,
            }
        }
    }

    /// Everything from the stream on.
    async fn reopen(&mut self) -> Result<(), BusError> {
        if self.link.is_closed() {
            return Err(BusError::Closed);
        }
        if !self.link.connected() {
            return Err(BusError::Unavailable("not connected".to_owned()));
        }
        let consumer = self.consumer().await?;
        let pulling = consumer.stream().max_messages_per_batch(PULL).heartbeat(HEARTBEAT).expires(PULL_EXPIRES);
        let pull = pulling.messages().await.map_err(|e| BusError::Unavailable(e.kind().to_string()))?;
        self.pull = Some(Box::new(pull));
        Ok(())
    }

    /// The consumer as it is, or made.
    async fn consumer(&self) -> Result<Consumer<Config>, BusError> {
        let Link { jetstream, streams, .. } = &*self.link;
        streams.check(jetstream, self.stream).await?;
        let stream = streams.name(self.stream);
        let durable = self.wanted.durable_name.as_deref().unwrap_or_default();
        let found = match jetstream.get_consumer_from_stream(durable, stream).await {
            Ok(found) => found,
            Err(error) if is_absent(&error) => {
                let made = jetstream.create_consumer_on_stream(self.wanted.clone(), stream).await;
                let made = made.map_err(|e| BusError::Unavailable(format!("consumer {durable} not made: {e}")))?;
                tracing::info!(stream, durable, "made the bus consumer");
                made
            }
            Err(error) => return Err(BusError::Unavailable(format!("consumer {durable}: {error}"))),
        };
        self.compare(stream, durable, &found.cached_info().config)?;
        Ok(found)
    }

    fn compare(
        &self,
        stream: &str,
        durable: &str,
        found: &async_nats::jetstream::consumer::Config,
    ) -> Result<(), BusError> {
        let wanted = &self.wanted;
        let differences: Vec<&str> = [
            ("pull", found.deliver_subject.is_none()),
            ("deliver_policy", found.deliver_policy == wanted.deliver_policy),
            ("ack_policy", found.ack_policy == wanted.ack_policy),
            ("ack_wait", found.ack_wait == wanted.ack_wait),
            ("max_deliver", found.max_deliver == wanted.max_deliver),
            ("filter_subject", found.filter_subject == wanted.filter_subject),
            ("max_ack_pending", found.max_ack_pending == wanted.max_ack_pending),
            ("headers_only", !found.headers_only),
            ("inactive_threshold", found.inactive_threshold.is_zero()),
            ("backoff", found.backoff.is_empty()),
        ]
        .into_iter()
        .filter(|(_, equal)| !equal)
        .map(|(field, _)| field)
        .collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(BusError::Foreign(format!(
            "the consumer {durable} on {stream} exists with other settings ({}); it was left as it is: remove it or \
             choose another bus prefix",
            differences.join(", ")
        )))
    }

    /// Sleeps longer with each trouble, 50 ms to 3 s; ends early when the bus is closed.
    async fn wait(&mut self, why: &str) -> Result<(), BusError> {
        if self.troubles == 0 {
            tracing::warn!(stream = self.link.streams.name(self.stream), why, "bus subscription waits");
        }
        self.troubles = self.troubles.saturating_add(1);
        let pause = (Duration::from_millis(50) * 2_u32.pow(self.troubles.min(6))).min(Duration::from_secs(3));
        let mut closed = self.link.closed.subscribe();
        let closing = closed.wait_for(|closed| *closed);
        match timeout(pause, closing).await {
            Ok(_) => Err(BusError::Closed),
            Err(_) => Ok(()),
        }
    }

    /// After a trouble or a silence: keep the pull if the consumer is still there, else open again.
    async fn look(&mut self) {
        // A missed heartbeat twice in a row: the pull itself may hang although the consumer is well.
        if self.troubles > 1 {
            self.pull = None;
            return;
        }
        let name = self.link.streams.name(self.stream);
        let durable = self.wanted.durable_name.as_deref().unwrap_or_default();
        let asked = self.link.jetstream.get_consumer_from_stream::<Config, _, _>(durable, name).await;
        let Err(error) = asked else { return };
        if is_absent(&error) {
            tracing::warn!(stream = name, durable, "the bus consumer is gone; making it again");
        }
        // Without a clear answer too: opening again is patient and asks everything anew.
        self.pull = None;
    }
}

#[async_trait]
impl Subscription for Reader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        let mut closed = self.link.closed.subscribe();
        loop {
            if self.link.is_closed() {
                return Err(BusError::Closed);
            }
            let Some(pull) = self.pull.as_mut() else {
                match self.reopen().await {
                    Ok(()) => {}
                    Err(BusError::Closed) => return Err(BusError::Closed),
                    Err(error) => self.wait(&error.to_string()).await?,
                }
                continue;
            };
            let item = tokio::select! {
                item = timeout(SILENCE, pull.next()) => Some(item.map_err(|_| ())),
                Ok(()) = self.wake.changed() => None,
                _ = closed.wait_for(|closed| *closed) => return Err(BusError::Closed),
            };
            // A new connection is looked at like a silence.
            let item = item.unwrap_or(Err(()));
            match item {
                Ok(Some(Ok(first))) => {
                    self.troubles = 0;
                    // From here to the return nothing waits, so a dropped future loses no message.
                    let mut batch: Vec<Delivery> = deliver(&self.link, first).into_iter().collect();
                    while batch.len() < max
                        && let Some(Some(Ok(message))) = pull.next().now_or_never()
                    {
                        batch.extend(deliver(&self.link, message));
                    }
                    if !batch.is_empty() {
                        return Ok(batch);
                    }
                }
                Ok(Some(Err(error))) => {
                    let why = error.kind();
                    self.wait(&why.to_string()).await?;
                    match why {
                        MessagesErrorKind::MissingHeartbeat | MessagesErrorKind::Other => self.look().await,
                        _ => self.pull = None,
                    }
                }
                Ok(None) => {
                    self.pull = None;
                    self.wait("the pull ended").await?;
                }
                Err(_) => self.look().await,
            }
        }
    }
}

fn is_absent(error: &ConsumerError) -> bool {
    use async_nats::jetstream::ErrorCode;
    let gone = [ErrorCode::CONSUMER_NOT_FOUND, ErrorCode::STREAM_NOT_FOUND];
    matches!(error.kind(), ConsumerErrorKind::JetStream(e) if gone.contains(&e.error_code()))
}

fn config(durable: &str, filter: &str, ack_wait: Duration) -> Config {
    Config {
        durable_name: Some(durable.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        replay_policy: ReplayPolicy::Instant,
        ack_wait,
        max_deliver: -1,
        // One only: old servers drop a list of filters without a word.
        filter_subject: filter.to_owned(),
        max_ack_pending: MAX_ACK_PENDING,
        ..Config::default()
    }
}

/// A message as ours; one that is larger than anybody of us sends is terminated.
fn deliver(link: &Arc<Link>, message: Message) -> Option<Delivery> {
    let attempt = message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(u32::MAX).max(1));
    let message = message.message;
    let header = |name: &str| message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str().to_owned());
    let (message_id, mac) = (header("Nats-Msg-Id"), header(MAC_HEADER));
    // Without a reply subject it did not come from JetStream and nobody waits for an acknowledgement.
    let handle = NatsAck { link: link.clone(), reply: message.reply? };
    if message.payload.len() > BODY_BYTES_MAX {
        tracing::warn!(bytes = message.payload.len(), "an oversized bus message was terminated");
        tokio::spawn(handle.answer(Verdict::Term));
        return None;
    }
    Some(Delivery {
        subject: message.subject.to_string(),
        message_id,
        mac,
        body: message.payload.to_vec(),
        attempt,
        handle: Handle::Nats(handle),
    })
}

/// The way back to the server.
pub(crate) struct NatsAck {
    link: Arc<Link>,
    reply: Subject,
}

impl NatsAck {
    /// Sent without waiting for an answer; lost ones mean a redelivery, which every consumer recognises.
    pub(crate) async fn answer(self, verdict: Verdict) {
        let kind = match verdict {
            Verdict::Ack => AckKind::Ack,
            Verdict::Nak(delay) => AckKind::Nak(Some(delay)),
            Verdict::Term => AckKind::Term,
        };
        if self.link.client.publish(self.reply, kind.into()).await.is_err() {
            tracing::debug!("an acknowledgement was not sent; the message comes again");
        }
    }
}
