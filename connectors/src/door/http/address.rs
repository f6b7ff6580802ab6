//! Where calls may go: https to public addresses, unless the connection is simulated. A literal address is checked when
//! the configuration is read, a name each time that it is resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A base URL of the configuration, or what was expected; a private address only where the connection is `simulated`.
pub(super) fn base_url(text: &str, simulated: bool) -> Result<Url, &'static str> {
    if text.len() > 2_000 {
        return Err("longer than 2000 characters");
    }
    let url: Url = text.parse().map_err(|_| "expected a URL such as https://api.example.com")?;
    let http = url.scheme() == "http";
    if url.scheme() != "https" && !(http && simulated) {
        return Err("expected a URL that starts with https:// (http only where simulated = true)");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL without user, query or fragment");
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("expected a URL with a host")?;
    // The URL parser has already turned every notation of an address (hex, octal, short) into the usual one.
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local_name = host.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    let private = literal.is_ok_and(|address| !is_public(address)) || local_name;
    if private && !simulated {
        return Err("expected a public address (private and loopback ones only where simulated = true)");
    }
    Ok(url)
}

/// Resolves a name and gives its addresses only if all of them are public.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() || found.iter().any(|address| !is_public(address.ip())) {
                return Err("the host has no address, or one that is not public".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is reachable on the public internet (IANA special-purpose registries, RFC 6890 and its updates).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [first, second, third, ..] = address.segments();
    // Only 2000::/3 is given out; of it not the translated, tunnelled, benchmarking and documentation ranges.
    let global = (0x2000..0x4000).contains(&first);
    let special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        || first == 0x2002
        || (first == 0x3fff && second < 0x1000)
        || (first == 0x2620 && second == 0x004f && third == 0x8000);
    global && !special
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "192.0.2.1",
            "198.18.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "64:ff9b::1",
            "2002:7f00:1::",
            "fe80::1",
            "::",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.15.0.1", "2606:4700::1111"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
