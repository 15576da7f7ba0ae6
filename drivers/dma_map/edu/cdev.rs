// SPDX-License-Identifier: GPL-2.0

//! A misc device with a name made at run time, and with `poll()`.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! The `kernel` crate's `miscdevice` falls short of three things that this driver needs, so here
//! they are, as a thin layer around it:
//!
//! - Its names are `&'static CStr`, and there is one for each device here.
//! - Its file operations have no `poll`.
//! - Its `Kiocb` does not lead to the `struct file`, and so not to `O_NONBLOCK`.

use crate::{
    file::File,
    ids::Number,
    queue::Wait,
    server::Server, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    fs::{
        self,
        file::flags::O_NONBLOCK,
        Kiocb, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    mm::virt::VmaNew,
    prelude::*,
    str::CString,
    sync::{
        poll::PollTable,
        Arc, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

// `include/uapi/linux/eventpoll.h`; bindgen does not see through the casts there.
const EPOLLIN: bindings::__poll_t = 0x001;
const EPOLLOUT: bindings::__poll_t = 0x004;
const EPOLLERR: bindings::__poll_t = 0x008;
const EPOLLHUP: bindings::__poll_t = 0x010;
const EPOLLRDNORM: bindings::__poll_t = 0x040;
const EPOLLWRNORM: bindings::__poll_t = 0x100;

/// A registered character device, `/dev/dma_mailbox<N>`.
///
/// # Invariants
///
/// - `misc` was made by [`MiscDeviceOptions::into_raw`] for [`File`], and is registered.
/// - It is the first field, so that a pointer to it is one to the whole.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub(crate) struct Node<'bound> {
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    /// What `misc.name` points to.
    _name: CString,
    server: Arc<Server>,
    /// Given back when the name is free again.
    _number: Number,
    _parent: PhantomData<&'bound Device<Bound>>,
}

// SAFETY: A misc device may be deregistered by any thread, and the rest is `Send`.
unsafe impl Send for Node<'_> {}

const OPTIONS: MiscDeviceOptions = MiscDeviceOptions {
    name: c"dma_mailbox",
};

/// The file operations of `miscdevice`, and `poll`.
const FILE_OPERATIONS: bindings::file_operations = bindings::file_operations {
    poll: Some(poll),
    // SAFETY: `into_raw` sets `fops` to a `&'static`.
    ..unsafe { *OPTIONS.into_raw::<File>().fops }
};

impl<'bound> Node<'bound> {
    /// Makes requests to `server` possible, through a device below `parent`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and those of `misc_register()`.
    pub(crate) fn register(
        parent: &'bound Device<Bound>,
        number: Number,
        server: Arc<Server>,
    ) -> Result<impl PinInit<Self, Error> + 'bound> {
        let name = CString::try_from_fmt(fmt!("dma_mailbox{}", number.get()))?;
        // The bytes stay where they are when the `CString` is moved.
        let name_ptr = name.as_char_ptr();

        Ok(try_pin_init!(Self {
            _name: name,
            server,
            _number: number,
            _parent: PhantomData,
            // INVARIANT: Registered here, as the last thing, because files can be opened then.
            misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                let mut misc = OPTIONS.into_raw::<File>();
                misc.name = name_ptr;
                misc.fops = &FILE_OPERATIONS;
                // `Device` is a transparent wrapper of `struct device`.
                misc.parent = core::ptr::from_ref(parent).cast_mut().cast();

                // SAFETY: `slot` is valid for writes, and pinned until `misc_deregister()` is
                // called in `drop`. Name and parent outlive that, the operations are static.
                to_result(unsafe {
                    slot.write(misc);
                    bindings::misc_register(slot)
                })
            }),
        }))
    }
}

#[pinned_drop]
impl PinnedDrop for Node<'_> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants it is registered.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}

#[vtable]
impl MiscDevice for File {
    type Ptr = KBox<Self>;

    fn open(_file: &fs::File, misc: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        // SAFETY: Only `Node` registers misc devices of this type, with `misc` as the first field
        // (type invariant), and it stays registered during this call.
        let node = unsafe { &*misc.as_raw().cast::<Node<'_>>() };

        Ok(KBox::new(File::open(node.server.clone())?, GFP_KERNEL)?)
    }

    fn mmap(this: &Self, _file: &fs::File, vma: &VmaNew) -> Result {
        this.mmap(vma)
    }

    fn read_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        kiocb.file().read(iov, wait(&kiocb))
    }

    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        kiocb.file().write(iov, wait(&kiocb))
    }
}

/// Whether the caller wants to sleep.
fn wait<T: ForeignOwnable>(kiocb: &Kiocb<'_, T>) -> Wait {
    // SAFETY: `Kiocb` is a valid `struct kiocb`, whose file is open during the call.
    let file = unsafe { fs::File::from_raw_file((*kiocb.as_raw()).ki_filp) };

    if file.flags() & O_NONBLOCK != 0 {
        Wait::No
    } else {
        Wait::Sleep
    }
}

/// The `poll` operation.
///
/// # Safety
///
/// `file` must be an open file of a [`Node`], and `table` NULL or valid.
unsafe extern "C" fn poll(
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: `MiscDevice::open()` made the private data, and it is there until the file is
    // released.
    let this = unsafe { <KBox<File> as ForeignOwnable>::borrow((*file).private_data) };
    // SAFETY: By the safety requirements of this function; `poll` runs outside of `fdget_pos`.
    let file = unsafe { fs::File::from_raw_file(file) };
    // SAFETY: By the safety requirements of this function.
    let table = unsafe { PollTable::from_raw(table) };

    let ready = this.poll(file, &table);
    let mut mask = 0;
    if ready.read {
        mask |= EPOLLIN | EPOLLRDNORM;
    }
    if ready.write {
        mask |= EPOLLOUT | EPOLLWRNORM;
    }
    if ready.gone {
        mask |= EPOLLERR | EPOLLHUP;
    }
    mask
}
