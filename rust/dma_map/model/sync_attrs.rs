// SPDX-License-Identifier: GPL-2.0

//! Sync on map and unmap: the only place that uses `DMA_ATTR_SKIP_CPU_SYNC`.
//!
//! Unmapping memory that a device wrote to can sync it: copy it from the bounce buffer, invalidate its
//! cache lines. Without the sync, the memory may keep its contents from before the device wrote. A
//! reader of the device's data needs the sync. For memory without readers, it is a waste. For memory
//! that is in sync, it does harm: it replaces newer data by the contents of the bounce buffer.
//!
//! [`UnmapAttrs`] decides by three things: whether the device writes in this direction
//! ([`FromDevice`](crate::FromDevice) and [`Bidirectional`](crate::Bidirectional) alike); whether the
//! mapping is in sync, which its state says; and who can read the memory afterwards.
//!
//! | end of | state | readers afterwards | sync |
//! |---|---|---|---|
//! | [`DmaMapping`], [`SgMapping`], [`IovaMapping`]: `unmap` | `Device` | the driver: the buffer comes back | yes |
//! | the same | `Part` | the driver; what the CPU wrote was synced for the device before | yes |
//! | the same | `Cpu` | the driver | no: in sync |
//! | [`SgMapping`], [`IovaMapping`]: drop, also by a [`Transfer`] | `Device` | user space, if some of the memory is [its own](crate::sg::SgBuffer::USER) | yes |
//! | the same | `Device` | nobody: kernel memory is freed | no |
//! | the same | `Cpu` | nobody, or user space | no: in sync |
//! | [`DmaMapping`]: drop | any | nobody: Rust has references to the contents, so it is not user memory | no |
//! | [`SgAddresses`] with a table | `Lasting` | as an [`SgMapping`] | as there |
//! | [`SgAddresses`] with a list | `Lasting` | as an [`SgMapping`] | no unmap: nothing was bounced, and caches are coherent |
//! | [`IovaMapping`] at one address | any | as an [`SgMapping`] | no: never bounced, and caches are coherent |
//! | [`with_mapped`] | `Device` | the caller, who lent the memory | yes |
//! | [`MmioMapping`] | `Lasting` | registers are not cached | no |
//! | a `map` that fails when it had mapped | | the driver, or user space; no device was told | no: unchanged |
//! | [`DmaPages`], [`DmaNoncontiguous`], [`Mmap`]s of them: drop | any | nobody: user mappings were revoked before | the C function decides: no |
//! | [`MappedBuffer`]: drop | `Device` | the next taker | yes; it stays mapped |
//! | memory of a [`MappedPool`] on a node: freed | | nobody | no |
//! | leaked or quarantined: released by leak tracking at unbind | not known | anybody | no: it may be in sync, with newer data |
//!
//! "Yes" stands for directions in which the device writes.
//!
//! [`DmaMapping`]: crate::DmaMapping
//! [`DmaNoncontiguous`]: crate::DmaNoncontiguous
//! [`DmaPages`]: crate::DmaPages
//! [`IovaMapping`]: crate::IovaMapping
//! [`MappedBuffer`]: crate::MappedBuffer
//! [`MappedPool`]: crate::MappedPool
//! [`Mmap`]: crate::Mmap
//! [`MmioMapping`]: crate::mapping::MmioMapping
//! [`SgAddresses`]: crate::sg::SgAddresses
//! [`SgMapping`]: crate::SgMapping
//! [`Transfer`]: crate::Transfer
//! [`with_mapped`]: crate::mapping::with_mapped

use super::{
    direction::Direction,
    state::State, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The attribute for mapping memory for the CPU. It is synced when the device gets it.
pub(crate) const MAPPED_FOR_CPU: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

/// The attributes of an unmap: whether it syncs.
#[derive(Clone, Copy)]
pub struct UnmapAttrs(c_ulong);

impl UnmapAttrs {
    /// For memory in which the CPU sees what the device wrote, or that no device was told of.
    pub(crate) const IN_SYNC: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// For memory that is freed.
    pub(crate) const UNREAD: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// For leaked memory, which may be in sync or not.
    pub(crate) const LEAKED: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// Returns the attributes for memory that is unmapped in state `S`, and has a reader then: the owner,
    /// who gets the buffer back, or user space, which shares memory that the kernel gives up.
    #[inline(always)]
    pub(crate) const fn given_back<D: Direction, S: State>() -> Self {
        if !D::DEVICE_WRITES || S::IN_SYNC {
            return Self::IN_SYNC;
        }
        Self(0)
    }

    /// Returns the attributes for the C function, with `mapped`, those of the mapping.
    #[inline(always)]
    pub(crate) const fn with(self, mapped: c_ulong) -> c_ulong {
        self.0 | mapped
    }
}
