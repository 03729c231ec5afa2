//! How a worker is reached: `<node id>@<ip>:<port>[,<ip>:<port>…]`, as it stands in the worker's record on chain.
//!
//! The node id is the public key, 64 hexadecimal digits, that the worker proves when a connection is made: whoever answers at the
//! address with another key is not talked to.

use iroh::{EndpointAddr, EndpointId, TransportAddr};
use std::{collections::BTreeSet, fmt, net::SocketAddr, str::FromStr};

/// More addresses than this are not tried: the text is anybody's, and each address is sent packets.
pub const MAX_ADDRESSES: usize = 4;

/// A worker's node id and where it listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerAddress {
    id: EndpointId,
    addresses: BTreeSet<SocketAddr>,
}

/// Why a text is no worker's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no worker's address: {reason}; it is <node id>@<ip>:<port>, with 64 hexadecimal digits before the @"
)]
pub struct AddressError {
    text: String,
    reason: String,
}

impl WorkerAddress {
    /// A node id and 1 to [`MAX_ADDRESSES`] addresses that packets can be sent to.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn new(
        id: EndpointId,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self, AddressError> {
        let address = Self { id, addresses: addresses.into_iter().collect() };
        match address.fault() {
            None => Ok(address),
            Some(reason) => Err(AddressError { text: address.to_string(), reason }),
        }
    }

    /// The worker's public key as a node.
    pub fn id(&self) -> EndpointId {
        self.id
    }

    /// Where it listens.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().copied()
    }

    pub(crate) fn to_iroh(&self) -> EndpointAddr {
        EndpointAddr { id: self.id, addrs: self.addresses().map(TransportAddr::Ip).collect() }
    }

    fn fault(&self) -> Option<String> {
        if self.addresses.is_empty() || self.addresses.len() > MAX_ADDRESSES {
            return Some(format!(
                "it has {} addresses, 1 to {MAX_ADDRESSES} are expected",
                self.addresses.len()
            ));
        }
        let unusable = |address: &&SocketAddr| {
            let ip = address.ip();
            address.port() == 0 || ip.is_unspecified() || ip.is_multicast()
        };
        self.addresses.iter().find(unusable).map(|address| format!("nothing can be sent to {address}"))
    }
}

impl fmt::Display for WorkerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.id.as_bytes()))?;
        for (index, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if index == 0 { '@' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for WorkerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |reason: &str| AddressError { text: text.into(), reason: reason.into() };
        let (id, addresses) = text.split_once('@').ok_or_else(|| wrong("there is no @"))?;
        let mut key = [0; 32];
        hex::decode_to_slice(id, &mut key).map_err(|_| wrong("the node id is not 64 hexadecimal digits"))?;
        let id = EndpointId::from_bytes(&key).map_err(|_| wrong("the node id is no public key"))?;
        let addresses = addresses
            .split(',')
            .map(|address| address.parse().map_err(|_| wrong(&format!("{address:?} is no <ip>:<port>"))));
        let addresses = addresses.collect::<Result<BTreeSet<SocketAddr>, _>>()?;
        let address = Self { id, addresses };
        match address.fault() {
            None => Ok(address),
            Some(reason) => Err(wrong(&reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iroh::SecretKey;

    fn id() -> EndpointId {
        SecretKey::from_bytes(&[7; 32]).public()
    }

    #[test]
    fn what_is_written_reads_back_and_fits_on_chain() {
        for addresses in ["1.2.3.4:5", "[2001:db8::1]:65535", "1.2.3.4:5,[::1]:6"] {
            let text = format!("{}@{addresses}", hex::encode(id().as_bytes()));
            let address: WorkerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.id(), id());
        }
        let longest = SocketAddr::from(([0x2001, 1, 2, 3, 4, 5, 6, 0x7777], 65535));
        let text = WorkerAddress::new(id(), [longest]).unwrap().to_string();
        assert!(text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let id = hex::encode(id().as_bytes());
        for (text, reason) in [
            (String::new(), "no @"),
            (format!("{id}1.2.3.4:5"), "no @"),
            ("ab@1.2.3.4:5".into(), "64 hexadecimal digits"),
            (format!("{}@1.2.3.4:5", "zz".repeat(32)), "64 hexadecimal digits"),
            (format!("{id}@"), "no <ip>:<port>"),
            (format!("{id}@example.org:5"), "no <ip>:<port>"),
            (format!("{id}@1.2.3.4"), "no <ip>:<port>"),
            (format!("{id}@1.2.3.4:0"), "nothing can be sent"),
            (format!("{id}@0.0.0.0:5"), "nothing can be sent"),
            (format!("{id}@224.0.0.1:5"), "nothing can be sent"),
            (format!("{id}@1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4,1.1.1.1:5"), "5 addresses"),
        ] {
            let error = text.parse::<WorkerAddress>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
