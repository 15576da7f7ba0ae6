// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Work runs on another thread.

use dma_map::workqueue::WorkQueue;
use kernel::workqueue::RawWorkItem;

pub fn put<W: RawWorkItem<0> + 'static>(queue: &WorkQueue, work: W) {
    let _ = queue.enqueue(work);
}
