// SPDX-License-Identifier: GPL-2.0

//! [`MiscDevice`]: its files, as the kernel calls them, and its lifetime.

mod files;
mod life;
pub(crate) mod opened;

use self::opened::Opened;
use crate::{
    check::*,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    miscdevice::{
        Access,
        Events,
        FileOperations,
        MiscDevice,
        Wait, //
    },
    state::Shared,
    DmaCoherent,
    Gfp, //
};
use kernel::{
    error,
    fs,
    io::Io,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    new_poll_condvar,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        poll::PollCondVar,
        Arc,
        ArcBorrow, //
    },
    types::ForLt, //
};

/// A command that the files know.
const DOUBLE: u32 = 0x1234;

/// What a gate keeps: a number in shared memory.
struct Kept<'x> {
    memory: DmaCoherent<'x, u32, Shared<Idle>>,
}

impl Guarded for Kept<'_> {
    fn shutdown(&self) {}
}

type Keeper = ForLt!(Kept<'_>);

/// What the files of a node share.
#[pin_data]
struct Shop {
    gate: Arc<Gate<Keeper>>,
    /// What `poll` says.
    ready: Events,
    /// Those who poll a file.
    #[pin]
    changed: PollCondVar,
    open: Atomic<u32>,
    /// Says that it is gone, by being gone.
    witness: Arc<()>,
}

/// A file: reads and writes the number.
struct Customer {
    shop: Arc<Shop>,
}

#[vtable]
impl FileOperations for Customer {
    type Device = Shop;

    fn open(shop: ArcBorrow<'_, Shop>, file: &fs::File) -> Result<Pin<KBox<Self>>> {
        if file.flags() & fs::file::flags::O_TRUNC != 0 {
            return Err(EXFULL);
        }
        shop.open.add(1, Relaxed);
        Ok(KBox::pin(Self { shop: shop.into() }, GFP_KERNEL)?)
    }

    fn read(&self, access: &mut Access<'_>, to: &mut IovIterDest<'_>) -> Result<usize> {
        let inside = self.shop.gate.try_access().ok_or(ENODEV)?;
        let number: u32 = inside.with(|kept| kept.memory.view().read_val());
        if number == 0 {
            return Err(match access.wait() {
                Wait::Sleep => EINTR,
                Wait::No => EAGAIN,
            });
        }
        access.set_position(access.position() + 1);
        Ok(to.copy_to_iter(&number.to_ne_bytes()))
    }

    fn write(&self, access: &mut Access<'_>, from: &mut IovIterSource<'_>) -> Result<usize> {
        let mut bytes = [0; 4];
        if access.position() != 0 || from.copy_from_iter(&mut bytes) != bytes.len() {
            return Err(EINVAL);
        }
        let inside = self.shop.gate.try_access().ok_or(ENODEV)?;
        inside.with(|kept| kept.memory.view().write_val(u32::from_ne_bytes(bytes)));
        Ok(bytes.len())
    }

    fn poll(&self, _file: &fs::File) -> Events {
        self.shop.ready
    }

    fn poll_queue(&self) -> &PollCondVar {
        &self.shop.changed
    }

    fn mmap(&self, _file: &fs::File, vma: &VmaNew) -> Result {
        // What it was asked for shows in the error.
        Err(if vma.end() - vma.start() == 3 * kernel::page::PAGE_SIZE {
            EXDEV
        } else {
            EINVAL
        })
    }

    fn ioctl(&self, _file: &fs::File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            DOUBLE => Ok(2 * arg as isize),
            _ => Err(ENOTTY),
        }
    }
}

impl Drop for Customer {
    fn drop(&mut self) {
        self.shop.open.fetch_sub(1, Relaxed);
    }
}

/// A file that can do nothing.
struct Mute;

#[vtable]
impl FileOperations for Mute {
    type Device = Shop;

    fn open(_shop: ArcBorrow<'_, Shop>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Mute, GFP_KERNEL)?)
    }
}

/// A file that says of each call what its device says.
struct Boaster<const SAYS: isize>;

#[vtable]
impl<const SAYS: isize> FileOperations for Boaster<SAYS> {
    type Device = Shop;

    fn open(_shop: ArcBorrow<'_, Shop>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Self, GFP_KERNEL)?)
    }

    fn read(&self, _access: &mut Access<'_>, _to: &mut IovIterDest<'_>) -> Result<usize> {
        Self::claim()
    }

    fn write(&self, _access: &mut Access<'_>, _from: &mut IovIterSource<'_>) -> Result<usize> {
        Self::claim()
    }
}

impl<const SAYS: isize> Boaster<SAYS> {
    fn claim() -> Result<usize> {
        match SAYS {
            QUEUED => Err(error::code::EIOCBQUEUED),
            says => Ok(says as usize),
        }
    }
}

/// That the request is the driver's now, and will be ended later.
const QUEUED: isize = -1;

/// Makes what the files of a node share.
fn shop(probe: &Probe<'_, '_>, ready: Events) -> Result<Arc<Shop>> {
    let gate = probe.gate::<Keeper>(ALL, |dma| {
        let memory = DmaCoherent::new(dma, 1, Gfp::Kernel)?.give(Idle);
        Ok(KBox::pin(Kept { memory }, GFP_KERNEL)?)
    })?;
    let witness = Arc::new((), GFP_KERNEL)?;
    Arc::pin_init(
        pin_init!(Shop {
            gate,
            ready,
            changed <- new_poll_condvar!("dma_map_kunit::Shop"),
            open: Atomic::new(0),
            witness,
        }),
        GFP_KERNEL,
    )
}

/// Returns a name that no node has had.
pub(crate) fn name() -> Result<CString> {
    static LAST: Atomic<u32> = Atomic::new(0);

    CString::try_from_fmt(fmt!("dma_map_kunit{}", LAST.fetch_add(1, Relaxed)))
}

/// Registers a node with files of type `F`.
pub(crate) fn register<'b, F: FileOperations>(
    probe: &Probe<'b, '_>,
    name: &CStr,
    device: Arc<F::Device>,
) -> Result<MiscDevice<'b, F>> {
    MiscDevice::register(probe.core(), fmt!("{}", name), device)
}
