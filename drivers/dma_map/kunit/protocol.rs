// SPDX-License-Identifier: GPL-2.0

//! Protocol of the handles: the verbs, the drop and the quarantine of each kind.
//!
//! All handles are aliases of [`Dma`](dma_map::Dma), which alone has the verbs. A case here runs over
//! all [`kinds`], through the trait object [`Subject`]. What only one kind has is in the suite of that
//! kind.

mod drops;
mod kinds;
mod subject;
mod transitions;
mod types;
mod unbind;

use self::{
    kinds::*,
    subject::{
        Handle,
        Subject, //
    }, //
};
use crate::{
    c,
    check::*,
    context,
    device_side,
    engines::{
        Scripted,
        Turn, //
    },
    fixture::*, //
};
use dma_map::{
    sg::Segment,
    DmaDevice, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    prelude::*,
    sync::Arc, //
};

/// What a case is given: a kind of handle, of one size, and an engine.
struct Case<'p, 'b, 'c> {
    kind: &'p Kind,
    len: usize,
    probe: &'p Probe<'b, 'c>,
    dma: DmaDevice<'b>,
    engine: Arc<Scripted>,
}

impl<'p, 'b, 'c> Case<'p, 'b, 'c> {
    fn new(
        kind: &'p Kind,
        len: usize,
        probe: &'p Probe<'b, 'c>,
        dma: DmaDevice<'b>,
        engine: Scripted,
    ) -> Result<Self> {
        Ok(Self {
            kind,
            len,
            probe,
            dma,
            engine: Arc::new(engine, GFP_KERNEL)?,
        })
    }

    /// Makes a handle that the device behind the engine has, of memory that holds the pattern 1.
    fn make(&self) -> Result<Handle<'b>> {
        self.make_for(&self.engine)
    }

    /// The same for another engine.
    fn make_for(&self, engine: &Arc<Scripted>) -> Result<Handle<'b>> {
        self.make_of(self.len, engine)
    }

    /// The same of another size.
    fn make_of(&self, len: usize, engine: &Arc<Scripted>) -> Result<Handle<'b>> {
        (self.kind.make)(New {
            probe: self.probe,
            dma: self.dma,
            len,
            turn: Turn::of(engine),
        })
    }

    /// Makes `count` handles.
    fn several(&self, count: usize) -> Result<KVec<Handle<'b>>> {
        let mut all = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            all.push(self.make()?, GFP_KERNEL)?;
        }
        Ok(all)
    }

    /// Gives memory of the CPU to the device.
    fn give(&self, handle: &mut dyn Subject) -> Result {
        handle.give(Turn::of(&self.engine))
    }

    /// The device fills its memory with the pattern `seed`.
    fn fill(&self, handle: &dyn Subject, seed: u8) -> Result {
        let segments = handle.segments()?;
        device_side::fill_segments(self.dma, &mut segments.iter().copied(), seed)
    }

    /// Returns whether the device finds the pattern `seed`.
    fn finds(&self, handle: &dyn Subject, seed: u8) -> Result<bool> {
        let segments = handle.segments()?;
        device_side::finds_segments(self.dma, &mut segments.iter().copied(), seed)
    }
}

/// Runs `case` for each size of each of `kinds`, on each device.
#[inline(never)]
fn each_kind(
    kinds: &[&[Kind]],
    engine: fn() -> Scripted,
    case: &mut dyn FnMut(&Case<'_, '_, '_>) -> Result,
) -> Result {
    each_probe(|probe| {
        let dma = probe.dma(LARGE)?;
        for kind in kinds.iter().copied().flatten() {
            if !(kind.is_here)(probe, dma) {
                continue;
            }
            for len in kind.sizes {
                let all = Case::new(kind, *len, probe, dma, engine())?;
                case(&all).inspect_err(|_| pr_err!("    # {len} bytes: {}\n", kind.name))?;
            }
        }
        Ok(())
    })
}

/// Returns the first byte that the device reaches.
fn first(handle: &dyn Subject) -> Result<Segment> {
    Ok(*handle.segments()?.first().ok_or(EINVAL)?)
}

/// Returns whether a device whose IOMMU forgets at once does not reach `address`.
fn is_gone(dev: &Device<Bound>, address: u64) -> bool {
    !c::strict_iommu(dev) || c::dma_to_phys(dev, address) == 0
}
