// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/SubmissionQueue

//! A queue that the CPU fills ends with the binding of its memory.

use dma_map::{
    queue::SubmissionQueue,
    DmaCoherent,
    Engine, //
};
use kernel::prelude::*;

pub type Queue<'bound, E> = SubmissionQueue<'bound, u32, E>;

// pass: pub fn new<'b, E: Engine>(slots: DmaCoherent<'b, [u32]>, engine: E) -> Result<Queue<'b, E>> {
pub fn new<'b, E: Engine>(slots: DmaCoherent<'b, [u32]>, engine: E) -> Result<Queue<'static, E>> {
    SubmissionQueue::new(slots, engine)
}
