//! Work for the toolkit's thread, waited for from elsewhere.

use hither_model::{ErrorCode, Failure};
use std::time::Duration;
use tauri::{AppHandle, Runtime};
use tokio::sync::oneshot;

/// Runs `work` on the toolkit's thread; it answers through what it is given, now or later.
///
/// # Errors
/// The window's program ends, the work was dropped, or it took longer than `within`.
pub(crate) async fn on_main<R: Runtime, T: Send + 'static>(
    app: &AppHandle<R>,
    within: Option<Duration>,
    work: impl FnOnce(oneshot::Sender<T>) + Send + 'static,
) -> Result<T, Failure> {
    let (answer, answered) = oneshot::channel();
    app.run_on_main_thread(move || work(answer)).map_err(|e| failed(&e))?;
    let outcome = match within {
        None => answered.await,
        Some(within) => tokio::time::timeout(within, answered).await.map_err(|e| failed(&e))?,
    };
    outcome.map_err(|e| failed(&e))
}

fn failed(e: &dyn std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::Internal, format!("the window does not answer: {e}"))
}
