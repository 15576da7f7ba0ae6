// SPDX-License-Identifier: GPL-2.0

//! A device node in `/dev` whose files reach a device while it is bound, and go on without it.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! The `kernel` crate has a `miscdevice` too. What it lacks, and drivers for hardware need: a name
//! made at run time, since there may be several devices; `poll()`; `O_NONBLOCK`; and an end with the
//! binding that does not depend on a destructor.
//!
//! # What lives how long
//!
//! - A [`MiscDevice`] is registered until it is dropped, and no longer than its parent is bound.
//!   That end is a devres action: a registration that was leaked is gone with the binding, too, and so
//!   before the module that has the file operations.
//! - An open file outlives both. So what it holds, and [`FileOperations::Device`], which all files of
//!   a node share, is `'static`: it can't hold a DMA handle. It holds a [`Gate`](crate::gate::Gate)
//!   instead, which leads to the device while that is bound.
//! - What a call leaves behind ends with the file. A process that polls is on a queue that the file's
//!   value leads to ([`FileOperations::poll_queue`]). Nothing else is left behind: a read or a write is
//!   over when it returns, and memory that is mapped is [`Mmap`](crate::Mmap)'s affair.
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

/// An open file of a [`MiscDevice`].
///
/// What is not implemented fails as it does for a C driver that leaves it out. A value of the type is
/// made by [`open`](FileOperations::open), and dropped when the file is released. All functions run
/// in a context that may sleep, several of them at a time; `poll` and `poll_queue` should not.
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
///         let inside = self.gate.enter().ok_or(ENODEV)?;
///         inside.with(|driver| driver.send(from))
///     }
/// }
/// ```
#[vtable]
pub trait FileOperations: Sized + Send + Sync + 'static {
    /// What all files of a device share.
    type Device: Send + Sync + 'static;

    /// Opens a file.
    ///
    /// No misc device can be opened or registered while this runs, so it must not do either, and must
    /// not drop a [`MiscDevice`].
    fn open(device: ArcBorrow<'_, Self::Device>, file: &File) -> Result<Pin<KBox<Self>>>;

    /// Writes to `to` what the caller reads.
    fn read(&self, _access: &mut Access<'_>, _to: &mut IovIterDest<'_>) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Reads from `from` what the caller writes.
    fn write(&self, _access: &mut Access<'_>, _from: &mut IovIterSource<'_>) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns what can be done without sleeping.
    ///
    /// Who asks is on [`poll_queue`](Self::poll_queue) before this is called, so no change between the
    /// answer and the sleep is missed. Does not sleep. A type has both functions or neither.
    fn poll(&self, _file: &File) -> Events {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the queue on which callers of `poll()` sleep: whoever changes what
    /// [`poll`](Self::poll) says wakes it, by [`CondVar::notify_all`](kernel::sync::CondVar).
    ///
    /// A process is on the queue beyond any call, and takes itself off when it likes, until the file is
    /// released. The queue has to live as long: it is found by a borrow of the file's value, which is
    /// borrowed until then. So it is in the value, or in an [`Arc`] there. One that ends with the
    /// binding, such as a queue behind a [`Gate`](crate::gate::Gate), cannot be returned.
    fn poll_queue(&self) -> &PollCondVar {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps memory; see [`Mmap::mmap`](crate::Mmap::mmap).
    fn mmap(&self, _file: &File, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs a command of the driver's own, see [`kernel::ioctl`]. `arg` is a number, or the address of
    /// something in user space, for [`UserSlice`](kernel::uaccess::UserSlice).
    fn ioctl(&self, _file: &File, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The same for a 32-bit process of a 64-bit kernel; without it, `ioctl` gets the pointer widened.
    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(&self, _file: &File, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A device node that is registered, `/dev/<name>`; gone on drop.
///
/// C API: `misc_register()`, `misc_deregister()`. Drop context: may sleep, and not within
/// [`FileOperations::open`].
///
/// # Invariants
///
/// `node` came from [`register`](Self::register), and is valid until it is on the list of devres
/// actions of `parent` no more.
pub struct MiscDevice<'bound, F: FileOperations> {
    node: NonNull<Node>,
    parent: &'bound Device<Bound>,
    _files: (PhantomData<fn() -> F>, Invariant<'bound>),
}

// SAFETY: A misc device may be deregistered by any thread, and the devres list has a lock.
unsafe impl<F: FileOperations> Send for MiscDevice<'_, F> {}

// SAFETY: There are no methods.
unsafe impl<F: FileOperations> Sync for MiscDevice<'_, F> {}

/// What is registered, in memory of its own.
///
/// # Invariants
///
/// - `misc` is the first field, so that a pointer to it is one to the whole.
/// - `device` is an `Arc` that was leaked, for `put` to take back.
#[repr(C)]
struct Node {
    misc: Opaque<bindings::miscdevice>,
    /// What `misc.name` points to.
    _name: CString,
    device: *const c_void,
    put: unsafe fn(*const c_void),
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { (self.put)(self.device) };
    }
}

/// Deregisters a node, and frees it.
///
/// Not generic: the code is in this module, and its address is the same for who adds it as an action
/// and who removes it.
///
/// # Safety
///
/// `node` must be registered, and is gone afterwards.
unsafe extern "C" fn deregister(node: *mut c_void) {
    let node = node.cast::<Node>();

    // SAFETY: By the safety requirements of this function. `misc_open()` uses the node with the lock
    // held that is taken here, and nobody finds it afterwards.
    unsafe {
        bindings::misc_deregister((*node).misc.get());
        drop(KBox::from_raw(node));
    }
}

/// Registers `node` until `parent` is unbound.
fn register(node: KBox<Node>, parent: &Device<Bound>) -> Result<NonNull<Node>> {
    let node = KBox::into_raw(node);

    // SAFETY: The node is valid, and stays where it is until it is deregistered.
    to_result(unsafe { bindings::misc_register((*node).misc.get()) }).inspect_err(|_| {
        // SAFETY: Leaked above, and not registered.
        drop(unsafe { KBox::from_raw(node) })
    })?;

    // SAFETY: `parent` is bound. The action gets what it asks for, once.
    to_result(unsafe {
        bindings::__devm_add_action(
            ffi::as_raw(parent),
            Some(deregister),
            node.cast(),
            c"dma_map::MiscDevice".as_char_ptr(),
        )
    })
    .inspect_err(|_| {
        // SAFETY: Registered above, and nobody else deregisters it.
        unsafe { deregister(node.cast()) }
    })?;

    NonNull::new(node).ok_or(EINVAL)
}

impl<'bound, F: FileOperations> MiscDevice<'bound, F> {
    /// Registers a device node below `parent`, for the driver that `parent` is being bound to.
    ///
    /// Files can be opened before this returns, so it comes last in `probe`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the name is empty.
    /// - `EEXIST`: there is a device of this name. The kernel prints a warning: names are the
    ///   driver's to keep apart.
    /// - `EBUSY`: no number is left.
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
            // The bytes stay where they are when the `CString` is moved.
            name: name.as_char_ptr(),
            fops: VTable::<F>::get(),
            parent: ffi::as_raw(parent),
            ..Default::default()
        };
        // INVARIANT: The reference is given away here.
        let node = Node {
            misc: Opaque::new(misc),
            _name: name,
            device: Arc::into_raw(device).cast(),
            put: Self::put,
        };
        let node = KBox::new(node, Gfp::Kernel.flags())?;

        // INVARIANT: Registered, and on the list, from here on.
        Ok(Self {
            node: register(node, parent)?,
            parent,
            _files: (PhantomData, PhantomData),
        })
    }

    /// # Safety
    ///
    /// `device` must be an `Arc<F::Device>` that was leaked, and is given away here.
    unsafe fn put(device: *const c_void) {
        // SAFETY: By the safety requirements of this function.
        drop(unsafe { Arc::from_raw(device.cast::<F::Device>()) });
    }
}

impl<F: FileOperations> Drop for MiscDevice<'_, F> {
    fn drop(&mut self) {
        let node = self.node.as_ptr().cast();

        // SAFETY: `parent` is bound. The node is named, not accessed.
        let removed = unsafe {
            bindings::devm_remove_action_nowarn(ffi::as_raw(self.parent), Some(deregister), node)
        };
        // It is on the list unless the device is being unbound, and then the action has run, or is
        // about to.
        if removed == 0 {
            // SAFETY: It was on the list, so it is registered (type invariants), and now nobody
            // else deregisters it.
            unsafe { deregister(node) };
        }
    }
}
