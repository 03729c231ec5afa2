//! `/metrics` for Prometheus and `/health` for people and service managers, over HTTP.

use super::{
    Metrics,
    health::{Health, Pulse, Room, health},
    system,
    table::Metric as M,
};
use crate::daemon::decide::MISSES_IN_A_ROW;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration, time::Instant,
};
use tokio::{net::TcpListener, sync::Semaphore};

/// How long a client may take to send its request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long one connection may last.
const CONNECTION_WITHIN: Duration = Duration::from_secs(60);

/// Connections at a time: who asks is Prometheus, and now and then a person.
const CONNECTIONS: usize = 16;

/// How often the folders are measured.
const MEASURE_EVERY: Duration = Duration::from_secs(60);

/// How long to wait after a connection could not be taken: there may be no file left for it.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is served.
#[derive(Clone)]
pub struct Served {
    /// The daemon's vital signs.
    pub pulse: Pulse,
    /// The daemon's folders, with what [`super::table`] calls them.
    pub folders: Vec<(&'static str, PathBuf)>,
    /// What should be free where they are.
    pub min_free_mib: u64,
    /// The metrics.
    pub metrics: &'static Metrics,
}

/// A listening server, which serves nobody yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Listens at `address`.
    ///
    /// # Errors
    /// If somebody else does, or this machine has no such address.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends. Nothing that a client does ends it.
    pub async fn serve(self, served: Served) {
        let (measured, connections) = (served.clone(), Arc::new(Semaphore::new(CONNECTIONS)));
        tokio::spawn(async move {
            loop {
                let served = measured.clone();
                // A folder may hold many files.
                let _ = tokio::task::spawn_blocking(move || served.measure()).await;
                tokio::time::sleep(MEASURE_EVERY).await;
            }
        });
        loop {
            let Ok(permit) = connections.clone().acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a connection to the metrics could not be taken");
                    tokio::time::sleep(AGAIN_AFTER).await;
                    continue;
                }
            };
            let served = served.clone();
            tokio::spawn(async move {
                let _permit = permit;
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = served.answer(request.method(), request.uri().path());
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
                let serving = builder.serve_connection(TokioIo::new(stream), service);
                if let Ok(Err(error)) = tokio::time::timeout(CONNECTION_WITHIN, serving).await {
                    tracing::debug!(%error, "a reader of the metrics has gone");
                }
            });
        }
    }
}

impl Served {
    /// What `/health` says now.
    pub fn health(&self) -> Health {
        let rooms = self.folders.iter().map(|(name, folder)| Room {
            name,
            folder: folder.clone(),
            free_mib: system::free_bytes(folder).map(|bytes| bytes >> 20),
            wanted_mib: self.min_free_mib,
        });
        health(&self.pulse.read(), rooms.collect(), MISSES_IN_A_ROW, Instant::now())
    }

    /// Measures what takes time.
    pub fn measure(&self) {
        for (name, folder) in &self.folders {
            self.metrics.set(M::DiskUsed, Some(name), float(system::used_bytes(folder)));
        }
    }

    /// Measures what is quickly measured.
    pub fn refresh(&self) {
        let (metrics, vitals) = (self.metrics, self.pulse.read());
        metrics.forget_losses(Instant::now());
        for (name, folder) in &self.folders {
            if let Some(free) = system::free_bytes(folder) {
                metrics.set(M::DiskFree, Some(name), float(free));
            }
        }
        if let Some(bytes) = system::memory_bytes() {
            metrics.set(M::Memory, None, float(bytes));
        }
        if let Some(count) = system::open_files() {
            metrics.set(M::OpenFiles, None, float(count));
        }
        if let Some(seen) = vitals.best_seen {
            metrics.set(M::ChainBlockAge, None, seen.elapsed().as_secs_f64());
            #[allow(clippy::cast_precision_loss, reason = "for a chart")]
            metrics.set(M::ChainClockSkew, None, vitals.clock_skew_s as f64);
        }
        metrics.set(M::ChainConnected, None, f64::from(u8::from(vitals.connected)));
        metrics.set(M::Healthy, None, f64::from(u8::from(self.health().healthy)));
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            let mut answer = response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only\n".into());
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match path {
            "/metrics" => {
                self.refresh();
                response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", self.metrics.text())
            }
            "/health" => {
                let health = self.health();
                let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                let mut body = serde_json::to_vec_pretty(&health).unwrap_or_default();
                body.push(b'\n');
                response(status, "application/json", body)
            }
            _ => response(StatusCode::NOT_FOUND, "text/plain", "/metrics or /health\n".into()),
        }
    }
}

fn response(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn float(number: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "for a chart")]
    let float = number as f64;
    float
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
