// SPDX-License-Identifier: GPL-2.0

//! Disks: block devices, which end with the binding.

use super::{
    disk_options::{
        Access,
        DiskOptions, //
    },
    opener,
    operations::Operations,
    queues::Link,
    set::Set,
    tag_set::TagSet,
    vtable::VTable, //
};
use crate::{
    generic::{
        errno::to_result,
        ffi, //
    },
    gfp::Gfp,
    DmaDevice, //
};
use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Core,
        Device, //
    },
    fmt,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        Arc,
        UniqueArc, //
    },
    types::ForLt, //
};

/// The driver's data of the disks with the contents `F`.
type Data<F> = <<F as ForLt>::Of<'static> as Operations>::Disk;

/// A disk, with what C has pointers to.
///
/// # Invariants
///
/// - `disk` is NULL, or a disk with a reference of this value. It belongs to `set`, a tag set that was made.
/// - `link` has the queue of `disk`, or NULL. From when it is given to `set` until it is removed there, it
///   belongs to `set`.
/// - `_kept` keeps the tag set, and what the disk's `queuedata` and its `private_data` point to.
struct Node {
    disk: *mut bindings::gendisk,
    set: *const Set,
    link: UnsafeCell<Link>,
    _kept: Arc<dyn Send + Sync>,
}

impl Node {
    /// Takes the queue of the disk out of those of the tag set, if it is one of them.
    fn remove_queue(&self) {
        // SAFETY: The tag set is valid, and the node is not NULL.
        unsafe { (*self.set).remove_queue(NonNull::new_unchecked(self.link.get())) };
    }
}

// SAFETY: C locks what it changes in a disk and in a tag set, which locks its links.
unsafe impl Send for Node {}

// SAFETY: A shared reference changes nothing but the link, which the tag set locks.
unsafe impl Sync for Node {}

/// What lives as long as a disk.
struct Kept<F: ForLt + 'static, D> {
    data: Arc<D>,
    tags: Arc<TagSet<F>>,
}

/// Removes a disk, and drops the reference of the devres action.
///
/// Waits until all requests are ended, and no operation runs.
///
/// Not generic: the code is in this module, and has one address, by which the devres action is added
/// and removed.
///
/// # Safety
///
/// `node` must be a reference of a [`Node`], whose disk was added and is not removed. What its operations
/// reach must exist during the call.
unsafe extern "C" fn remove(node: *mut c_void) {
    // SAFETY: By the precondition of this function.
    let node = unsafe { Arc::from_raw(node.cast_const().cast::<Node>()) };

    // SAFETY: The disk was added, and is removed once (function precondition). A request that is ended
    // no longer keeps the disk. So the last function waits for the RCU readers that may have ended it,
    // and go on with what it reached: `queue_rq`, and `TagSet::take`. It waits for ioctls, too, that look
    // for the driver's data, which the node keeps until after that.
    unsafe {
        opener::hide(node.disk);
        bindings::del_gendisk(node.disk);
        node.remove_queue();
        bindings::blk_mq_wait_quiesce_done((*node.set).as_raw());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It is there if the disk could not be added.
        self.remove_queue();
        if !self.disk.is_null() {
            // SAFETY: The reference is this value's. The disk was removed, or never added; in the second
            // case C still needs the tag set, which is dropped after this.
            unsafe { bindings::put_disk(self.disk) };
        }
    }
}

/// Makes a disk, and adds it until `parent` is unbound.
///
/// # Safety
///
/// `parent` must be bound, and stay so during the call. `data` must come from [`Arc::as_ptr`] of what the
/// operations call their `Disk`, and be kept by `node`. The operations must work until the devres actions of `parent` run that were added before.
unsafe fn add(
    parent: *mut bindings::device,
    mut node: UniqueArc<Node>,
    data: *mut c_void,
    name: &CStr,
    fops: &'static bindings::block_device_operations,
    options: DiskOptions,
    mut limits: bindings::queue_limits,
) -> Result<Arc<Node>> {
    // SAFETY: The tag set was made, and the node keeps it.
    let disk = unsafe { (*node.set).alloc_disk(&mut limits, data) }?;
    // INVARIANT: A disk of this tag set, and its queue.
    node.disk = disk;
    // SAFETY: The disk was made above, and has a queue.
    *node.link.get_mut() = Link::new(unsafe { (*disk).queue });

    // SAFETY: The disk was made above, and nobody else has it yet.
    unsafe {
        let to = &mut (*disk).disk_name;
        let bytes = name.to_bytes_with_nul();
        if bytes.len() < 2 || bytes.len() > to.len() {
            return Err(EINVAL);
        }
        for (to, from) in to.iter_mut().zip(bytes) {
            *to = *from;
        }
        (*disk).fops = fops;
        // If the disk cannot be added, it is never opened.
        opener::show(disk, data);
        bindings::set_capacity(disk, options.sectors());
        if options.access == Access::ReadOnly {
            bindings::set_disk_ro(disk, true);
        }
    }

    let node: Arc<Node> = node.into();
    // SAFETY: The node keeps the link and the disk, whose queue is one of the tag set's, until it has removed
    // it. The disk has no requests before it is added.
    unsafe { (*node.set).add_queue(NonNull::new_unchecked(node.link.get())) };
    // SAFETY: The disk is complete, and its operations work (function preconditions).
    to_result(unsafe { bindings::device_add_disk(parent, disk, core::ptr::null_mut()) })?;

    let action = Arc::into_raw(node.clone()).cast_mut().cast();
    // SAFETY: `parent` is bound. The action owns the reference that is leaked above, of a disk that was
    // added. If it can't be added, it runs at once.
    to_result(unsafe { bindings::devm_add_action_or_reset(parent, Some(remove), action) })?;

    Ok(node)
}

/// A block device, `/dev/<name>`, which is removed on drop.
///
/// The removal waits until all requests are ended. A disk whose device is gone needs
/// [`mark_dead`](Self::mark_dead) and [`TagSet::cancel`] first, or it waits for the timeouts.
///
/// C API: `device_add_disk()`, `del_gendisk()`. Drop context: may sleep, and not within an operation.
///
/// # Invariants
///
/// `node` was added with a devres action of `parent`.
pub struct Disk<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    node: Arc<Node>,
    kept: Arc<Kept<F, Data<F>>>,
    parent: ARef<Device>,
    options: DiskOptions,
}

impl<F> Disk<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    /// Adds a disk below `parent`, for the driver that `parent` is being bound to.
    ///
    /// The kernel reads the partition table before this returns. So `probe` calls it when requests work, and
    /// holds nothing that their completion needs. Meanwhile the tag set may be [quiesced](TagSet::quiesce) by
    /// another thread, whose end this waits for.
    ///
    /// The second disk of a tag set is added when the first one has no requests: this waits for them.
    ///
    /// The limits of the queue follow from the options and from the device: the size of a request from
    /// [`opt_mapping_size`](DmaDevice::opt_mapping_size) and
    /// [`max_mapping_size`](DmaDevice::max_mapping_size), the size and the boundary of a segment from its
    /// [`DmaLimits`](crate::DmaLimits), the alignment from its cache lines.
    ///
    /// C API: `blk_mq_alloc_disk()`, `device_add_disk()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the name is empty, or has more than 31 bytes; the size of a block is no power of two, or
    ///   is out of range; the capacity is not whole blocks; a limit of discard or of write zeroes is less
    ///   than its unit; a request or a segment could not have a page.
    /// - `ENODEV`: the gate of the tag set is closed, or is that of another device.
    /// - `EEXIST`: a disk has this name. The kernel prints a warning; the driver must choose distinct names.
    /// - `ENOMEM`.
    pub fn add(
        parent: &Device<Core<'_>>,
        tags: Arc<TagSet<F>>,
        name: fmt::Arguments<'_>,
        data: Data<F>,
        options: DiskOptions,
    ) -> Result<Self> {
        let raw = ffi::as_raw(parent);
        // While the gate is entered, its token is valid.
        let inside = tags.gate().try_access().ok_or(ENODEV)?;
        // SAFETY: The gate is entered.
        let dma = unsafe { DmaDevice::from_binding(tags.gate().binding()) };
        // The gate must close after the disk's devres action has run.
        if dma.as_raw() != raw {
            return Err(ENODEV);
        }
        let limits = options.limits(dma, tags.max_segments())?;
        // This thread holds the lock of `parent` (`Core`), so nobody else unbinds it, and the gate stays
        // open. If it is this thread that unbinds it, the action that is added below still runs before
        // the gate's.
        drop(inside);

        let name = CString::try_from_fmt(name)?;
        let set = core::ptr::from_ref(tags.set());
        let data = Arc::new(data, Gfp::Kernel.flags())?;
        let kept = Arc::new(Kept { data, tags }, Gfp::Kernel.flags())?;
        // INVARIANT: No disk yet. The tag set is the one that is kept.
        let node = UniqueArc::new(
            Node {
                disk: core::ptr::null_mut(),
                set,
                link: UnsafeCell::new(Link::new(core::ptr::null_mut())),
                _kept: kept.clone(),
            },
            Gfp::Kernel.flags(),
        )?;
        let data = Arc::as_ptr(&kept.data).cast_mut().cast();
        let fops = &VTable::<F::Of<'static>>::DISK;
        // SAFETY: `parent` is bound, and is not unbound meanwhile (`Core`). The node keeps the data. The
        // operations reach the contents of the gate, which closes in an action of `parent` that was added
        // before.
        let node = unsafe { add(raw, node, data, &name, fops, options, limits) }?;

        // INVARIANT: Added above, with its action.
        Ok(Self {
            node,
            kept,
            parent: parent.into(),
            options,
        })
    }

    /// Fails all new requests, because the device is gone, and tells those who use the disk.
    ///
    /// Requests that the driver has stay with it: it must end them, as [`TagSet::cancel`] does.
    ///
    /// C API: `blk_mark_disk_dead()`. Context: may sleep; not within an operation.
    pub fn mark_dead(&self) {
        // SAFETY: The node has a reference to the disk.
        unsafe { bindings::blk_mark_disk_dead(self.node.disk) };
    }

    /// Sets the number of sectors, of 512 bytes.
    ///
    /// C API: `set_capacity_and_notify()`. Context: may sleep; not within an operation.
    ///
    /// # Errors
    ///
    /// `EINVAL`: not whole blocks. A request for the last one would be shorter than a block.
    pub fn set_capacity(&self, sectors: u64) -> Result {
        if !self.options.are_blocks(sectors) {
            return Err(EINVAL);
        }
        // SAFETY: The node has a reference to the disk.
        unsafe { bindings::set_capacity_and_notify(self.node.disk, sectors) };
        Ok(())
    }

    /// Returns the driver's data of the disk.
    pub fn data(&self) -> &Data<F> {
        &self.kept.data
    }
}

impl<F> Drop for Disk<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    fn drop(&mut self) {
        // An unbind that begins now does not find the action. It must not close the gate either, before
        // the disk is removed here: it waits for those inside.
        let Some(_inside) = self.kept.tags.gate().try_access() else {
            // The gate closes in an action that runs later than the disk's.
            return;
        };
        let node = Arc::as_ptr(&self.node).cast_mut().cast();
        let dev: &Device = &self.parent;
        let raw = core::ptr::from_ref(dev).cast_mut().cast();

        // SAFETY: `parent` is referenced. Only the pointer to the node is compared, which no other action
        // has, because this value keeps the node.
        let removed = unsafe { bindings::devm_remove_action_nowarn(raw, Some(remove), node) };
        // The action is on the list unless the device is being unbound; then it has run, or is about to
        // run, before the gate's.
        if removed == 0 {
            // SAFETY: The action was on the list, so the disk is not removed, and its reference is ours.
            // The contents of the gate exist: this thread is inside.
            unsafe { remove(node) };
        }
    }
}
