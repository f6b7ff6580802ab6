//! Small closed vocabularies inside facts, and the macro that makes records of fields.

use crate::codes::words;
use crate::node::{Field, Node, NodeError};

/// Declares a record: obligatory fields, then `maybe { }` (absent = no key), then `many { }` (empty = no key).
/// It gives the struct, its JSON form, and its place in a leaf.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$rm:meta])* $rf:ident : $rt:ty),* $(,)?
    } maybe {
        $($(#[$om:meta])* $of:ident : $ot:ty),* $(,)?
    } many {
        $($(#[$lm:meta])* $lf:ident : $lt:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$rm])* pub $rf: $rt,)*
            $($(#[$om])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $of: Option<$ot>,)*
            $($(#[$lm])* #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $lf: Vec<$lt>,)*
        }

        impl $name {
            /// Writes its fields into a map under construction.
            #[allow(clippy::ptr_arg, unused_variables)]
            pub(crate) fn put(&self, map: &mut Vec<(std::borrow::Cow<'static, str>, $crate::node::Node)>) {
                $($crate::word::put(map, stringify!($rf), &self.$rf);)*
                $($crate::word::put(map, stringify!($of), &self.$of);)*
                $($crate::word::put(map, stringify!($lf), &self.$lf);)*
            }

            /// Takes its fields out of a map.
            #[allow(unused_variables)]
            pub(crate) fn take(fields: &mut $crate::node::Fields) -> Result<Self, $crate::node::NodeError> {
                Ok(Self {
                    $($rf: fields.take(stringify!($rf))?,)*
                    $($of: fields.take(stringify!($of))?,)*
                    $($lf: fields.take(stringify!($lf))?,)*
                })
            }
        }

        impl $name {
            /// Its fields as a JSON schema has them.
            #[allow(unused_variables, unused_mut)]
            pub(crate) fn shape(defs: &mut $crate::schema::Defs) -> $crate::schema::Shape {
                let mut shape = $crate::schema::Shape::default();
                $(
                    shape.required.push(stringify!($rf));
                    shape.properties.insert(stringify!($rf).to_owned(), <$rt as $crate::schema::Schema>::schema(defs));
                )*
                $(shape.properties.insert(stringify!($of).to_owned(), <$ot as $crate::schema::Schema>::schema(defs));)*
                $(shape.properties.insert(stringify!($lf).to_owned(), <Vec<$lt> as $crate::schema::Schema>::schema(defs));)*
                shape
            }
        }

        impl $crate::schema::Schema for $name {
            fn schema(defs: &mut $crate::schema::Defs) -> serde_json::Value {
                defs.define(stringify!($name), |defs| Self::shape(defs).object())
            }
        }

        impl $crate::node::Field for $name {
            fn to_node(&self) -> Option<$crate::node::Node> {
                let mut map = Vec::new();
                self.put(&mut map);
                Some($crate::node::Node::Map(map))
            }
            fn from_node(
                node: Option<$crate::node::Node>,
                field: &'static str,
            ) -> Result<Self, $crate::node::NodeError> {
                let node = node.ok_or($crate::node::NodeError::Missing(field))?;
                let mut fields = $crate::node::Fields::of(node, field)?;
                let value = Self::take(&mut fields)?;
                fields.finish()?;
                Ok(value)
            }
        }
    };
}
pub(crate) use record;

/// Adds a field to a map under construction, if it is there.
pub(crate) fn put<T: Field>(map: &mut Vec<(std::borrow::Cow<'static, str>, Node)>, key: &'static str, value: &T) {
    if let Some(node) = value.to_node() {
        map.push((key.into(), node));
    }
}

words! {
    /// Whose service a fee pays (`bookkeeping.md` 2).
    Component {
        /// The firm we have the contract with.
        Provider = "provider",
        /// The operator, scheme or gateway.
        Network = "network",
        /// Currency exchange.
        Fx = "fx",
        /// Tax on a fee.
        Tax = "tax",
        /// One figure for all.
        Unitemised = "unitemised",
    }
}

words! {
    /// Who pays a fee.
    Bearer {
        /// We do: it is in our books.
        Merchant = "merchant",
        /// The payer does, on top.
        Payer = "payer",
        /// The beneficiary does, out of the amount.
        Beneficiary = "beneficiary",
    }
}

words! {
    /// Where a figure comes from.
    FigureSource {
        /// The provider stated it.
        Observed = "observed",
        /// It follows from figures that the provider stated.
        Derived = "derived",
    }
}

words! {
    /// What a tax is, in a jurisdiction's own terms.
    TaxKind {
        /// Value added tax.
        Vat = "vat",
        /// Excise duty.
        Excise = "excise",
        /// A levy on the movement.
        Levy = "levy",
        /// Withholding tax.
        Withholding = "withholding",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Real money or a sandbox; a book is one or the other.
    Mode {
        /// Real money.
        Live = "live",
        /// Sandbox money.
        Test = "test",
    }
}

words! {
    /// When an invoice counts as income.
    Recognition {
        /// When it is published: receivable against income.
        OnPublish = "on_publish",
        /// When it is paid.
        OnPayment = "on_payment",
    }
}

words! {
    /// How reported fees meet those already posted.
    FeesMode {
        /// The list replaces the standing unitemised figure; sums must agree.
        Itemise = "itemise",
        /// The list comes on top.
        Extra = "extra",
    }
}

words! {
    /// Money in or out.
    Direction {
        /// Into the wallet.
        In = "in",
        /// Out of the wallet.
        Out = "out",
    }
}

words! {
    /// What a person decided about a discrepancy.
    Verdict {
        /// The withheld lines are posted.
        Accept = "accept",
        /// Nothing is posted.
        Reject = "reject",
        /// The suspense balance goes to an account.
        Move = "move",
    }
}

words! {
    /// What holds an open item (`bookkeeping.md` 1).
    ItemKind {
        /// A received payment: `liabilities:clearing:collections`.
        Payment = "payment",
        /// A payout: `assets:clearing:payouts`.
        Payout = "payout",
        /// Money on its way to or from our bank: `assets:clearing:bank`.
        Transfer = "transfer",
        /// An invoice marked paid without provider money: `assets:clearing:offline`.
        Offline = "offline",
    }
}

words! {
    /// The side of an account a balance stands on: debit is plus, credit is minus.
    Side {
        /// Plus.
        Debit = "debit",
        /// Minus.
        Credit = "credit",
    }
}

words! {
    /// Where `occurred_at` comes from.
    OccurredSource {
        /// The provider's own time of settlement or state.
        Provider = "provider",
        /// Our observation: the provider gave no time.
        Observation = "observation",
        /// Our command or decision.
        Ledger = "ledger",
    }
}

words! {
    /// How an observation was authenticated.
    EvidenceClass {
        /// A signature over the raw body verified.
        Signed = "signed",
        /// Our own authenticated read.
        Read = "read",
        /// Brought by a person; counts as our own read.
        Imported = "imported",
        /// From a connector outside the process.
        Connector = "connector",
        /// Unsigned push: wakes the poller, never posts.
        Hint = "hint",
    }
}

record! {
    /// Tax inside a fee.
    FeeTax {
        /// Which tax.
        kind: TaxKind,
        /// The component it is charged on.
        on: Component,
    } maybe {} many {}
}

record! {
    /// One fee of a payment, payout or account.
    Fee {
        /// Whose service it pays.
        component: Component,
        /// Who pays it.
        bearer: Bearer,
        /// Positive, in its own currency.
        amount: crate::Amount,
        /// Its currency; often the wallet's.
        currency: crate::Currency,
        /// Stated or derived.
        source: FigureSource,
        /// The provider's field name.
        label: String,
    } maybe {
        /// Set for tax fees.
        tax: FeeTax,
    } many {}
}

impl Field for crate::Money {
    fn to_node(&self) -> Option<Node> {
        Some(Node::map([("amount", self.amount.to_node()), ("currency", self.currency.to_node())]))
    }
    fn from_node(node: Option<Node>, field: &'static str) -> Result<Self, NodeError> {
        let mut fields = crate::node::Fields::of(node.ok_or(NodeError::Missing(field))?, field)?;
        let money = Self { amount: fields.take("amount")?, currency: fields.take("currency")? };
        fields.finish()?;
        Ok(money)
    }
}
