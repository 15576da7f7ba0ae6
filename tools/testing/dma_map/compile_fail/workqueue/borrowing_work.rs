// SPDX-License-Identifier: GPL-2.0
// error: E0310

//! Work may run until the queue is dropped, whatever becomes of what it borrows.

use dma_map::workqueue::WorkQueue;
use kernel::workqueue::RawWorkItem;

// pass: pub fn put<W: RawWorkItem<0> + Send + 'static>(queue: &WorkQueue, work: W) {
pub fn put<W: RawWorkItem<0> + Send>(queue: &WorkQueue, work: W) {
    let _ = queue.enqueue(work);
}
