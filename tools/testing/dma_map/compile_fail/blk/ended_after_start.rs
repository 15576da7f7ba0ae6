// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A request that the device has is ended by its completion.

use dma_map::blk::{
    Operations,
    Request, //
};
pub fn send<T: Operations>(request: Request<T>, command: T::Command) {
    request.start(command);
    // pass:
    request.end(Ok(()));
}
