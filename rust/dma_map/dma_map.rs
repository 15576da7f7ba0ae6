// SPDX-License-Identifier: GPL-2.0

//! Safe DMA mapping for drivers.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! # Concepts, in the order in which a driver meets them
//!
//! - [`DmaLimits`]: what the device can address.
//! - [`DmaDevice`]: the proof that the device is bound and that its limits are set. Every
//!   constructor takes one.
//! - [`Engine`]: how the device is stopped and how the end of its accesses is known; the one `unsafe`
//!   statement about DMA, for each part of a device that does it.
//! - [`DmaCoherent`]: memory that CPU and device share. [`CoherentHandle`]: memory for the device
//!   alone. [`CoherentOptions`]: how either is allocated.
//! - [`DmaPool`]: small blocks of shared memory, of one type. [`PoolOptions`](pool::PoolOptions): its
//!   name, and which limits hold for them.
//! - [`SgMapping`]: a scattered buffer that CPU and device own in turns. It is a `KBox`,
//!   a vector, [`Pages`](mapping::Pages), a [`PageList`], [`UserPages`], a range, a pair or an
//!   [`SgList`] of those; [`Prebuilt`](sg::Prebuilt) keeps its table. [`MapOptions`] and
//!   [`SgOptions`](sg::SgOptions): what is asked of a mapping.
//! - [`DmaMapping`]: the same for a contiguous buffer; [`with_mapped`](mapping::with_mapped) for
//!   memory that the caller keeps, [`MmioMapping`](mapping::MmioMapping) for another device's
//!   registers.
//! - [`IovaMapping`]: as [`SgMapping`], at one address where there is an IOMMU.
//! - [`DmaPages`], [`DmaNoncontiguous`]: memory that is allocated for streaming.
//! - [`MappedPool`]: buffers that stay mapped, to be taken, given, and put back without a map or an
//!   unmap. [`MappedPoolOptions`]: how many there are, and where.
//! - [`Transfer`]: any of these, from the moment in which the device is told of it to the one in
//!   which it is done, stopped, or gone. [`Piece`]: an address and a length for the device, with
//!   the engine that is asked before that memory goes, as a type.
//! - [`Dma`]: what each of these handles is an alias of, with the transitions and the drop.
//! - [`Mmap`]: memory that processes can map, until it goes.
//! - [`state`], [`direction`]: who owns the memory, and which way the data goes, as types.
//! - [`barrier`]: the order in which the two sides see shared memory.
//! - [`endian`]: numbers in the byte order of the device.
//! - [`Untrusted`]: what a device wrote, before it was checked.
//! - [`ring`], [`mailbox`]: the two usual ways to talk through shared memory, with all of that.
//! - [`Gate`](gate::Gate): a way for files, which outlive the binding, to what does not.
//! - [`MiscDevice`](miscdevice::MiscDevice): a device node, whose files these are.
//! - [`WorkQueue`](workqueue::WorkQueue): work that ends with the binding.
//! - [`pci`]: bus mastering, and interrupts.
//!
//! # Contexts
//!
//! | call | may sleep | hard IRQ |
//! |---|---|---|
//! | [`DmaDevice::new`], [`Gate::new`](gate::Gate::new), [`DmaPool::new`], [`MappedPool::new`] | yes | no |
//! | [`WorkQueue::new`](workqueue::WorkQueue::new) | yes | no |
//! | [`MiscDevice::register`](miscdevice::MiscDevice::register) and its drop; file operations but `poll` | yes | no |
//! | [`Interrupt::request`](pci::Interrupt::request) and its drop | yes | no |
//! | constructors with [`Gfp::Kernel`], [`into_addresses`](SgMapping::into_addresses) likewise | yes | no |
//! | constructors of [`DmaNoncontiguous`]; [`DmaCoherent::pages`] | yes | no |
//! | [`UserPages`] and lists of them: pinning, in the process that owns the memory | yes | no |
//! | [`Mmap::new`], [`Mmap::mmap`], [`Mmap::revoke`] | yes | no |
//! | constructors with [`Gfp::Atomic`], [`Gfp::Nowait`] | no | yes |
//! | [`DmaMapping::map`], [`map_cpu`](DmaMapping::map_cpu), [`MmioMapping::map`](mapping::MmioMapping::map) | no | yes |
//! | [`with_mapped`](mapping::with_mapped) | no; what follows inside may | yes |
//! | [`MappedPool::take`], [`MappedPool::stats`] | no | yes |
//! | access: views, slices, segments, copies (into a vector: as growing it), ranges | no | yes |
//! | [`ring`], [`mailbox`]: all but the constructors | no | yes |
//! | transitions: `give`, `complete`, `complete_range`, `cancel`, `unmap` | no | yes |
//! | [`Transfer`]: all but what the programming function does | no | yes |
//! | drop of a handle, or of a transfer | no | yes |
//! | drop of an [`Mmap`], of a [`MappedPool`] | where it may: the first waits up to 5 s; elsewhere that is put off | yes |
//! | reads of [`DmaDevice`] | no | yes, but for [`addressing_limited`](DmaDevice::addressing_limited) |
//! | [`BusMaster`](pci::BusMaster) | no | yes |
//! | [`Gate::enter`](gate::Gate::enter) | no; what follows inside may | no |
//! | [`WorkQueue::enqueue`](workqueue::WorkQueue::enqueue) | no | yes |
//!
//! Dropping a handle where its memory may not be freed puts the free off to a workqueue; the unbind
//! of its device waits for it. `unmap` gives back a buffer, and where that may be dropped is the buffer's own
//! rule (a `VVec` not in atomic context).
//!
//! # Errors
//!
//! Errors are the C API's `errno` values, and each function lists them. A function that took a
//! buffer gives it back with the error. The library prints nothing.
//!
//! C has one word for all reasons why memory is not mapped, and not always the same errno for one of
//! them. Here a cause has one errno, for all types and on all machines: with `ENOMEM` the same call may
//! succeed later, unless it asks for more memory than there is; with the others it does not, for this memory, device and machine.
//!
//! | cause | errno |
//! |---|---|
//! | nothing to map; not one segment within the limits, where it must be one; not the memory that is asked for; cache lines that would be shared with a device that writes and is not coherent | `EINVAL` |
//! | coherence is required, and the device's DMA is not coherent | `EOPNOTSUPP` |
//! | the device does not reach the memory, or always bounces, and the options, or registers, allow no bounce buffer | `EIO` |
//! | it must bounce, and there are no bounce buffers, or one that could be handed out is out of reach | `EIO` |
//! | it must bounce in one piece, and no bounce buffer is that long, even if all are free | `EIO` |
//! | it is more than the IOMMU has addresses for, even if all are free | `EIO` |
//! | code that maps for the device, and is not the kernel's own, does not keep to the limits | `EIO` |
//! | memory that was allocated for the device is not within all of its limits | `EIO` |
//! | no bounce buffer is left | `ENOMEM` |
//! | no addresses, or no memory for the tables, are left for the IOMMU | `ENOMEM` |
//! | no memory is left, or never was: the allocator does not tell | `ENOMEM` |
//! | all buffers of a pool are taken | `EBUSY` |
//!
//! Scatter-gather tables are split so that each piece has room in a bounce buffer. What fits into one
//! is 256 KiB, less the low bits of the address that a device wants kept
//! ([`min_align_mask`](DmaLimits::min_align_mask)).
//!
//! With `CONFIG_SWIOTLB_DYNAMIC`, pools of bounce buffers may be made later, out of the reach of a device
//! of less than 32 bits; what must bounce is `EIO` for it from then on.
//!
//! # Inside
//!
//! The library is built in floors. Each is a folder; a file imports from its own floor or from one below,
//! and from nothing above (`tools/dma_map/check/floors`). From the bottom:
//!
//! | floor | what it holds |
//! |---|---|
//! | `generic` | what is not about DMA: candidates for the `kernel` crate (errno, [`gfp`], per-CPU, vectors, [`workqueue`], [`miscdevice`], [`pci`]) |
//! | `sys` | the C side: helpers and their twins, [`barrier`]s, the linear mapping, deferred frees, leak tracking |
//! | `model` | types without memory: [`state`], [`direction`], [`engine`], [`error`], options, [`view`] |
//! | `device` | [`device`]: the device, its binding, its [`limits`], and what follows from them |
//! | `handle` | the states of all memory: how it is given, completed, cancelled and dropped ([`state`](crate::state#transitions)) |
//! | `buf` | buffers: memory of the CPU that a mapping can own |
//! | `seg` | segments: tables for C, addresses and [pieces](Piece) for the device |
//! | `map` | streaming mappings: [`sg`], [`mapping`], [`iova`] |
//! | `mem` | memory for a device: [`coherent`], [`noncoherent`], [`pool`], [`mapped_pool`], [`mmap`] |
//! | `transfer` | [`transfer`]: any of these handles, while the device has them |
//! | `proto` | protocols over shared memory: [`endian`], [`untrusted`], [`ring`], [`mailbox`] |
//! | `drv` | driver framework: what ties files and work to a binding ([`gate`]) |

mod buf;
pub mod device;
mod drv;
mod generic;
mod handle;
mod map;
mod mem;
mod model;
mod proto;
mod seg;
mod sys;
pub mod transfer;

// Drivers name a module, and not the floor that it is on.
#[doc(hidden)]
pub use self::device::lines;
pub use self::{
    device::limits,
    drv::gate,
    generic::{
        gfp,
        miscdevice,
        pci,
        workqueue, //
    },
    map::{
        iova,
        mapping,
        sg, //
    },
    mem::{
        coherent,
        mapped_pool,
        mmap,
        noncoherent,
        pool, //
    },
    model::{
        direction,
        engine,
        error,
        state,
        view, //
    },
    proto::{
        endian,
        mailbox,
        ring,
        untrusted, //
    },
    sys::barrier, //
};

pub use self::{
    coherent::{
        CoherentHandle,
        CoherentOptions,
        DmaCoherent, //
    },
    device::DmaDevice,
    direction::{
        Bidirectional,
        FromDevice,
        ToDevice, //
    },
    engine::Engine,
    error::{
        Busy,
        MapError,
        Refused, //
    },
    gfp::Gfp,
    handle::Dma,
    iova::IovaMapping,
    limits::DmaLimits,
    mapped_pool::{
        MappedBuffer,
        MappedPool,
        MappedPoolOptions, //
    },
    mapping::{
        DmaMapping,
        MapOptions, //
    },
    mmap::Mmap,
    noncoherent::{
        DmaNoncontiguous,
        DmaPages, //
    },
    pool::{
        DmaPool,
        PoolBlock, //
    },
    sg::{
        PageList,
        SgList,
        SgMapping,
        UserPages, //
    },
    state::{
        Cpu,
        Device,
        Lasting,
        Part,
        Shared, //
    },
    transfer::{
        InFlight,
        Piece,
        Pieces,
        SharedPiece,
        Transfer, //
    },
    untrusted::Untrusted,
    view::CoherentView, //
};

use kernel::prelude::*;

/// The module: it holds what the library needs while it is loaded.
struct DmaMap {
    _deferral: sys::deferral::Owner,
    _ledger: sys::ledger::Owner,
    _stats: mapped_pool::Owner,
}

impl kernel::Module for DmaMap {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        sys::linear::init();

        Ok(Self {
            _deferral: sys::deferral::Owner::new()?,
            _ledger: sys::ledger::Owner::new(),
            _stats: mapped_pool::Owner::new(),
        })
    }
}

module! {
    type: DmaMap,
    name: "dma_map",
    authors: ["The dma_map maintainers"],
    description: "Safe DMA mapping for Rust drivers",
    license: "GPL",
}
