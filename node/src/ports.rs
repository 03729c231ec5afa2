//! Refusing to start on a port that is taken.
//!
//! The network backends share ports between processes (`SO_REUSEPORT`), the RPC server falls back to a random port and
//! the Prometheus endpoint's failure is not reported, so a second node on the same machine would look healthy and answer
//! half of the first one's calls. Every address is therefore tried before anything starts.

use sc_network::{Multiaddr, multiaddr::Protocol};
use sc_service::Configuration;
use std::{
    fmt, io,
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
};

/// What listens on an address, and the option that moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Connections of other nodes.
    PeerToPeer,
    /// JSON-RPC, over WebSocket and HTTP.
    Rpc,
    /// Metrics.
    Prometheus,
}

impl Purpose {
    fn option(self) -> &'static str {
        match self {
            Purpose::PeerToPeer => "--port",
            Purpose::Rpc => "--rpc-port",
            Purpose::Prometheus => "--prometheus-port",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::PeerToPeer => "peer-to-peer",
            Purpose::Rpc => "RPC",
            Purpose::Prometheus => "Prometheus",
        })
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another process listens there.
    #[error(
        "port {} is already in use, so the {purpose} address {address} cannot be opened: stop the other process or \
         choose another port with {}",
        address.port(), purpose.option()
    )]
    InUse {
        /// What was to listen.
        purpose: Purpose,
        /// Where.
        address: SocketAddr,
    },
    /// The operating system does not allow it (ports below 1024, as a rule).
    #[error(
        "port {} may not be opened by this user, so the {purpose} address {address} cannot be used: choose another \
         port with {}",
        address.port(), purpose.option()
    )]
    Denied {
        /// What was to listen.
        purpose: Purpose,
        /// Where.
        address: SocketAddr,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Udp,
}

/// Checks every address that a node with this configuration listens on, and keeps the RPC server from moving to another
/// port than the one asked for.
///
/// # Errors
/// The first address that is taken or not allowed. Port 0 (any free port) and addresses that this machine does not have
/// (IPv6 switched off) are not errors.
pub fn reserve(config: &mut Configuration) -> Result<(), PortError> {
    for address in &config.network.listen_addresses {
        if let Some((transport, address)) = socket_address(address) {
            probe(Purpose::PeerToPeer, transport, address)?;
        }
    }
    for endpoint in config.rpc.addr.iter_mut().flatten() {
        probe(Purpose::Rpc, Transport::Tcp, endpoint.listen_addr)?;
        endpoint.retry_random_port = false;
    }
    if let Some(prometheus) = &config.prometheus_config {
        probe(Purpose::Prometheus, Transport::Tcp, prometheus.port)?;
    }
    Ok(())
}

fn socket_address(address: &Multiaddr) -> Option<(Transport, SocketAddr)> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((Transport::Tcp, SocketAddr::new(ip, port))),
        Protocol::Udp(port) => Some((Transport::Udp, SocketAddr::new(ip, port))),
        _ => None,
    }
}

fn probe(purpose: Purpose, transport: Transport, address: SocketAddr) -> Result<(), PortError> {
    if address.port() == 0 {
        return Ok(());
    }
    let mut tried = address;
    // A listener on `::` takes the IPv4 port too unless told otherwise, which the network backends do; on the loopback
    // address the same conflicts show without that one.
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        tried.set_ip(Ipv6Addr::LOCALHOST.into());
    }
    let outcome = match transport {
        Transport::Tcp => TcpListener::bind(tried).map(drop),
        Transport::Udp => UdpSocket::bind(tried).map(drop),
    };
    match outcome.map_err(|error| error.kind()) {
        Err(io::ErrorKind::AddrInUse) => Err(PortError::InUse { purpose, address }),
        Err(io::ErrorKind::PermissionDenied) => Err(PortError::Denied { purpose, address }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = holder.local_addr().expect("bound");
        let error = probe(Purpose::Rpc, Transport::Tcp, address).expect_err("the port is taken");
        let text = error.to_string();
        assert!(text.contains(&format!("port {} is already in use", address.port())), "{text}");
        assert!(text.contains("--rpc-port"), "{text}");
        drop(holder);
        probe(Purpose::Rpc, Transport::Tcp, address).expect("free again");
    }

    #[test]
    fn a_wildcard_address_conflicts_with_loopback() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = holder.local_addr().expect("bound").port();
        let wildcard = SocketAddr::from(([0, 0, 0, 0], port));
        assert!(matches!(
            probe(Purpose::PeerToPeer, Transport::Tcp, wildcard),
            Err(PortError::InUse { purpose: Purpose::PeerToPeer, .. })
        ));
    }

    #[test]
    fn any_free_port_and_missing_addresses_pass() {
        probe(Purpose::Rpc, Transport::Tcp, SocketAddr::from(([127, 0, 0, 1], 0))).expect("port 0");
        // TEST-NET-1: no machine has this address.
        probe(Purpose::Rpc, Transport::Tcp, SocketAddr::from(([192, 0, 2, 1], 40_000)))
            .expect("not ours to judge");
    }

    #[test]
    fn multiaddresses_are_read() {
        let read = |text: &str| socket_address(&text.parse().expect("a multiaddress"));
        assert_eq!(
            read("/ip4/0.0.0.0/tcp/30333"),
            Some((Transport::Tcp, SocketAddr::from(([0, 0, 0, 0], 30333))))
        );
        assert_eq!(
            read("/ip4/127.0.0.1/tcp/30333/ws"),
            Some((Transport::Tcp, SocketAddr::from(([127, 0, 0, 1], 30333))))
        );
        assert_eq!(
            read("/ip6/::/udp/30333/webrtc-direct"),
            Some((Transport::Udp, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 30333))))
        );
        assert_eq!(read("/dns/example.org/tcp/30333"), None);
    }
}
