//! The token with which JavaScript cancels a long operation and follows its progress.

use std::sync::Arc;

use napi_derive::napi;

use crate::core::cancel::CancelToken;

/// Cancels an operation on the thread pool, and counts the bytes that it has done.
#[napi]
pub struct NativeCancelToken(Arc<CancelToken>);

impl NativeCancelToken {
    /// Returns the token of core, for work on other threads.
    pub fn shared(&self) -> Arc<CancelToken> {
        Arc::clone(&self.0)
    }
}

#[napi]
impl NativeCancelToken {
    /// Creates a token for one operation.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "only JavaScript creates tokens")]
    pub fn new() -> Self {
        Self(Arc::new(CancelToken::default()))
    }

    /// Asks the operation to end. It rejects soon afterwards.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// The number of bytes that are done.
    #[napi(getter, catch_unwind)]
    pub fn done(&self) -> f64 {
        self.0.done() as f64
    }
}
