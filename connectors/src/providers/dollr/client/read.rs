//! Reads (`providers/dollr.md`, sections 5, 9 to 11 and 13). None moves money, so each may be made again. What only says
//! something together is read and kept together: an execution beside its source, a checkout's status beside its source and,
//! once it is paid, its receipt.

use reqwest::{Method, Url};

use super::super::bundle::{Bundle, Part};
use super::super::handle::{Family, Handle, SourceRef};
use super::super::wire::{self, Receipt, SourceStatus, Stage};
use super::super::{COLLECTION, FEE_TIERS, INVOICE, MERCHANT, ORDER, PAYOUT, RECEIPT, REFUND, TRANSFER, kind};
use super::execute::executed;
use super::{Client, RawBody, Step};
use crate::checks::must;
use crate::connector::{CallError, ObjectRef, RawAnswer, Unreadable};

/// Reads an object.
pub(super) async fn read(client: &Client, object: &ObjectRef, handle: Option<&str>) -> Result<RawAnswer, CallError> {
    let id = object.id.as_deref();
    let reference = object.reference.as_deref().or(id);
    let (kind, RawBody { status, body }) = match object.kind {
        COLLECTION => match handle.map(str::parse::<Handle>) {
            None => (kind::COLLECTION, client.collection(reference, None).await?),
            Some(Ok(Handle::Source { source, .. })) => {
                (kind::COLLECTION, client.collection(reference, Some(&source)).await?)
            }
            Some(Ok(Handle::Hosted(source))) => (kind::HOSTED, client.hosted(&source).await?),
            Some(_) => return Err(CallError::Refused("handle: not of a collection".to_owned())),
        },
        PAYOUT => (kind::PAYOUT_STATUS, client.execution(PAYOUT, reference).await?),
        TRANSFER => (kind::TRANSFER_STATUS, client.execution(TRANSFER, reference).await?),
        REFUND => (kind::REFUND_STATUS, client.execution(REFUND, reference).await?),
        INVOICE => (kind::SOURCE, client.alone(Family::Invoice, id).await?),
        ORDER => (kind::SOURCE, client.alone(Family::Order, id).await?),
        RECEIPT => (kind::RECEIPT, client.receipt(&named(id)?).await?),
        MERCHANT => {
            let query = [("merchant_id", client.merchant.as_str()), ("merchant_type", &client.merchant_type)];
            let own = |text: &str| same(wire::merchant(text)?, &client.merchant);
            (kind::MERCHANT, client.get(client.url(["merchants", "merchant-info"], &query), own).await?)
        }
        FEE_TIERS => (kind::FEE_TIERS, client.get(client.url(["fees", "tiers"], &[]), wire::tiers).await?),
        _ => return Err(CallError::NotOffered),
    };
    Ok(RawAnswer { kind, status, body })
}

/// Whether an answer is about what was asked for.
fn same(found: String, asked: &str) -> Result<(), Unreadable> {
    if found == asked { Ok(()) } else { Err(wire::unreadable("id", "another one than was asked for")) }
}

/// The source that an id names, as its receipt is called.
fn named(id: Option<&str>) -> Result<SourceRef, CallError> {
    let source = id.ok_or(CallError::NotOffered)?.parse();
    source.map_err(|_| CallError::Refused("object: expected an id such as INVOICE-101".to_owned()))
}

impl Client {
    async fn get(&self, url: Url, needed: impl FnOnce(&str) -> Result<(), Unreadable>) -> Result<RawBody, CallError> {
        Ok(self.ask(Step::Read, (Method::GET, url), None, needed).await?.1)
    }

    /// The status of an execution, by our reference: it has no other id.
    async fn execution(&self, operation: &str, reference: Option<&str>) -> Result<RawBody, CallError> {
        let reference = reference.ok_or(CallError::NotOffered)?;
        must(wire::is_reference(reference), "object: expected a UUID of version 4")?;
        self.get(self.url(["status", operation, reference], &[]), |text| executed(reference, operation, text)).await
    }

    async fn source(&self, source: &SourceRef) -> Result<RawBody, CallError> {
        let url = self.url([source.family.path(), "retrieve", &source.id], &[]);
        self.get(url, |text| same(wire::made(text)?, &source.id)).await
    }

    /// A source by itself.
    async fn alone(&self, family: Family, id: Option<&str>) -> Result<RawBody, CallError> {
        let source = named(id.map(|id| format!("{}-{id}", family.word())).as_deref())?;
        let RawBody { status, body } = self.source(&source).await?;
        Ok(RawBody { status, body: Bundle::new().with(Part::Source, &body)?.finish() })
    }

    /// The source beside something of it. That it is not found says nothing of that.
    async fn beside(&self, bundle: Bundle, source: &SourceRef) -> Result<Bundle, CallError> {
        match self.source(source).await {
            Ok(RawBody { body, .. }) => Ok(bundle.with(Part::Source, &body)?),
            Err(CallError::NotFound) => Err(CallError::Unknown("its source is not found".to_owned())),
            Err(why) => Err(why),
        }
    }

    /// An execution beside its source, as far as that is known.
    async fn collection(&self, reference: Option<&str>, source: Option<&SourceRef>) -> Result<RawBody, CallError> {
        let RawBody { status, body } = self.execution(COLLECTION, reference).await?;
        let mut bundle = Bundle::new().with(Part::Execution, &body)?;
        if let Some(source) = source {
            bundle = self.beside(bundle, source).await?;
        }
        Ok(RawBody { status, body: bundle.finish() })
    }

    /// A checkout: the source's status, the source, and its receipt where there is one already.
    async fn hosted(&self, source: &SourceRef) -> Result<RawBody, CallError> {
        let query = [("source_type", source.family.word()), ("source_id", &source.id)];
        let needed = |text: &str| {
            let found: SourceStatus<'_> = wire::object("body", text)?;
            same(wire::integer_id("source_id", found.source_id)?, &source.id)?;
            Ok(Stage::of(&wire::required("status", found.status)?))
        };
        let request = (Method::GET, self.url(["status", "source"], &query));
        let (stage, RawBody { status, body }) = self.ask(Step::Read, request, None, needed).await?;
        let mut bundle = self.beside(Bundle::new().with(Part::Status, &body)?, source).await?;
        if stage == Stage::Paid {
            bundle = match self.receipt(source).await {
                Ok(receipt) => bundle.with(Part::Receipt, &receipt.body)?,
                // It may be late (section 11); the whole is asked for again.
                Err(CallError::NotFound | CallError::Refused(_)) => bundle,
                Err(why) => return Err(why),
            };
        }
        Ok(RawBody { status, body: bundle.finish() })
    }

    /// Calls a source off that is not paid, and reads it again: whether the answer is the source or nothing, no document
    /// says (section 14, row 26).
    pub(super) async fn cancel(&self, handle: Option<&str>) -> Result<RawAnswer, CallError> {
        let source = match handle.map(str::parse::<Handle>) {
            Some(Ok(Handle::Source { source, .. } | Handle::Hosted(source))) => source,
            _ => return Err(CallError::Refused("handle: not of a source that can be cancelled".to_owned())),
        };
        let call = (Method::DELETE, self.url([source.family.path(), "cancel", &source.id], &[]));
        let own = |text: &str| match text.trim() {
            "{}" => Ok(()),
            text => same(wire::integer_id("id", wire::object::<wire::Made<'_>>("body", text)?.id)?, &source.id),
        };
        self.ask(Step::Completes, call, None, own).await?;
        let RawBody { status, body } = self.alone(source.family, Some(&source.id)).await?;
        Ok(RawAnswer { kind: kind::SOURCE, status, body })
    }

    async fn receipt(&self, source: &SourceRef) -> Result<RawBody, CallError> {
        let url = self.url([source.family.path(), "receipt", &source.id], &[]);
        let own = |text: &str| {
            let receipt: Receipt<'_> = wire::object("body", text)?;
            same(wire::integer_id("id", receipt.invoice_id.or(receipt.order_id))?, &source.id)
        };
        self.get(url, own).await
    }
}
