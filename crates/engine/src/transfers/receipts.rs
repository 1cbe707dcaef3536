//! Receipts, on the sending side: what the receiver signed is checked against what was sent, and believed only if it
//! accounts for every item.

use super::{
    Tool,
    machine::outgoing::{Event, Verdict},
    threads,
};
use crate::state::State;
use data_encoding::BASE64;
use hither_identity::certificate;
use hither_model::{ErrorCode, Failure, TransferId, row::FailedItem};
use hither_transfer::{Manifest, Receipt, ReceiptFault};

impl State {
    /// The receiver's signed receipt: it says what is on disk there.
    pub(super) fn receipted(&mut self, id: TransferId, receipt: String, signature: String) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.receipt = Some((receipt, signature));
        }
        self.sending(id, Event::Receipt);
    }

    pub(super) fn check_receipt(&mut self, id: TransferId, recalled: bool) {
        let verdict = self.verdict_on_receipt(id, recalled);
        self.sending(id, Event::Checked(verdict));
    }

    fn verdict_on_receipt(&mut self, id: TransferId, recalled: bool) -> Verdict {
        let Some(transfer) = self.transfers.get(&id) else { return Verdict::NotNow };
        let session = self.live_session(&transfer.kept.peer).and_then(|s| self.sessions.get(&s));
        let Some(proof) = session.and_then(|s| s.proof.clone()) else { return Verdict::NotNow };
        let Some(transfer) = self.transfers.get_mut(&id) else { return Verdict::NotNow };
        let (Tool::Send(sender), Some((text, signature))) = (&transfer.tool, &transfer.receipt) else {
            return Verdict::NotNow;
        };
        let receipt = match read_receipt(text, signature, &proof.peer_certificate_der) {
            Ok(receipt) => receipt,
            Err(failure) => return Verdict::Bad(failure),
        };
        let manifest = sender.outgoing().manifest();
        match receipt.verify(id, manifest, sender.outgoing().digests()) {
            Ok(()) => {}
            Err(ReceiptFault::Unknown) if !recalled => return Verdict::Recall,
            Err(fault) => return Verdict::Bad(bad_receipt(&fault.to_string())),
        }
        let complete = receipt.is_complete(manifest);
        let failed = failed_there(&receipt, manifest);
        transfer.kept.items_done = receipt.items();
        for item in failed {
            if !transfer.kept.failed.iter().any(|f| f.path == item.path) {
                transfer.failed(item);
            }
        }
        if complete { Verdict::Kept } else { Verdict::Partly }
    }

    /// The hashes of what an earlier run sent were lost with it: the sources are hashed again.
    pub(super) fn recall(&mut self, id: TransferId) {
        let reporter = self.reporter(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let bytes = transfer.receipt.as_ref().and_then(|(text, _)| BASE64.decode(text.as_bytes()).ok());
        let kept = bytes.and_then(|bytes| Receipt::decode(&bytes).ok()).map(|receipt| receipt.kept);
        let Tool::Send(sender) = std::mem::replace(&mut transfer.tool, Tool::None) else { return };
        let stop = transfer.halt.clone();
        self.tasks.spawn_blocking(move || threads::recall(&reporter, sender, &kept.unwrap_or_default(), &stop));
    }

    /// The receipt holds.
    pub(super) fn settle_sent(&mut self, id: TransferId, complete: bool) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.kept.receipt_text = transfer.receipt.take();
        }
        self.settled(id, complete, None);
    }
}

/// What the receiver could not keep, as far as it is listed.
fn failed_there(receipt: &Receipt, manifest: &Manifest) -> Vec<FailedItem> {
    let failed = receipt.failed.iter().take(super::MAX_FAILED);
    failed
        .map(|(item, code)| FailedItem {
            path: manifest.path_text(*item),
            code: *code,
            why: format!("the other side could not keep it ({code})"),
        })
        .collect()
}

/// A receipt whose signature is the peer's.
fn read_receipt(receipt: &str, signature: &str, certificate_der: &[u8]) -> Result<Receipt, Failure> {
    let bytes = BASE64.decode(receipt.as_bytes()).map_err(|e| bad_receipt(&e.to_string()))?;
    let signature = BASE64.decode(signature.as_bytes()).map_err(|e| bad_receipt(&e.to_string()))?;
    certificate::verify(certificate_der, &bytes, &signature).map_err(|e| bad_receipt(&e.to_string()))?;
    Receipt::decode(&bytes).map_err(|e| bad_receipt(&e.to_string()))
}

fn bad_receipt(why: &str) -> Failure {
    Failure::new(ErrorCode::DigestWrong, format!("the receipt of the other side does not hold: {why}"))
        .hint("send it again; do not delete the original")
}
