// SPDX-License-Identifier: GPL-2.0

//! Staging of small reads and writes in memory that stays mapped.
//!
//! Behind an IOMMU, to map and to unmap the data of a request costs more than to copy it, if there is
//! little of it.

use crate::{
    block::{
        Memory,
        Sgls, //
    },
    controller::{
        Access,
        PAGE_SHIFT, //
    },
    device::Device,
    module_parameters,
    protocol::{
        command::{
            widen,
            Pointer, //
        },
        sgl::Descriptor, //
    },
};
use dma_map::{
    blk::{
        Operation,
        Request, //
    },
    state,
    DmaDevice,
    FromDevice,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*, //
};

/// How many requests of each direction can be staged at once, for each CPU, and at most.
const EACH: usize = 64;
const ALL: usize = 512;

/// What PRP entries describe without a list.
const TWO_PAGES: u32 = 2 << PAGE_SHIFT;

/// The data of a request in a pool's buffer, which the device has.
pub(crate) type Staged<'bound, D> = MappedBuffer<'bound, u8, D, state::Device<Access<'bound>>>;

/// The pools.
pub(crate) struct Stage<'bound> {
    most: u32,
    reads: MappedPool<'bound, u8, FromDevice>,
    writes: MappedPool<'bound, u8, ToDevice>,
}

impl<'bound> Stage<'bound> {
    /// Makes the pools, if the device is behind an IOMMU, and the module parameter does not say otherwise.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the module parameter. `ENOMEM`.
    pub(crate) fn new(dma: DmaDevice<'bound>) -> Result<Option<Self>> {
        let most = module_parameters::stage.value();
        if most == 0 || dma.merge_boundary() == 0 {
            return Ok(None);
        }
        if most > 1 << 16 {
            return Err(EINVAL);
        }
        let len = usize::try_from(most)?.next_multiple_of(1 << PAGE_SHIFT);
        let cpus = usize::try_from(nr_cpu_ids())?;
        let count = cpus.saturating_mul(EACH).min(ALL);
        let options = MappedPoolOptions::new(count);
        let (reads, writes) = (c"dma_map_nvme reads", c"dma_map_nvme writes");

        Ok(Some(Self {
            most,
            reads: MappedPool::new(dma, reads, len, FromDevice, options)?,
            writes: MappedPool::new(dma, writes, len, ToDevice, options)?,
        }))
    }

    /// Returns whether a request of `bytes` bytes is staged, which is described by `sgls`.
    #[inline]
    pub(crate) fn takes(&self, bytes: u32, sgls: Sgls) -> bool {
        bytes <= self.most && (bytes <= TWO_PAGES || sgls != Sgls::Never)
    }

    /// Takes a buffer for a read or a write, copies the data of a write to it, and gives it to the device.
    /// Returns it with its description. `None` if there is no buffer.
    pub(crate) fn put(
        &self,
        request: &Request<Device<'_>>,
        access: Access<'bound>,
    ) -> Option<(Pointer, Memory<'bound>)> {
        let (bytes, sgls) = (request.bytes(), request.disk().sgls);

        if request.operation() == Operation::Read {
            let buffer = self.reads.take().ok()?.give(access);
            let pointer = describe(buffer.dma_address(), bytes, sgls);
            return Some((pointer, Memory::Read(buffer)));
        }
        let mut buffer = self.writes.take().ok()?;
        // CAST: To the wider type.
        let data = buffer.as_mut_slice().get_mut(..bytes as usize)?;
        request.copy_to(0, data).ok()?;
        let buffer = buffer.give(access);
        let pointer = describe(buffer.dma_address(), bytes, sgls);
        Some((pointer, Memory::Write(buffer)))
    }
}

/// Describes the first `bytes` bytes of a buffer, which begins with a page and is contiguous.
#[inline]
fn describe(address: kernel::dma::DmaAddress, bytes: u32, sgls: Sgls) -> Pointer {
    let address = widen(address);
    if bytes > TWO_PAGES || sgls == Sgls::Always {
        return Descriptor::of(address, bytes).pointer();
    }
    let second = match bytes > TWO_PAGES / 2 {
        true => address.wrapping_add(1 << PAGE_SHIFT),
        false => 0,
    };
    Pointer::Prp([address, second])
}
