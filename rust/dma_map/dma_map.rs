// SPDX-License-Identifier: GPL-2.0

//! Safe DMA mapping for drivers.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! # Concepts, in the order of use
//!
//! - [`DmaLimits`]: the addresses and segments that the device can handle.
//! - [`DmaDevice`]: proof that the device is bound and its limits are set. Every constructor takes one.
//! - [`Engine`]: how to stop the device and how to tell that it no longer accesses memory; the one
//!   `unsafe` statement about DMA, for each part of a device that does DMA. With rings that own memory
//!   there is a second one, below.
//! - [`DmaCoherent`]: memory that CPU and device share. [`CoherentHandle`]: memory for the device alone.
//!   [`CoherentOptions`]: the allocation options of both.
//! - [`DmaPool`]: small blocks of shared memory, of one type. [`PoolOptions`](pool::PoolOptions): its
//!   name, and whether segment limits apply.
//! - [`SgMapping`]: a scattered buffer that CPU and device own in turns. The buffer is a `KBox`, a
//!   vector, [`Pages`](mapping::Pages), a [`PageList`], [`UserPages`], a range, a pair or an [`SgList`]
//!   of those; [`Prebuilt`](sg::Prebuilt) keeps its table. [`MapOptions`] and
//!   [`SgOptions`](sg::SgOptions): the options of a mapping.
//! - [`DmaMapping`]: the same for a contiguous buffer. [`with_mapped`](mapping::with_mapped): for memory
//!   that the caller keeps. [`MmioMapping`](mapping::MmioMapping): for another device's registers.
//! - [`IovaMapping`]: like [`SgMapping`], at one DMA address if there is an IOMMU.
//! - [`DmaPages`], [`DmaNoncontiguous`]: memory that is allocated for streaming.
//! - [`MappedPool`]: buffers that stay mapped, so that a transfer needs no map and no unmap.
//!   [`MappedPoolOptions`]: their number, and where they are allocated.
//! - [`Transfer`]: owns or borrows any of these from the moment the device is told of them until it is
//!   done, stopped, or gone. [`Piece`]: an address and a length for the device; its type names the
//!   engine that is asked before the memory changes hands.
//! - [`Dma`]: the type that each of these handles is an alias of, with the transitions and the drop.
//! - [`Mmap`]: memory that processes can map, until it is dropped.
//! - [`state`], [`direction`]: the owner of the memory, and the direction of the data, as types.
//! - [`barrier`]: the order in which CPU and device see shared memory.
//! - [`endian`]: numbers in the device's byte order.
//! - [`Untrusted`]: a value that a device wrote, before it was checked.
//! - [`ring`], [`mailbox`]: the two usual protocols over shared memory, on top of the three above.
//! - [`descriptor_ring`]: slots that the device writes back, each with the memory it describes.
//!   [`queue`]: commands that complete in any order, by tag. [`Completes`](descriptor_ring::Completes):
//!   what a report of the device means for memory; `unsafe`, beside the engine.
//! - [`Gate`](gate::Gate): access from files, which outlive the binding, to data that does not.
//! - [`MiscDevice`](miscdevice::MiscDevice): a device node with such files.
//! - [`WorkQueue`](workqueue::WorkQueue): work that ends with the binding.
//! - [`irq`]: interrupt vectors of a PCI function, each with a handler. A handler may borrow from the
//!   binding: [`Scope`](gate::Scope) proves that this lasts long enough.
//! - [`wait`]: waiting for a transfer, or for any condition, for a limited time.
//! - [`pci`]: bus mastering, and an interrupt for a driver without a gate.
//! - `blk`, with `CONFIG_BLOCK`: disks, whose requests are mapped for the device.
//!
//! # Contexts
//!
//! | call | may sleep | hard IRQ |
//! |---|---|---|
//! | [`DmaDevice::new`], [`Gate::new`](gate::Gate::new), [`DmaPool::new`], [`MappedPool::new`] | yes | no |
//! | [`WorkQueue::new`](workqueue::WorkQueue::new) | yes | no |
//! | [`MiscDevice::register`](miscdevice::MiscDevice::register) and its drop; file operations but `poll` | yes | no |
//! | [`Interrupt::request`](pci::Interrupt::request) and its drop | yes | no |
//! | [`Vectors::alloc`](irq::Vectors::alloc), [`request`](irq::Vectors::request), [`request_threaded`](irq::Vectors::request_threaded) | yes | no |
//! | [`Interrupt::synchronize`](irq::Interrupt::synchronize), [`disable`](irq::Interrupt::disable) | yes | no |
//! | [`WaitQueue::wait`](wait::WaitQueue::wait), [`wait_some`](wait::WaitQueue::wait_some), [`Transfer::wait`] | yes | no |
//! | constructors with [`Gfp::Kernel`], [`into_addresses`](SgMapping::into_addresses) likewise | yes | no |
//! | constructors of [`DmaNoncontiguous`]; [`DmaCoherent::pages`] | yes | no |
//! | [`UserPages`] and lists of them: pinning, in the process that owns the memory | yes | no |
//! | [`Mmap::new`], [`Mmap::mmap`], [`Mmap::revoke`] | yes | no |
//! | [`DescriptorRing::new`](descriptor_ring::DescriptorRing::new), [`CompletionQueue::new`](queue::CompletionQueue::new), [`Commands::new`](queue::Commands::new) | yes | no |
//! | constructors with [`Gfp::Atomic`], [`Gfp::Nowait`] | no | yes |
//! | [`DmaMapping::map`], [`map_cpu`](DmaMapping::map_cpu), [`MmioMapping::map`](mapping::MmioMapping::map) | no | yes |
//! | [`with_mapped`](mapping::with_mapped) | no; what follows inside may | yes |
//! | [`MappedPool::take`], [`MappedPool::stats`] | no | yes |
//! | access: views, slices, segments, copies (into a vector: the context of its allocation), ranges | no | yes |
//! | [`ring`], [`mailbox`], [`descriptor_ring`], [`queue`]: all but the constructors | no | yes |
//! | transitions: `give`, `complete`, `complete_range`, `cancel`, `unmap` | no | yes |
//! | [`Transfer`]: all but `wait`, and what the programming function does | no | yes |
//! | drop of a handle, or of a transfer | no | yes |
//! | drop of an [`Mmap`], of a [`MappedPool`] | where the context may: an [`Mmap`] waits up to 5 s; elsewhere a workqueue does it | yes |
//! | drop of an [`irq::Interrupt`], of [`Vectors`](irq::Vectors) | where the context may, and the caller is no handler of them; elsewhere a workqueue does it | yes |
//! | [`without_io`](gfp::without_io) | no; what follows inside may | yes |
//! | reads of [`DmaDevice`] | no | yes, but for [`addressing_limited`](DmaDevice::addressing_limited) |
//! | [`BusMaster`](pci::BusMaster) | no | yes |
//! | [`Gate::try_access`](gate::Gate::try_access) | no; what follows inside may | no |
//! | [`WorkQueue::enqueue`](workqueue::WorkQueue::enqueue) | no | yes |
//! | [`WaitQueue::wake_all`](wait::WaitQueue::wake_all), [`end`](wait::WaitQueue::end) | no | yes |
//! | [`Vectors`](irq::Vectors), [`irq::Interrupt`]: reads; drop of [`Disabled`](irq::Disabled) | no | yes |
//!
//! Those of block devices are in `blk`.
//!
//! If a handle is dropped where its memory may not be freed, a workqueue frees it, and the unbind of the
//! device waits for that. `unmap` returns a buffer, whose own rule says where it may be dropped (a
//! `VVec`: not in atomic context).
//!
//! # Causes of errors
//!
//! Errors are the C API's `errno` values, and each function lists them. A function that took a buffer
//! returns it with the error. The library prints nothing.
//!
//! The C API reports most failures of a mapping by one value, without the cause, and not always by the
//! same errno for one cause. Here a cause has one errno, for all types and on all machines. After `EBUSY`
//! or `ENOMEM` the same call may succeed later, unless it asks for more memory than exists. After any
//! other errno it fails again, for this memory, device and machine.
//!
//! | cause | errno |
//! |---|---|
//! | the buffer is empty; the memory is not one segment within the limits, where it must be; the memory is not of the requested kind; a device that writes and is not coherent would share cache lines | `EINVAL` |
//! | coherence is required, and the device's DMA is not coherent | `EOPNOTSUPP` |
//! | the device does not reach the memory, or always bounces, and a bounce buffer is ruled out, by the options or because the memory is MMIO | `EIO` |
//! | the memory must bounce, and no bounce buffers exist, or one that could be used is out of reach | `EIO` |
//! | the memory must bounce in one piece, and no bounce buffer is that long, even if all are free | `EIO` |
//! | the size is more than the IOMMU has addresses for, even if all are free | `EIO` |
//! | DMA operations that are not the kernel's own map beyond the limits | `EIO` |
//! | memory that was allocated for the device is not within all of its limits | `EIO` |
//! | no bounce buffer is left | `ENOMEM` |
//! | the IOMMU has no addresses, or no memory for its tables, left | `ENOMEM` |
//! | no memory is left, or the machine never had as much: the allocator does not tell which | `ENOMEM` |
//! | all buffers of a pool are taken | `EBUSY` |
//! | a ring or a queue is full, or no tag of a table is free | `EBUSY` |
//! | a completion queue has a table already, or had one | `EBUSY` |
//! | a sign, an index, a length, a tag or a head of the device is impossible | `EBADMSG` |
//! | a completion is not of the table's queue, or from before a `cancel` | `EINVAL` |
//!
//! Scatter-gather tables are split so that each piece fits into a bounce buffer: 256 KiB, less the
//! low bits of the address that a device needs kept ([`min_align_mask`](DmaLimits::min_align_mask)).
//!
//! With `CONFIG_SWIOTLB_DYNAMIC`, the kernel may add pools of bounce buffers later, out of the reach of
//! a device of less than 32 bits. From then on, memory that must bounce is `EIO` for that device.
//!
//! # Inside
//!
//! The library is built in floors. Each floor is a folder. A file imports only from its own floor or
//! from a lower one (`tools/dma_map/check/floors`). From the bottom:
//!
//! | floor | what it holds |
//! |---|---|
//! | `generic` | parts that are not about DMA: candidates for the `kernel` crate (errno, [`gfp`], per-CPU, vectors, [`once`], [`wait`], [`workqueue`], [`miscdevice`], [`pci`]) |
//! | `sys` | the C side: helpers and their Rust counterparts, [`barrier`]s, the linear mapping, deferred frees, leak tracking, files in debugfs |
//! | `model` | types without memory: [`state`], [`direction`], [`engine`], [`error`], options, [`view`] |
//! | `device` | [`device`]: the device, its binding, its [`limits`], and the constraints that follow from them |
//! | `handle` | the handle of all memory: its states, transitions and drop ([`state`](crate::state#transitions)) |
//! | `buf` | buffers: memory of the CPU that a mapping can own |
//! | `seg` | segments: tables for C, and addresses and [pieces](Piece) for the device |
//! | `map` | streaming mappings: [`sg`], [`mapping`], [`iova`] |
//! | `mem` | memory for a device: [`coherent`], [`noncoherent`], [`pool`], [`mapped_pool`], [`mmap`] |
//! | `transfer` | [`transfer`]: handles that a device was told of, until it is done |
//! | `proto` | protocols over shared memory: [`endian`], [`untrusted`], [`ring`], [`descriptor_ring`], [`queue`], [`mailbox`] |
//! | `drv` | driver framework: files, work and interrupts that are tied to a binding ([`gate`], [`irq`]) |
//! | `block` | block devices: disks, and requests whose data the device moves (`blk`, with `CONFIG_BLOCK`) |

#[cfg(CONFIG_BLOCK)]
mod block;
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

// Drivers name a module without its floor.
#[cfg(CONFIG_BLOCK)]
pub use self::block::blk;
#[doc(hidden)]
pub use self::device::lines;
pub use self::{
    device::limits,
    drv::{
        gate,
        irq, //
    },
    generic::{
        gfp,
        miscdevice,
        once,
        pci,
        wait,
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
        descriptor_ring,
        endian,
        mailbox,
        queue,
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
        MapError, //
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

/// The module: the state that the library needs while it is loaded.
struct DmaMap {
    _deferral: sys::deferral::Owner,
    _debugfs: sys::debugfs::Owner,
}

impl kernel::Module for DmaMap {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        sys::linear::init();
        sys::leak_tracking::init();

        Ok(Self {
            _deferral: sys::deferral::Owner::new()?,
            _debugfs: sys::debugfs::Owner::new(),
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
