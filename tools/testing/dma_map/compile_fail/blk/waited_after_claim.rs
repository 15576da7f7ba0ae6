// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A request that was claimed may have been ended: its time is not set anew.

use dma_map::blk::{
    Expired,
    Operations,
    TimedOut, //
};

pub fn timeout<T: Operations>(request: TimedOut<'_, T>) -> Expired<'_, T> {
    if let Ok(claimed) = request.claim() {
        drop(claimed);
        // pass: return Expired::Done;
        return Expired::Wait(request);
    }
    Expired::Done
}
