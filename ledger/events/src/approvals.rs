//! What one person asked for and a second one must approve, before it is told to the ledger.
//!
//! The door keeps it ([`crate::commands::Commands::propose`]); approving it and telling it are one commit there.

use crate::{Fact, ObservationId, SubjectId, Time};

/// Most that one page of a list has.
pub const PAGE_MAX: u32 = 500;

/// A fact of ours that is to be approved.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The route, part of what the key is unique in.
    pub route: &'static str,
    /// What the caller sent, in one canonical form.
    pub body: Vec<u8>,
    /// The fact, without an approver.
    pub fact: Fact,
    /// When it happened; `None`: when it is approved.
    pub at: Option<Time>,
    /// Who asks: an id, never a name.
    pub actor_id: String,
    /// The bytes that bear it out, where it needs any.
    pub evidence: Option<ObservationId>,
}

/// A proposal as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The command's id.
    pub id: SubjectId,
    /// The fact, without an approver.
    pub fact: Fact,
    /// When it happened; `None`: when it is approved.
    pub at: Option<Time>,
    /// Who asked.
    pub actor_id: String,
    /// When.
    pub asked_at: Time,
    /// The bytes that bear it out.
    pub evidence: Option<ObservationId>,
    /// Who approved it and when, once somebody has.
    pub approved: Option<(String, Time)>,
    /// Who withdrew it and when, once somebody has: it is never told.
    pub withdrawn: Option<(String, Time)>,
    /// Whether it was there already.
    pub repeated: bool,
}

impl Proposed {
    /// Where it stands.
    pub const fn state(&self) -> ProposalState {
        match (&self.approved, &self.withdrawn) {
            (Some(_), _) => ProposalState::Approved,
            (None, Some(_)) => ProposalState::Withdrawn,
            (None, None) => ProposalState::Waiting,
        }
    }
}

/// Where a proposal stands. The last two are for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// For a second person.
    Waiting,
    /// And told to the ledger.
    Approved,
    /// Before anybody approved it.
    Withdrawn,
}

/// Which proposals are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposalsQuery {
    /// Those that stand there.
    pub state: ProposalState,
    /// After this one, in the order in which they were asked for.
    pub after: Option<(Time, SubjectId)>,
    /// At most so many.
    pub limit: u32,
}
