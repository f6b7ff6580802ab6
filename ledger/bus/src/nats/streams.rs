//! The three streams: made if absent, read back, compared; a stranger's stream is never touched.
//!
//! Every limit is written as -1: servers turn 0 into -1, so only then does the read-back equal what was asked. What an
//! operator may choose without changing a promise (replicas, placement, description) is not compared.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{Context, CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use ensimbi_events::bus::Stream;

use super::NatsOptions;
use crate::BusError;

/// The outbox remembers longer than this.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

pub(super) struct Streams {
    names: [String; 3],
    configs: [Config; 3],
    /// Why a stream is not ours, as far as known.
    foreign: Mutex<[Option<String>; 3]>,
}

fn index(stream: Stream) -> usize {
    match stream {
        Stream::Claims => 0,
        Stream::Answers => 1,
        Stream::Log => 2,
    }
}

impl Streams {
    pub(super) fn new(options: &NatsOptions) -> Self {
        Self {
            names: Stream::ALL.map(|stream| stream.name(&options.prefix)),
            configs: Stream::ALL.map(|stream| config(stream, options)),
            foreign: Mutex::new([const { None }; 3]),
        }
    }

    pub(super) fn name(&self, stream: Stream) -> &str {
        &self.names[index(stream)]
    }

    /// Why a stream is known to be somebody else's.
    pub(super) fn foreign(&self, stream: Stream) -> Option<String> {
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner)[index(stream)].clone()
    }

    /// Looks at a stream; makes it if it is not there.
    pub(super) async fn check(&self, jetstream: &Context, stream: Stream) -> Result<(), BusError> {
        let result = self.look(jetstream, stream).await;
        let why = match &result {
            Err(BusError::Foreign(why)) => Some(why.clone()),
            Ok(()) => None,
            // Says nothing about whose it is.
            Err(_) => return result,
        };
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner)[index(stream)] = why;
        result
    }

    async fn look(&self, jetstream: &Context, stream: Stream) -> Result<(), BusError> {
        let wanted = &self.configs[index(stream)];
        // The second look is for a stream that another process made between our look and our making.
        for _ in 0..2 {
            match jetstream.get_stream(&wanted.name).await {
                Ok(found) => return compare(wanted, &found.cached_info().config),
                Err(error) => match error.kind() {
                    GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
                    GetStreamErrorKind::JetStream(e) => return Err(BusError::Unavailable(format!("JetStream: {e}"))),
                    _ => return Err(BusError::Unavailable("JetStream does not answer".to_owned())),
                },
            }
            match jetstream.create_stream(wanted).await {
                Ok(made) => {
                    tracing::info!(stream = wanted.name, "made the bus stream");
                    return compare(wanted, &made.cached_info().config);
                }
                Err(error) => match error.kind() {
                    CreateStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NAME_EXIST => {}
                    CreateStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_SUBJECT_OVERLAP => {
                        return Err(BusError::Foreign(format!(
                            "another stream on this server already takes {}; choose another bus prefix",
                            wanted.subjects.join(", ")
                        )));
                    }
                    kind => return Err(BusError::Unavailable(format!("stream {} not made: {kind}", wanted.name))),
                },
            }
        }
        Err(BusError::Unavailable(format!("stream {} comes and goes", wanted.name)))
    }
}

fn config(stream: Stream, options: &NatsOptions) -> Config {
    Config {
        name: stream.name(&options.prefix),
        subjects: vec![stream.subjects(&options.prefix)],
        description: Some("Ensimbi transport; may be emptied at any time".to_owned()),
        // Not a work queue: a durable that comes later, or a second one, must still find everything.
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: MAX_AGE,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: options.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_consumers: -1,
        max_message_size: -1,
        max_messages_per_subject: -1,
        ..Config::default()
    }
}

/// Ours, or whose settings differ and in what.
fn compare(wanted: &Config, found: &Config) -> Result<(), BusError> {
    let differences: Vec<&str> = [
        ("subjects", wanted.subjects == found.subjects),
        ("retention", wanted.retention == found.retention),
        ("storage", wanted.storage == found.storage),
        ("discard", wanted.discard == found.discard && !found.discard_new_per_subject),
        ("max_age", wanted.max_age == found.max_age),
        ("duplicate_window", wanted.duplicate_window == found.duplicate_window),
        ("max_msgs", wanted.max_messages == found.max_messages),
        ("max_bytes", wanted.max_bytes == found.max_bytes),
        ("max_consumers", wanted.max_consumers == found.max_consumers),
        ("max_msg_size", wanted.max_message_size == found.max_message_size),
        ("max_msgs_per_subject", wanted.max_messages_per_subject == found.max_messages_per_subject),
        ("no_ack", !found.no_ack),
        ("sealed", !found.sealed),
        ("republish", found.republish.is_none()),
        ("mirror", found.mirror.is_none()),
        ("sources", found.sources.as_ref().is_none_or(Vec::is_empty)),
    ]
    .into_iter()
    .filter(|(_, equal)| !equal)
    .map(|(field, _)| field)
    .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(BusError::Foreign(format!(
        "the stream {} exists with other settings ({}); it was left as it is: remove it or choose another bus prefix",
        wanted.name,
        differences.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_and_an_operators_choice_is_none() {
        let wanted = config(Stream::Log, &NatsOptions::new("nats://h"));
        let found = Config { num_replicas: 3, description: None, ..wanted.clone() };
        assert_eq!(compare(&wanted, &found), Ok(()));
        let found = Config { max_bytes: 10, retention: RetentionPolicy::WorkQueue, ..wanted.clone() };
        let told = compare(&wanted, &found).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(told.contains("ENSIMBI_LOG exists with other settings (retention, max_bytes)"), "{told}");
    }
}
