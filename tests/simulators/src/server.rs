//! Serves a simulator's router over HTTP/1.1 on a local address.
//!
//! Its one peculiarity: an answer marked [`CutConnection`] is never sent, the connection is closed
//! instead; that is how a lost answer looks to a client. It knows nothing of any vendor.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A simulator that is being served; dropping it stops it and cuts its connections.
#[derive(Debug)]
pub struct Running {
    /// `http://address:port`, no slash at the end.
    pub base_url: String,
    /// The address that was bound.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops listening and cuts every open connection.
    pub async fn stop(mut self) {
        self.task.abort();
        // An aborted task always ends in an error that says so.
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens on `address` (port 0: any free one) and answers with `router`.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(router: Router, address: SocketAddr) -> io::Result<Running> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, router));
    Ok(Running {
        base_url: format!("http://{address}"),
        address,
        task,
    })
}

async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of descriptors or a client that left already; the next may do.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no nodelay");
                }
                let service = TowerToHyperService::new(Cutting { router: router.clone() });
                connections.spawn(async move {
                    let served = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                    if let Err(error) = served {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Marks an answer that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub struct CutConnection;

impl CutConnection {
    /// An answer that will cut the connection.
    pub fn response() -> Response {
        let mut response = ().into_response();
        response.extensions_mut().insert(Self);
        response
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct CutOnPurpose;

/// The router, with marked answers turned into an error, at which hyper closes the connection.
#[derive(Clone)]
struct Cutting {
    router: Router,
}

impl tower_service::Service<hyper::Request<hyper::body::Incoming>> for Cutting {
    type Response = Response;
    type Error = CutOnPurpose;
    type Future = Pin<Box<dyn Future<Output = Result<Response, CutOnPurpose>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CutOnPurpose>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: hyper::Request<hyper::body::Incoming>) -> Self::Future {
        let answer = self.router.call(request.map(Body::new));
        Box::pin(async move {
            let response = match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<CutConnection>().is_some() {
                return Err(CutOnPurpose);
            }
            Ok(response)
        })
    }
}

/// A body that breaks off after some bytes.
#[derive(Debug)]
pub struct CutBody {
    rest: Option<Bytes>,
}

impl CutBody {
    /// The first `after_bytes` of `whole`, then a cut connection.
    pub fn body(whole: Bytes, after_bytes: usize) -> Body {
        let kept = after_bytes.min(whole.len());
        Body::new(Self {
            rest: Some(whole.slice(..kept)),
        })
    }
}

impl axum::body::HttpBody for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.rest.take() {
            Some(bytes) if !bytes.is_empty() => {
                // Come back after this frame has been written.
                context.waker().wake_by_ref();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            _ => Poll::Ready(Some(Err(io::Error::other(CutOnPurpose)))),
        }
    }
}

/// A body whose second half comes late.
pub struct SlowBody {
    first: Option<Bytes>,
    second: Option<Bytes>,
    pause: Pin<Box<tokio::time::Sleep>>,
}

impl SlowBody {
    /// `whole`, with a pause in the middle.
    pub fn body(whole: Bytes, pause: Duration) -> Body {
        let half = whole.len() / 2;
        Body::new(Self {
            first: Some(whole.slice(..half)),
            second: Some(whole.slice(half..)),
            pause: Box::pin(tokio::time::sleep(pause)),
        })
    }
}

impl axum::body::HttpBody for SlowBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.second.is_some() && self.pause.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.second.take().map(|second| Ok(Frame::data(second))))
    }
}
