// SPDX-License-Identifier: GPL-2.0

//! MMIO mappings: registers of one device, mapped for another one.

use super::mapped::Mapped;
use crate::{
    device::{
        counts::Kind,
        refusal,
        DmaDevice, //
    },
    direction::Direction,
    engine::Engine,
    generic::variance::Invariant,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress,
        Unmap, //
    },
    model::sync_attrs::UnmapAttrs,
    state::{
        Device,
        Lasting,
        State, //
    },
    sys::{
        chunk::Chunk,
        ffi, //
    },
};
use core::{
    marker::PhantomData,
    ops::Range, //
};
use kernel::{
    bindings,
    device::Bound,
    dma::DmaAddress,
    io::resource::Flags,
    pci,
    platform,
    prelude::*, //
};

/// I/O memory of a device that is bound during `'peer`: proof that it is not RAM.
///
/// # Invariants
///
/// The bytes, at least one, are I/O memory of a device during `'peer`.
#[derive(Clone, Copy)]
pub struct MmioWindow<'peer> {
    phys: u64,
    len: u64,
    _peer: Invariant<'peer>,
}

impl<'peer> MmioWindow<'peer> {
    /// Returns all of a PCI function's BAR number `bar`, 0 to 5.
    ///
    /// Whether the host bridge lets one PCI function reach another depends on the platform. If it does
    /// not, the accesses are aborted.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the BAR does not exist, is not a memory BAR, or has no address assigned.
    pub fn of_bar(peer: &'peer pci::Device<Bound>, bar: u32) -> Result<Self> {
        if bar >= bindings::PCI_STD_NUM_BARS {
            return Err(EINVAL);
        }
        // `pci::Device` is a transparent wrapper of `struct pci_dev` in an `Opaque`.
        let pdev: *const bindings::pci_dev = core::ptr::from_ref(peer).cast();
        // SAFETY: The device is bound during `'peer`, so it is valid and its BARs stay in place.
        let resources = unsafe { &(*pdev).resource };
        let resource = resources.get(bar as usize).ok_or(EINVAL)?;

        // CAST: The flags are bits of an `unsigned long`.
        let has = |flag: u32| resource.flags & flag as c_ulong != 0;
        // A BAR without an assigned address is at 0, and has no parent.
        if has(bindings::IORESOURCE_UNSET) || resource.parent.is_null() {
            return Err(EINVAL);
        }

        Self::new(
            peer.resource_start(bar)?,
            peer.resource_len(bar)?,
            has(bindings::IORESOURCE_MEM),
        )
    }

    /// Returns all of a platform device's I/O memory resource number `index`, from 0 on.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the resource does not exist, or is empty.
    pub fn of_resource(peer: &'peer platform::Device<Bound>, index: u32) -> Result<Self> {
        let resource = peer.resource_by_index(index).ok_or(EINVAL)?;

        Self::new(
            resource.start(),
            resource.size(),
            resource.flags().contains(Flags::IORESOURCE_MEM),
        )
    }

    fn new(phys: u64, len: u64, is_memory: bool) -> Result<Self> {
        let last = len
            .checked_sub(1)
            .and_then(|distance| phys.checked_add(distance))
            .ok_or(EINVAL)?;
        if !is_memory || ffi::is_ram(phys) || ffi::is_ram(last) {
            return Err(EINVAL);
        }

        // INVARIANT: The callers pass what a bound device reports as its I/O memory.
        Ok(Self {
            phys,
            len,
            _peer: PhantomData,
        })
    }

    /// Returns a part of the window, in bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the range is empty, or does not lie within the window.
    pub fn slice(self, range: Range<u64>) -> Result<Self> {
        if range.is_empty() || range.end > self.len {
            return Err(EINVAL);
        }

        // INVARIANT: The range is a part of the window, and not empty. The sums are within the window.
        Ok(Self {
            phys: self.phys.wrapping_add(range.start),
            len: range.end.wrapping_sub(range.start),
            _peer: PhantomData,
        })
    }

    /// Returns the number of bytes; not 0.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(self) -> u64 {
        self.len
    }
}

/// I/O memory of one device, mapped for another one; unmapped on drop.
///
/// The CPU accesses the registers through an ioremap, independently of the mapping: nothing is synced,
/// and there is one state only. The engine is that of the device that accesses the registers. Before
/// the addresses are reused, the engine is stopped unless it is idle; if it cannot be stopped, the
/// mapping is leaked and counted as quarantined.
///
/// A leak does not keep registers from others, as it does memory: the device still reaches them when
/// another driver is bound to the peer.
///
/// C API: `dma_map_phys()` with `DMA_ATTR_MMIO`, as `dma_map_resource()` does. Drop context: any.
///
/// # Examples
///
/// ```ignore
/// # fn example<'bound, E: Engine>(
/// #     dma: DmaDevice<'bound>,
/// #     peer: &'bound pci::Device<Bound>,
/// #     engine: E,
/// #     regs: &pci::Bar<'_>,
/// # ) -> Result {
/// # const TARGET: usize = 0x10;
/// let doorbells = MmioWindow::of_bar(peer, 2)?.slice(0..4096)?;
/// let mapping = MmioMapping::map(dma, doorbells, FromDevice, engine)?;
/// regs.try_write64(mapping.dma_address(), TARGET)?;
/// # Ok(())
/// # }
/// ```
pub type MmioMapping<'bound, D, E> = Dma<Mmio<'bound>, D, Lasting<E>>;

/// I/O memory of one device, mapped for another one.
///
/// # Invariants
///
/// The memory is a window of I/O memory.
pub struct Mmio<'bound>(Mapped<'bound>);

// SAFETY: I/O memory stays where it is while its device is bound.
unsafe impl<'bound> Backing for Mmio<'bound> {
    type Device = DmaDevice<'bound>;
    // Not used: the memory never is in the `Cpu` state, from which `give` starts.
    type Given<E: Engine> = Device<E>;
    type Shape = One;
    const KIND: Kind = Kind::MMIO;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.0.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.0.size
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of
        // this function).
        unsafe { self.unmap::<D>(UnmapAttrs::IN_SYNC) };
    }
}

// SAFETY: I/O memory stays where it is while its device is bound.
unsafe impl Unmap for Mmio<'_> {
    type Buffer = ();

    #[inline]
    unsafe fn unmap<D: Direction>(self, _: UnmapAttrs) {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of
        // this function). `self` is consumed. Registers are not cached, so there is nothing to sync.
        unsafe { self.0.unmap::<D>(UnmapAttrs::IN_SYNC) };
    }
}

// SAFETY: `size` bytes are mapped at the address (type invariants of `Mapped`); no window is empty.
unsafe impl OneAddress for Mmio<'_> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.0.address
    }
}

impl<'bound, D: Direction, E: Engine> MmioMapping<'bound, D, E> {
    /// Maps `window` for the device behind `engine`.
    ///
    /// Context: any; does not sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the window is longer than the device's `max_segment_size`, or crosses its
    ///   `segment_boundary`.
    /// - `EIO`: the device cannot reach the window, or its IOMMU's address space is smaller.
    /// - `ENOMEM`: no memory for the IOMMU's tables, or no IOVA space.
    pub fn map<'peer: 'bound>(
        dev: DmaDevice<'bound>,
        window: MmioWindow<'peer>,
        direction: D,
        engine: E,
    ) -> Result<Self> {
        let _ = direction;
        let chunk = Chunk {
            phys: window.phys,
            len: window.len,
        };

        let attrs = bindings::DMA_ATTR_MMIO as c_ulong;
        // SAFETY: I/O memory (type invariants of `MmioWindow`), and the attribute says so.
        let mapped = unsafe { Mapped::map::<D>(dev, chunk, attrs) }
            .map_err(|error| refusal::reason(dev, chunk, D::RAW, attrs, error))?;

        // INVARIANT: A window of I/O memory.
        let backing = Mmio(mapped);
        // SAFETY: Mapped above in this direction.
        Ok(unsafe { Self::in_device(backing, engine) }.counted())
    }
}
