// SPDX-License-Identifier: GPL-2.0

//! A process that is stuck in the kernel with memory mapped: others go on without it.

use super::*;
use crate::{
    fixture::TestDevice,
    miscdevice::{
        name,
        opened::Opened,
        register, //
    },
    workers::{
        wait_until,
        Workers, //
    }, //
};
use core::ptr::NonNull;
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    miscdevice::FileOperations,
    state::Device,
    DmaDevice, //
};
use kernel::{
    fs,
    impl_has_work,
    mm::virt::VmaNew,
    new_mutex,
    new_work,
    sync::{
        Arc,
        ArcBorrow,
        Completion,
        Mutex, //
    },
    time::{
        Instant,
        Monotonic, //
    },
    types::ForLt,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

type Memory<'x> = Mmap<DmaPages<'x, u8, Bidirectional, Device<Idle>>>;

/// Where memory is: for the kernel, and for the device.
#[derive(Clone, Copy)]
struct Place {
    page: usize,
    address: bindings::dma_addr_t,
}

/// What a device shows to processes, until it is taken out.
#[pin_data]
struct Shown<'x> {
    dma: DmaDevice<'x>,
    place: Place,
    #[pin]
    memory: Mutex<Option<Memory<'x>>>,
}

impl Guarded for Shown<'_> {
    fn shutdown(&self) {}
}

type Shows = ForLt!(Shown<'_>);

/// A file that maps it.
struct Window(Arc<Gate<Shows>>);

#[vtable]
impl FileOperations for Window {
    type Device = Gate<Shows>;

    fn open(gate: ArcBorrow<'_, Gate<Shows>>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Self(gate.into()), GFP_KERNEL)?)
    }

    fn mmap(&self, _file: &fs::File, vma: &VmaNew) -> Result {
        let inside = self.0.try_access().ok_or(ENODEV)?;
        inside.with(|shown| shown.memory.lock().as_ref().ok_or(ENXIO)?.mmap(vma))
    }
}

/// Another thread of the process that the case is: it sits in the kernel with the `mmap_lock`.
#[pin_data]
struct Stuck {
    #[pin]
    work: Work<Stuck>,
    mm: NonNull<bindings::mm_struct>,
    #[pin]
    locked: Completion,
    #[pin]
    helped: Completion,
}

// SAFETY: The address space stays until the case ends, which is after the lock was given up.
unsafe impl Send for Stuck {}

// SAFETY: Threads share `mm` only to lock it, and it outlives the value (see `Send`).
unsafe impl Sync for Stuck {}

impl_has_work! {
    impl HasWork<Self> for Stuck { self.work }
}

impl WorkItem for Stuck {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // SAFETY: The address space is there, see above.
        unsafe { bindings::mmap_read_lock(this.mm.as_ptr()) };
        this.locked.complete_all();
        this.helped.wait_for_completion();
        // SAFETY: It was locked above, in this thread.
        unsafe { bindings::mmap_read_unlock(this.mm.as_ptr()) };
    }
}

impl Stuck {
    /// Starts the thread. To be called when the process has memory.
    fn start(threads: &Workers) -> Result<Arc<Self>> {
        // SAFETY: The thread is the one that runs this.
        let mm = unsafe { (*bindings::get_current()).mm };
        let this = Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Stuck"),
                mm: NonNull::new(mm).ok_or(EINVAL)?,
                locked <- Completion::new(),
                helped <- Completion::new(),
            }),
            GFP_KERNEL,
        )?;
        threads.start(this.clone())?;
        this.locked.wait_for_completion();
        Ok(this)
    }
}

/// Helps the thread that is stuck, however the case ends.
struct Helper(Arc<Stuck>);

impl Drop for Helper {
    fn drop(&mut self) {
        self.0.helped.complete_all();
    }
}

/// Binds `dev` with a page that the case's process has mapped, and returns where.
fn show(dev: &TestDevice) -> Result<(Arc<Gate<Shows>>, Opened, usize)> {
    let name = name()?;
    let mut bound = None;
    dev.bind(|probe| {
        let gate = probe.gate::<Shows>(ALL, |dma| {
            let pages = DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
            let page = c::virt_to_page(pages.as_slice().as_ptr()).expose_provenance();
            let memory = Mmap::new(pages.give(Idle))?;
            let address = memory.dma_address();
            KBox::pin_init(
                pin_init!(Shown {
                    dma,
                    place: Place { page, address },
                    memory <- new_mutex!(Some(memory), "dma_map_kunit::Shown"),
                }),
                GFP_KERNEL,
            )
        })?;
        let node = register::<Window>(probe, &name, gate.clone())?;
        probe.keep(node)?;
        bound = Some(gate);
        Ok(())
    })?;

    let file = Opened::open(&name, 0)?;
    let address = file.mmap(1)?;
    check_eq!(look(address)?, 0);
    Ok((bound.ok_or(EINVAL)?, file, address))
}

/// What the process finds.
fn look(address: usize) -> Result<u8> {
    UserSlice::new(UserPtr::from_addr(address), 1)
        .reader()
        .read()
}

/// Takes the memory out of the gate, to be dropped by `f`.
fn drop_by(gate: &Gate<Shows>, f: impl FnOnce(Memory<'_>)) -> Result {
    let inside = gate.try_access().ok_or(ENODEV)?;
    inside.with(|shown| {
        let memory = shown.memory.lock().take().ok_or(EINVAL)?;
        f(memory);
        Ok(())
    })
}

fn place(gate: &Gate<Shows>) -> Result<Place> {
    let inside = gate.try_access().ok_or(ENODEV)?;
    Ok(inside.with(|shown| shown.place))
}

/// Frees the page of `dev` that was quarantined.
fn free(dev: &TestDevice, place: Place) {
    // SAFETY: The arguments are those of the allocation, whose handle is gone, and whose last user is.
    unsafe {
        bindings::dma_free_pages(
            dev.raw(),
            PAGE_SIZE,
            core::ptr::with_exposed_provenance_mut(place.page),
            place.address,
            bindings::dma_data_direction::DMA_BIDIRECTIONAL,
        )
    };
}

fn quarantined(gate: &Gate<Shows>) -> Result<usize> {
    let inside = gate.try_access().ok_or(ENODEV)?;
    Ok(inside.with(|shown| shown.dma.quarantined()))
}

/// Unmaps the page, which the case's end would do later than it is wanted.
fn unmap(address: usize) -> Result {
    // SAFETY: The thread has an address space, and the memory is its own.
    kernel::error::to_result(unsafe { bindings::vm_munmap(address, PAGE_SIZE) })
}

#[kunit_tests(dma_map_mmap_stuck)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_taken_from_a_process() -> Result {
        each(|dev| {
            for atomic in [false, true] {
                let (gate, file, address) = show(dev)?;
                drop_by(&gate, |memory| {
                    if atomic {
                        context::irqs_off(|| drop(memory));
                    } else {
                        drop(memory);
                    }
                })?;
                // The deferred free is done when the device is unbound.
                dev.unbind();
                check_err!(look(address).map(|_| ()), EFAULT);
                drop(file);
                unmap(address)?;
            }
            Ok(())
        })
    }

    #[test]
    fn other_devices_are_unbound_meanwhile() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let (gate, file, address) = show(dev)?;
            let helper = Helper(Stuck::start(&threads)?);
            // The wait for the process is deferred.
            drop_by(&gate, |memory| {
                context::irqs_off(|| drop(memory));
            })?;

            let other = TestDevice::another()?;
            let start = Instant::<Monotonic>::now();
            for _ in 0..3 {
                other.bind(|probe| {
                    let dma = probe.dma(ALL)?;
                    let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
                    context::irqs_off(|| drop(memory));
                    Ok(())
                })?;
                other.unbind();
            }
            let took = start.elapsed();
            // They did not wait for the process, which takes 5 s. A busy host slows the others down.
            check!(
                took.as_millis_ceil() < 4500,
                "it took {} ms",
                took.as_millis_ceil()
            );
            check_eq!(quarantined(&gate)?, 0);
            check_eq!(look(address)?, 0);

            drop(helper);
            dev.unbind();
            check_err!(look(address).map(|_| ()), EFAULT);
            drop(file);
            unmap(address)
        })
    }

    #[test]
    fn its_own_device_is_unbound_and_the_memory_stays() -> Result {
        let threads = Workers::new()?;
        let dev = TestDevice::platform()?;
        let (gate, file, address) = show(&dev)?;
        let place = place(&gate)?;
        let helper = Helper(Stuck::start(&threads)?);

        drop_by(&gate, |memory| drop(memory))?;
        check_eq!(quarantined(&gate)?, PAGE_SIZE);
        // It is there for the process, and for nobody else.
        {
            let inside = gate.try_access().ok_or(ENODEV)?;
            inside.with(|shown| device_side::write(shown.dma, place.address, &[7]))?;
        }
        check_eq!(look(address)?, 7);
        dev.unbind();
        check_eq!(look(address)?, 7);

        // It is taken away when that is possible.
        drop(helper);
        check!(wait_until(|| look(address).is_err()));
        check_err!(look(address).map(|_| ()), EFAULT);
        free(&dev, place);
        drop(file);
        unmap(address)
    }

    #[test]
    fn dropping_it_where_it_is_being_mapped_is_bounded() -> Result {
        let dev = TestDevice::platform()?;
        let (gate, file, address) = show(&dev)?;
        // SAFETY: The thread is the one that runs this, and has an address space.
        let mm = unsafe { (*bindings::get_current()).mm };
        // SAFETY: `mm` is the address space of this thread, which stays. The thread does not hold the lock,
        // which an `mmap` operation has for writing.
        unsafe { bindings::mmap_read_lock(mm) };
        let dropped = drop_by(&gate, |memory| drop(memory));
        // SAFETY: It was locked above.
        unsafe { bindings::mmap_read_unlock(mm) };
        dropped?;
        check_eq!(quarantined(&gate)?, PAGE_SIZE);
        let place = place(&gate)?;
        dev.unbind();
        drop(file);
        unmap(address)?;
        free(&dev, place);
        Ok(())
    }
}
