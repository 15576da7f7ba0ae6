// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The thread that entered a gate leaves it.

use dma_map::gate::Guard;
use kernel::types::ForLt;

fn sent_to_another_thread<T: Send>(_: T) {}

pub fn send<F: ForLt + 'static>(guard: Guard<'_, F>) {
    // pass: sent_to_another_thread(guard.with(|_| ()));
    sent_to_another_thread(guard);
}
