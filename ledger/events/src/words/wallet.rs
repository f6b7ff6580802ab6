//! Wallets: what stood there before us, transfers, holds, fees by themselves, rows nobody explains.

use crate::word::{Direction, Fee, record};
use crate::{Amount, Currency, SubjectId, Time, WalletId};

record! {
    /// What the wallet held when we began.
    OpeningBalanceDeclared {
        /// Everything settled up to here is inside the figure.
        as_of: Time,
        /// Spendable, signed.
        posted: Amount,
    } maybe {
        /// Withheld by the provider.
        held: Amount,
    } many {}
}

record! {
    /// The provider's own figures; never posts by itself.
    BalanceReported {
        /// When it was true.
        as_of: Time,
        /// Spendable or total, as the provider's table says.
        balance: Amount,
    } maybe {
        /// Withheld.
        held: Amount,
        /// Usable now.
        available: Amount,
    } many {}
}

record! {
    /// A top-up from our bank or another wallet.
    WalletFunded {
        /// What was sent.
        amount: Amount,
        /// What arrived.
        wallet_credit: Amount,
    } maybe {} many {
        /// Fees.
        fees: Fee,
    }
}

record! {
    /// Between two purses of a connection.
    PurseTransferred {
        /// Out of.
        from: WalletId,
        /// Into.
        to: WalletId,
        /// In the first purse's currency.
        amount_out: Amount,
        /// In the second purse's currency.
        amount_in: Amount,
        /// The second purse's currency.
        currency_in: Currency,
    } maybe {} many {
        /// Fees, taken from the first purse.
        fees: Fee,
    }
}

record! {
    /// A part of a hold that belongs to one payment.
    HoldPart {
        /// The payment.
        payment_id: SubjectId,
        /// Its part.
        amount: Amount,
    } maybe {} many {}
}

macro_rules! holds {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// All of it.
                amount: Amount,
            } maybe {} many {
                /// Whose it is, at most 300.
                parts: HoldPart,
            }
        }
    )*};
}

holds! {
    /// The provider withholds what was spendable.
    FundsHeld,
    /// The provider lets go of what it withheld.
    FundsReleased,
}

macro_rules! lone_fees {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {} maybe {
                /// The payment it belongs to.
                payment_id: SubjectId,
                /// Its document's number.
                document: String,
            } many {
                /// The fees.
                fees: Fee,
            }
        }
    )*};
}

lone_fees! {
    /// A fee by itself.
    FeeCharged,
    /// A fee given back by itself.
    FeeReturned,
}

record! {
    /// The wallet surely moved and no event explains it.
    WalletMovementReported {
        /// The provider's row.
        row_id: String,
        /// In or out.
        direction: Direction,
        /// How much.
        amount: Amount,
        /// The provider's word.
        category: String,
    } maybe {} many {}
}

record! {
    /// A line of a provider's statement, as evidence.
    StatementLineReported {
        /// The provider's line id.
        row_id: String,
        /// In or out.
        direction: Direction,
        /// How much.
        amount: Amount,
        /// The provider's word.
        category: String,
    } maybe {
        /// Balance after the line.
        balance: Amount,
    } many {}
}
