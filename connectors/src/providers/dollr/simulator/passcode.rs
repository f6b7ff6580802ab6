//! The bodies of payout calls, new and old (provider facts, sections 7.2 and 8.2), and the passcode.

use super::Desk;
use super::request::{Ask, Reader};
use super::switches::PayoutBodies;
use super::tokens::is_secret;

/// Whether a body is to be read in the old form: where only that is taken, or both are and it looks like it.
pub(super) fn is_old(desk: &Desk<'_>, looks_old: bool) -> bool {
    match desk.faults.switches.payout_bodies {
        PayoutBodies::New => false,
        PayoutBodies::Old => true,
        PayoutBodies::Both => looks_old,
    }
}

/// Reads the passcode object; what is missing in it is wrong. Gives whether it is the merchant's.
pub(super) fn read(desk: &Desk<'_>, ask: &Ask, body: &mut Reader<'_>) -> bool {
    let merchant = desk.settings.merchant(ask.merchant);
    let mut good = false;
    body.inner("passcode", |passcode| {
        passcode.inner("token", |token| {
            let (code, phone, user) = (token.text("code"), token.opt_text("phone"), token.opt_text("user_id"));
            if phone.is_none() && user.is_none() {
                token.refuse("phone", "phone or user_id is needed");
            }
            good = merchant.is_some_and(|merchant| {
                let whose = phone.as_deref().is_none_or(|phone| phone == merchant.phone)
                    && user.as_deref().is_none_or(|user| user == merchant.user_id);
                is_secret(&merchant.passcode, &code) && whose
            });
        });
        passcode.inner("device", |device| {
            for name in ["name", "type", "platform", "user_agent", "client_ip"] {
                device.text(name);
            }
        });
    });
    good
}
