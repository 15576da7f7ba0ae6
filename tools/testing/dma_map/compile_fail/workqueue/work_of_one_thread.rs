// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Work runs on another thread.

use dma_map::workqueue::WorkQueue;
use kernel::workqueue::RawWorkItem;

// pass: pub fn put<W: RawWorkItem<0> + Send + 'static>(queue: &WorkQueue, work: W) {
pub fn put<W: RawWorkItem<0> + 'static>(queue: &WorkQueue, work: W) {
    let _ = queue.enqueue(work);
}
