// SPDX-License-Identifier: GPL-2.0

//! Misc devices: nodes in `/dev` whose files reach a device while it is bound, and outlive the binding.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! The `kernel` crate has a `miscdevice` too. It lacks what drivers for hardware need: a name made at
//! run time, since there may be several devices; `poll()`; `O_NONBLOCK`; and an end with the binding
//! that does not depend on a destructor.
//!
//! # Lifetimes
//!
//! - A [`MiscDevice`] is registered until it is dropped, and no longer than its parent is bound. A
//!   devres action ends it: a registration that was leaked also ends with the binding, and so before
//!   the module with the file operations is unloaded.
//! - An open file outlives both. So its value, and [`FileOperations::Device`], which all files of a
//!   node share, are `'static`: they can't hold a DMA handle. They hold a [`Gate`](crate::gate::Gate),
//!   which leads to the device while it is bound.
//! - Nothing outlives the file. A process that polls is on a queue that the file's value leads to
//!   ([`FileOperations::poll_queue`]). A read or write is over when it returns, and
//!   [`Mmap`](crate::Mmap) owns mapped memory.
//! - An open file keeps the module that implements [`FileOperations`] loaded.

mod access;
mod vtable;

pub use self::access::{
    Access,
    Events,
    Wait, //
};

use self::vtable::VTable;
use super::{
    errno::to_result,
    ffi,
    gfp::Gfp,
    variance::Invariant, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Core,
        Device, //
    },
    error::{
        VTABLE_DEFAULT_ERROR, //
    },
    fmt,
    fs::File,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    prelude::*,
    str::CString,
    sync::{
        poll::PollCondVar,
        Arc,
        ArcBorrow, //
    },
    types::Opaque, //
};

/// Returns whether the thread that calls may administer the machine (`CAP_SYS_ADMIN`), whatever the mode
/// of the file is that it uses.
///
/// C API: `capable()`. Context: process context; for the functions of [`FileOperations`].
pub fn is_administrator() -> bool {
    #[cfg(CONFIG_MULTIUSER)]
    // SAFETY: No preconditions. C asks for the thread that runs.
    //
    // CAST: A small number.
    return unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) };

    // Everybody is.
    #[cfg(not(CONFIG_MULTIUSER))]
    true
}

/// An open file of a [`MiscDevice`].
///
/// A function that is not implemented fails as it does for a C driver that leaves it out.
/// [`open`](FileOperations::open) makes a value of the type, which is dropped when the file is
/// released. All functions run in a context that may sleep, also concurrently; `poll` and `poll_queue`
/// should not sleep.
///
/// # Examples
///
/// ```ignore
/// # struct Driver<'bound> { dma: DmaDevice<'bound> }
/// # impl Driver<'_> {
/// #     fn send(&self, _from: &mut IovIterSource<'_>) -> Result<usize> { Ok(0) }
/// # }
/// # impl Guarded for Driver<'_> {
/// #     fn shutdown(&self) {}
/// # }
/// # struct Connection { gate: Arc<Gate<ForLt!(Driver<'_>)>> }
/// #[vtable]
/// impl FileOperations for Connection {
///     type Device = Gate<ForLt!(Driver<'_>)>;
///
///     fn open(gate: ArcBorrow<'_, Self::Device>, _file: &File) -> Result<Pin<KBox<Self>>> {
///         Ok(KBox::pin(Connection { gate: gate.into() }, GFP_KERNEL)?)
///     }
///
///     fn write(&self, _access: &mut Access<'_>, from: &mut IovIterSource<'_>) -> Result<usize> {
///         let inside = self.gate.try_access().ok_or(ENODEV)?;
///         inside.with(|driver| driver.send(from))
///     }
/// }
/// ```
#[vtable]
pub trait FileOperations: Sized + Send + Sync + 'static {
    /// The data that all files of a device share.
    type Device: Send + Sync + 'static;

    /// Opens a file.
    ///
    /// The kernel holds the lock of all misc devices during the call. So `open` must not open or
    /// register a misc device, nor drop a [`MiscDevice`].
    fn open(device: ArcBorrow<'_, Self::Device>, file: &File) -> Result<Pin<KBox<Self>>>;

    /// Reads from the device: writes the caller's data to `to`.
    fn read(&self, _access: &mut Access<'_>, _to: &mut IovIterDest<'_>) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes to the device: reads the caller's data from `from`.
    fn write(&self, _access: &mut Access<'_>, _from: &mut IovIterSource<'_>) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the operations that would not sleep.
    ///
    /// The caller is on [`poll_queue`](Self::poll_queue) before this is called, so it misses no change
    /// between the answer and its sleep. Must not sleep. A type implements both functions or neither.
    fn poll(&self, _file: &File) -> Events {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the queue on which callers of `poll()` sleep. Code that changes the result of
    /// [`poll`](Self::poll) wakes the queue by [`CondVar::notify_all`](kernel::sync::CondVar).
    ///
    /// A process stays on the queue after the call, until it removes itself or the file is released.
    /// The queue must live as long, so it is borrowed from the file's value: it is in the value, or in
    /// an [`Arc`] there. A queue that ends with the binding, such as one behind a
    /// [`Gate`](crate::gate::Gate), cannot be returned.
    fn poll_queue(&self) -> &PollCondVar {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps memory; see [`Mmap::mmap`](crate::Mmap::mmap).
    fn mmap(&self, _file: &File, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs an ioctl of the driver, see [`kernel::ioctl`]. `arg` is a number, or an address in user
    /// space for [`UserSlice`](kernel::uaccess::UserSlice).
    fn ioctl(&self, _file: &File, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs an ioctl of a 32-bit process on a 64-bit kernel. By default `ioctl` gets the widened
    /// pointer.
    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(&self, _file: &File, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A registered device node, `/dev/<name>`, which is removed on drop.
///
/// C API: `misc_register()`, `misc_deregister()`. Drop context: may sleep, and not within
/// [`FileOperations::open`].
///
/// # Invariants
///
/// `node` came from [`register`](Self::register), and is valid until its devres action of `parent` has
/// run or is removed.
pub struct MiscDevice<'bound, F: FileOperations> {
    node: NonNull<Node>,
    parent: &'bound Device<Bound>,
    _files: (PhantomData<fn() -> F>, Invariant<'bound>),
}

// SAFETY: Any thread may deregister a misc device, and the devres list has a lock.
unsafe impl<F: FileOperations> Send for MiscDevice<'_, F> {}

// SAFETY: There are no methods on a shared reference.
unsafe impl<F: FileOperations> Sync for MiscDevice<'_, F> {}

/// The registration: what C and devres have pointers to, in an allocation of its own.
///
/// # Invariants
///
/// - `misc` is the first field, so a pointer to it is a pointer to the `Node`.
/// - `device` was an `Arc` of the `Device` of the file operations.
#[repr(C)]
struct Node {
    misc: Opaque<bindings::miscdevice>,
    /// The string that `misc.name` points to.
    _name: CString,
    device: Arc<dyn Send + Sync>,
}

/// Deregisters a node, and frees it.
///
/// Not generic: the code is in this module, and has one address, by which the devres action is added
/// and removed.
///
/// # Safety
///
/// `node` must be a registered [`Node`]. It is freed.
unsafe extern "C" fn deregister(node: *mut c_void) {
    let node = node.cast::<Node>();

    // SAFETY: The node is registered and given away (function precondition). `misc_deregister()` takes
    // the lock under which `misc_open()` uses the node, and nothing finds the node afterwards.
    unsafe {
        bindings::misc_deregister((*node).misc.get());
        drop(KBox::from_raw(node));
    }
}

/// Registers `node` until `parent` is unbound.
fn register(node: KBox<Node>, parent: &Device<Bound>) -> Result<NonNull<Node>> {
    let node = KBox::into_raw(node);

    // SAFETY: The node is valid, and is not moved or freed until it is deregistered.
    to_result(unsafe { bindings::misc_register((*node).misc.get()) }).inspect_err(|_| {
        // SAFETY: Leaked above, and not registered.
        drop(unsafe { KBox::from_raw(node) })
    })?;

    // SAFETY: `parent` is bound. `deregister` is called once, with a registered node.
    to_result(unsafe {
        bindings::__devm_add_action(
            ffi::as_raw(parent),
            Some(deregister),
            node.cast(),
            c"dma_map::MiscDevice".as_char_ptr(),
        )
    })
    .inspect_err(|_| {
        // SAFETY: The node was registered above, and no devres action deregisters it.
        unsafe { deregister(node.cast()) }
    })?;

    NonNull::new(node).ok_or(EINVAL)
}

impl<'bound, F: FileOperations> MiscDevice<'bound, F> {
    /// Registers a device node below `parent`, for the driver that `parent` is being bound to.
    ///
    /// Files can be opened before this returns, so `probe` calls it last.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the name is empty.
    /// - `EEXIST`: a device has this name. The kernel prints a warning; the driver must choose distinct
    ///   names.
    /// - `EBUSY`: no minor number is left.
    /// - `ENOMEM`.
    pub fn register(
        parent: &'bound Device<Core<'_>>,
        name: fmt::Arguments<'_>,
        device: Arc<F::Device>,
    ) -> Result<Self> {
        let name = CString::try_from_fmt(name)?;
        if name.is_empty() {
            return Err(EINVAL);
        }

        let misc = bindings::miscdevice {
            // CAST: A small constant.
            minor: bindings::MISC_DYNAMIC_MINOR as c_int,
            // Moving the `CString` does not move its bytes.
            name: name.as_char_ptr(),
            fops: &VTable::<F>::VTABLE,
            parent: ffi::as_raw(parent),
            ..Default::default()
        };
        // INVARIANT: `misc` has the file operations of `F`.
        let node = Node {
            misc: Opaque::new(misc),
            _name: name,
            device,
        };
        let node = KBox::new(node, Gfp::Kernel.flags())?;

        // INVARIANT: `register` has registered the node and added its devres action.
        Ok(Self {
            node: register(node, parent)?,
            parent,
            _files: (PhantomData, PhantomData),
        })
    }
}

impl<F: FileOperations> Drop for MiscDevice<'_, F> {
    fn drop(&mut self) {
        let node = self.node.as_ptr().cast();

        // SAFETY: `parent` is bound. Only the pointer to the node is compared, not the node accessed.
        let removed = unsafe {
            bindings::devm_remove_action_nowarn(ffi::as_raw(self.parent), Some(deregister), node)
        };
        // The action is on the list unless the device is being unbound; then it has run, or is about to
        // run.
        if removed == 0 {
            // SAFETY: The action was on the list, so the node is registered (type invariant), and now
            // nothing else deregisters it.
            unsafe { deregister(node) };
        }
    }
}
