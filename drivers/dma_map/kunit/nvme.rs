// SPDX-License-Identifier: GPL-2.0

//! NVMe protocol of the driver, against a controller that follows a script.

mod chain;
mod completion;
mod describe;
mod exchange;
mod flights;
mod hostile;
mod identify;
mod length;
mod lists;
mod prp;
mod script;
mod sgl;
mod turn;

/// What the driver has that needs no controller.
#[path = "../nvme"]
mod driver {
    #[allow(dead_code, reason = "the driver uses all of it")]
    pub(super) mod protocol;
}

use driver::protocol::prp::Segment;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A page of the controller.
const PAGE: usize = 4096;
const PAGE_SHIFT: u32 = 12;

/// Collects segments, as one where they are contiguous.
struct Merged(KVec<Segment>);

impl Merged {
    fn new() -> Self {
        Self(KVec::new())
    }

    fn of(segments: &[Segment]) -> Result<Self> {
        let mut this = Self::new();
        segments
            .iter()
            .try_for_each(|&(address, len)| this.push(address, len))?;
        Ok(this)
    }

    fn push(&mut self, address: DmaAddress, len: usize) -> Result {
        match self.0.last_mut() {
            Some(last) if last.0 + last.1 as DmaAddress == address => last.1 += len,
            _ => self.0.push((address, len), GFP_KERNEL)?,
        }
        Ok(())
    }
}
