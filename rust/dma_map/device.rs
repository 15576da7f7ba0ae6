// SPDX-License-Identifier: GPL-2.0

//! `DmaDevice`: the proof that a device is bound and that its DMA limits are set.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

pub(crate) mod binding;
pub(crate) mod constraints;
pub(crate) mod counts;
pub(crate) mod interrupts;
pub mod limits;
#[doc(hidden)]
pub mod lines;
pub(crate) mod refusal;
pub(crate) mod split;

use self::{
    binding::Binding,
    constraints::Constraints, //
    counts::{
        Change,
        Kind, //
    },
    limits::DmaLimits,
};
use crate::{
    generic::variance::{
        CrateToken,
        Invariant, //
    },
    sys::{
        deferral::DeferredCount,
        ffi, //
    },
};
use core::{
    marker::PhantomData,
    sync::atomic::Ordering::Relaxed, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Core,
        Device, //
    },
    dma,
    prelude::*, //
};

/// A device whose DMA limits are set, for as long as it is bound.
///
/// Every constructor of this crate takes one. It is a proof and not an owner. It is [`Copy`], and
/// driver data can keep it beside the handles that were made with it.
///
/// A `DmaDevice<'bound>` proves:
///
/// - The device is bound to its driver during `'bound`, so its masks, its IOMMU mappings and its
///   bounce buffers belong to this driver.
/// - Its limits were set, and are not changed through this crate during `'bound`.
/// - The limits are set once per binding: a second attempt gets `EBUSY`.
///
/// # Invariants
///
/// `binding` is the claimed binding of a device that is bound during `'bound`. The device's limits
/// have been applied, and its reach is known.
///
/// # Examples
///
/// ```ignore
/// # struct Driver;
/// # struct Data<'bound> { ring: DmaCoherent<'bound, [u32]> }
/// # kernel::pci_device_table!(
/// #     PCI_TABLE,
/// #     <Driver as pci::Driver>::IdInfo,
/// #     [(pci::DeviceId::from_class(0x00ff00, 0xffffff), ())]
/// # );
/// # impl pci::Driver for Driver {
/// #     type IdInfo = ();
/// #     type Data<'bound> = Data<'bound>;
/// #     const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;
/// fn probe<'bound>(
///     pdev: &'bound pci::Device<Core<'_>>,
///     _info: Option<&'bound Self::IdInfo>,
/// ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
///     pin_init::pin_init_scope(move || {
///         pdev.enable_device_mem()?;
///         let dma = DmaDevice::new(pdev, DmaLimits::new(DmaMask::new::<32>()))?;
///         let ring = DmaCoherent::<[u32]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
///         // ...
///         Ok(Ok(Data { ring }))
///     })
/// }
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct DmaDevice<'bound> {
    // One pointer, because handles carry the token.
    binding: &'bound Binding,
    // Makes handles invariant in the lifetime of the binding.
    _bound: Invariant<'bound>,
}

impl<'bound> DmaDevice<'bound> {
    /// Sets the limits of `dev`.
    ///
    /// `dev` is a [`pci::Device`](kernel::pci::Device) or a
    /// [`platform::Device`](kernel::platform::Device) in the `Core` context, which a driver has in
    /// `probe` and in `unbind`. In `unbind` it is too late. No `unsafe` is needed: nothing can have
    /// been mapped yet, since mapping takes the token that is made here.
    ///
    /// That argument covers this crate. A driver that also allocates with [`kernel::dma`] must not
    /// do so from another thread during this call: the C API's masks are plain fields.
    ///
    /// C API: `dma_set_mask()`, `dma_set_coherent_mask()`, `dma_set_max_seg_size()`,
    /// `dma_set_seg_boundary()`, `dma_set_min_align_mask()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a limit that [`DmaLimits`] rules out.
    /// - `EIO`: the platform does not support the mask, the bus has no place for segment limits, or the
    ///   pages of the IOMMU are too small for the [`min_align_mask`](DmaLimits::min_align_mask).
    /// - `EBUSY`: the limits were set before in this binding.
    /// - `ENODEV`: `probe` is over, and the device is being unbound.
    /// - `ENOMEM`.
    ///
    /// After an error nothing is set, and another call in `probe` may succeed.
    pub fn new<'a, D: dma::Device<'a>>(dev: &'bound D, limits: DmaLimits) -> Result<Self>
    where
        'a: 'bound,
    {
        let core: &'bound Device<Core<'a>> = dev.as_ref();

        // INVARIANT: `dev` is bound by its type. The binding is claimed, the limits are applied, and
        // the reach is known.
        Ok(Self {
            binding: binding::claim(core, &limits)?,
            _bound: PhantomData,
        })
    }

    /// Returns the device.
    #[inline]
    pub fn device(self) -> &'bound Device<Bound> {
        self.binding.device()
    }

    #[inline(always)]
    pub(crate) fn as_raw(self) -> *mut bindings::device {
        self.binding.dev
    }

    #[inline(always)]
    pub(crate) fn binding(self) -> &'bound Binding {
        self.binding
    }

    /// Returns the token as a pointer, for C functions that pass it on.
    #[inline(always)]
    pub(crate) fn as_binding(self) -> *const c_void {
        core::ptr::from_ref(self.binding).cast()
    }

    /// Returns the token of a pointer from [`as_binding`](Self::as_binding).
    ///
    /// # Safety
    ///
    /// `binding` must come from [`as_binding`](Self::as_binding), and the device must be bound during
    /// `'bound`.
    pub(crate) unsafe fn from_binding(binding: *const c_void) -> Self {
        // INVARIANT: The binding is that of a token, and bound during `'bound` (function precondition).
        Self {
            // SAFETY: The binding exists as long as the device is bound, which it is during `'bound`
            // (function precondition).
            binding: unsafe { &*binding.cast() },
            _bound: PhantomData,
        }
    }

    /// Returns the token with a shorter lifetime.
    ///
    /// The guarantees for `'bound` hold during `'a`, too. This is not open to drivers, which have no
    /// use for it: a handle has the lifetime of its binding.
    #[inline(always)]
    pub(crate) fn shorter<'a>(self) -> DmaDevice<'a>
    where
        'bound: 'a,
    {
        // INVARIANT: `'a` is a part of `'bound`.
        DmaDevice {
            binding: self.binding,
            _bound: PhantomData,
        }
    }

    /// Returns the DMA constraints of mappings for the device.
    #[inline(always)]
    pub(crate) fn constraints(self) -> &'bound Constraints {
        self.binding.constraints()
    }

    /// Returns whether what is mapped for the device must be unmapped. To be asked after the mapping.
    ///
    /// What decides it is fixed when the device is bound, but for bounce buffers: the device needs no syncs
    /// until there is one.
    ///
    /// C API: `dma_need_unmap()`, without the call.
    #[inline(always)]
    pub(crate) fn needs_unmap(self) -> bool {
        // SAFETY: By the type invariant the device is valid.
        self.constraints().unmaps_all || unsafe { ffi::need_sync(self.as_raw()) }
    }

    /// Returns whether `size` bytes from `address` on are within the streaming mask and do not cross
    /// the segment boundary. `size` is not 0. For memory that C has allocated within other limits.
    pub(crate) fn takes_address(self, address: dma::DmaAddress, size: usize) -> bool {
        let (address, size) = (constraints::widen(address), size as u64);

        !self.constraints().crosses(address, size)
            && address.wrapping_add(size).wrapping_sub(1) <= self.mask()
    }

    /// Counts `bytes` as leaked.
    ///
    /// Context: any.
    #[cold]
    #[inline(never)]
    pub(crate) fn quarantine(self, bytes: usize) {
        self.binding.quarantined.fetch_add(bytes, Relaxed);
        self.binding.counts().quarantine(bytes);
    }

    /// Counts a handle that is made or that ends, if the device's handles are counted.
    ///
    /// Context: any.
    #[inline(always)]
    pub(crate) fn count(self, change: Change, kind: Kind, bytes: usize) {
        self.binding.counts().count(change, kind, bytes);
    }

    /// Returns the NUMA node of the device, or `NUMA_NO_NODE`.
    #[cfg(CONFIG_BLOCK)]
    pub(crate) fn numa_node(self) -> c_int {
        #[cfg(CONFIG_NUMA)]
        // SAFETY: By the type invariant the device is valid.
        return unsafe { (*self.as_raw()).numa_node };

        #[cfg(not(CONFIG_NUMA))]
        bindings::NUMA_NO_NODE
    }

    /// Returns the mask for streaming memory.
    #[inline]
    pub fn mask(self) -> u64 {
        // SAFETY: By the type invariant the device is valid, and its limits were applied, so it has a
        // mask.
        unsafe { *(*self.as_raw()).dma_mask }
    }

    /// Returns the mask for coherent memory.
    #[inline]
    pub fn coherent_mask(self) -> u64 {
        // SAFETY: By the type invariant the device is valid.
        unsafe { (*self.as_raw()).coherent_dma_mask }
    }

    /// Returns the mask that is needed to reach all memory of the machine.
    ///
    /// C API: `dma_get_required_mask()`.
    #[inline]
    pub fn required_mask(self) -> u64 {
        // SAFETY: By the type invariant the device is valid.
        unsafe { bindings::dma_get_required_mask(self.as_raw()) }
    }

    /// Returns whether the mask does not reach all memory, so that buffers may be bounced.
    ///
    /// C API: `dma_addressing_limited()`. Context: any but hard IRQ; it may walk the memory ranges
    /// under a lock.
    #[inline]
    pub fn addressing_limited(self) -> bool {
        // SAFETY: By the type invariant the device is valid.
        unsafe { bindings::dma_addressing_limited(self.as_raw()) }
    }

    /// Returns the size up to which any piece of contiguous memory can be mapped, in bytes.
    ///
    /// It may change when memory is hotplugged that the device does not reach. A piece that the device
    /// reaches, or that is suitably aligned, may be larger.
    ///
    /// C API: `dma_max_mapping_size()`.
    #[inline]
    pub fn max_mapping_size(self) -> usize {
        // SAFETY: By the type invariant the device is valid.
        unsafe { bindings::dma_max_mapping_size(self.as_raw()) }
    }

    /// Returns the size up to which a mapping is efficient, in bytes.
    ///
    /// C API: `dma_opt_mapping_size()`.
    #[inline]
    pub fn opt_mapping_size(self) -> usize {
        // SAFETY: By the type invariant the device is valid.
        unsafe { bindings::dma_opt_mapping_size(self.as_raw()) }
    }

    /// Returns, as a mask, the granule by which an IOMMU merges pieces of memory for this device:
    /// pieces that begin and end at a multiple can become one segment. 0 if nothing is merged.
    ///
    /// C API: `dma_get_merge_boundary()`.
    #[inline]
    pub fn merge_boundary(self) -> u64 {
        // SAFETY: By the type invariant the device is valid.
        let mask = unsafe { bindings::dma_get_merge_boundary(self.as_raw()) };

        // CAST: `unsigned long` is at most 64 bits.
        mask as u64
    }

    /// Returns the largest segment that the device takes, in bytes.
    ///
    /// C API: `dma_get_max_seg_size()`.
    #[inline]
    pub fn max_segment_size(self) -> u32 {
        // CAST: The C API has 32 bits.
        self.constraints().max_segment as u32
    }

    /// Returns the boundary that a segment must not cross, as a mask.
    ///
    /// C API: `dma_get_seg_boundary()`.
    #[inline]
    pub fn segment_boundary(self) -> u64 {
        self.constraints().boundary
    }

    /// Returns the low address bits that a bounce buffer keeps.
    ///
    /// C API: `dma_get_min_align_mask()`.
    #[inline]
    pub fn min_align_mask(self) -> u32 {
        // SAFETY: By the type invariant the device is valid. If not NULL, `dma_parms` points to its
        // parameters, which do not change while it is bound.
        unsafe { (*self.as_raw()).dma_parms.as_ref() }.map_or(0, |parms| parms.min_align_mask)
    }

    /// Returns the cache maintenance unit of this device in bytes: 1 if the device is coherent,
    /// whatever the machine's other devices are.
    ///
    /// Memory that the device writes to must begin and end at a multiple of it, or be a `kmalloc()`
    /// buffer, which the kernel bounces if it is too small for that.
    /// [`DmaMapping::map`](crate::DmaMapping::map) refuses other memory.
    ///
    /// C API: `dma_get_cache_alignment()`, which is for the whole machine; `dev_is_dma_coherent()`.
    #[inline]
    pub fn cache_alignment(self) -> usize {
        self.constraints().cache_alignment()
    }

    /// Returns whether `give` and `complete` call C's sync functions for this device. If not, they only
    /// change the owner.
    ///
    /// The reasons for `true` are:
    ///
    /// - The device is not coherent with the CPU's caches: always `true`.
    /// - A buffer was bounced: `false` until the first one is, then `true` for good.
    /// - The kernel was built with `CONFIG_DMA_API_DEBUG`: always `true`, also where nothing is copied
    ///   and no cache is cleaned. Such a kernel does not tell what to expect of others.
    ///
    /// C API: `dma_dev_need_sync()`. Context: any.
    #[inline]
    pub fn needs_sync(self) -> bool {
        // SAFETY: By the type invariant the device is valid.
        unsafe { ffi::need_sync(self.as_raw()) }
    }

    /// Returns the number of quarantined bytes. They are leaked because the device could not be stopped
    /// when their handle was dropped, or because a [`DmaPool`](crate::DmaPool) found that their handle
    /// was leaked.
    ///
    /// Context: any.
    pub fn quarantined(self) -> usize {
        self.binding.quarantined.load(Relaxed)
    }
}

impl From<DmaDevice<'_>> for DeferredCount {
    /// Counts a deferred free of the binding.
    fn from(dev: DmaDevice<'_>) -> Self {
        // SAFETY: The count is in the binding, which has not ended here, and whose end waits until the
        // count is 0.
        unsafe { Self::new(&dev.binding.pending) }
    }
}

/// A [`DmaDevice`] of any lifetime.
pub trait Token: Copy {
    /// Counts `bytes` as leaked.
    #[doc(hidden)]
    fn quarantined_more(self, bytes: usize, _: CrateToken);

    /// Counts a handle that is made or that ends, if the device's handles are counted.
    #[doc(hidden)]
    fn counted(self, change: Change, kind: Kind, bytes: usize, _: CrateToken);
}

impl Token for DmaDevice<'_> {
    #[inline]
    fn quarantined_more(self, bytes: usize, _: CrateToken) {
        self.quarantine(bytes);
    }

    #[inline(always)]
    fn counted(self, change: Change, kind: Kind, bytes: usize, _: CrateToken) {
        self.count(change, kind, bytes);
    }
}
