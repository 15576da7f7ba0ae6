// SPDX-License-Identifier: GPL-2.0

//! When mapping and unmapping sync: the only place that knows `DMA_ATTR_SKIP_CPU_SYNC`.
//!
//! Unmapping memory that a device wrote to can sync it: copy it from the bounce buffer, drop what the
//! caches have of it. Without that the memory may keep what was there before the device wrote. Who is
//! to find the device's data needs the sync; where nobody looks it is work for nothing; and where the
//! memory is in sync it does harm: what was written since is replaced by what the bounce buffer has.
//!
//! Which of these it is follows from three things, by [`UnmapAttrs`]: whether the device writes in this
//! direction (as for [`FromDevice`](crate::FromDevice), so for [`Bidirectional`](crate::Bidirectional));
//! whether the mapping is in sync, which its state says; and who can read the memory afterwards.
//!
//! | what ends, and how | state | who can read the memory afterwards | sync |
//! |---|---|---|---|
//! | [`DmaMapping`], [`SgMapping`], [`IovaMapping`]: `unmap` | `Device` | the driver: the buffer comes back | yes |
//! | the same | `Part` | the driver; what the CPU wrote was synced for the device before | yes |
//! | the same | `Cpu` | the driver | no: in sync |
//! | [`SgMapping`], [`IovaMapping`]: drop, also by a [`Transfer`] | `Device` | user space, if some of the memory is [its own](crate::sg::SgBuffer::USER) | yes |
//! | the same | `Device` | nobody: kernel memory is freed | no |
//! | the same | `Cpu` | nobody, or user space | no: in sync |
//! | [`DmaMapping`]: drop | any | nobody: there is a reference to the contents, so it is no user memory | no |
//! | [`SgAddresses`] with a table | `Lasting` | as an [`SgMapping`] | as there |
//! | [`SgAddresses`] with a list | `Lasting` | as an [`SgMapping`] | is not unmapped: nothing was bounced, and caches are coherent |
//! | [`IovaMapping`] at one address | any | as an [`SgMapping`] | no: never bounced, and caches are coherent |
//! | [`with_mapped`] | `Device` | who lent the memory | yes |
//! | [`MmioMapping`] | `Lasting` | registers are not cached | no |
//! | a `map` that fails when it had mapped | | the driver, or user space; no device was told | no: as it was |
//! | [`DmaPages`], [`DmaNoncontiguous`], [`Mmap`]s of them: drop | any | nobody: processes' mappings are taken away before | the C function decides: no |
//! | [`MappedBuffer`]: drop | `Device` | the next one to take it | yes; it stays mapped |
//! | memory of a [`MappedPool`] on a node: freed | | nobody | no |
//! | leaked or quarantined: given back by the ledger at unbind | not known | anybody | no: it may be in sync, with newer data |
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

/// For mapping memory that the CPU has: it is synced when the device gets it.
pub(crate) const MAPPED_FOR_CPU: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

/// Who can read memory when it is not mapped any more.
pub(crate) enum Readers {
    /// Who gave the memory away, and has it back.
    Owner,
    /// Those who share memory that the kernel gives up.
    UserSpace,
    /// It is freed.
    Nobody,
}

/// Whether unmapping syncs.
#[derive(Clone, Copy)]
pub(crate) struct UnmapAttrs(c_ulong);

impl UnmapAttrs {
    /// For memory that holds, for the CPU, what the device wrote, or that no device was told of.
    pub(crate) const IN_SYNC: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// For memory that is freed.
    pub(crate) const UNREAD: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// For memory of which is not known whether it is in sync.
    pub(crate) const LEAKED: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// For a buffer that comes back from state `S`.
    #[inline(always)]
    pub(crate) const fn given_back<D: Direction, S: State>() -> Self {
        Self::new::<D, S>(Readers::Owner)
    }

    /// For memory that comes out of state `S`, and that `readers` can read then.
    #[inline(always)]
    pub(crate) const fn new<D: Direction, S: State>(readers: Readers) -> Self {
        if !D::DEVICE_WRITES || S::IN_SYNC {
            return Self::IN_SYNC;
        }
        match readers {
            Readers::Owner | Readers::UserSpace => Self(0),
            Readers::Nobody => Self::UNREAD,
        }
    }

    /// The attributes for the C function, with those that the memory was mapped with.
    #[inline(always)]
    pub(crate) const fn with(self, mapped: c_ulong) -> c_ulong {
        self.0 | mapped
    }
}
