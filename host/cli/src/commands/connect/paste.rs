//! A browser elsewhere: a person pastes the address that it ended at, or the code alone.
//!
//! What is pasted is read and checked, never shown.

use crate::exit::UsageError;
use footbridge_sandbox::{Code, ConsentRequest};
use std::io::BufRead;
use std::sync::Arc;

/// One line of standard input.
pub(super) async fn read(request: &Arc<ConsentRequest>) -> anyhow::Result<Code> {
    // A thread of its own: reading can't be called off, and Ctrl-C must end the command all the same.
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody waits any more when the command was stopped.
        let _sent = send.send(read.map(|_| line));
    });
    let line = receive.await??;
    if line.trim().is_empty() {
        return Err(UsageError(
            "nothing was pasted. Nothing was stored; run the command again".to_owned(),
        )
        .into());
    }
    Ok(request.read_pasted(&line)?)
}
