//! What a suite serves itself, until it lets go of it.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A router that answers while this is held.
#[derive(Debug)]
pub struct Served(JoinHandle<()>);

impl Served {
    /// Answers on the listener from now on.
    pub fn on(listener: TcpListener, router: Router) -> Self {
        Self(tokio::spawn(async move {
            // It ends with the test; an error in between shows as an answer that never came.
            let _ = axum::serve(listener, router).await;
        }))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}
