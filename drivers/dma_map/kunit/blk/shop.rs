// SPDX-License-Identifier: GPL-2.0

//! Disks of the cases, and the gates that they belong to.

use super::{
    io::Opened,
    *, //
};
use kernel::bindings;

/// A disk, as a case has it.
pub(super) struct Shop {
    pub(super) script: Arc<Script>,
    pub(super) gate: Arc<Gate<Shelved>>,
    pub(super) tags: Arc<TagSet<Shelved>>,
    pub(super) name: CString,
}

impl Shop {
    /// Unmaps the last request, a read that was leaked, and ends it in place of nobody, so that the disk can
    /// be removed.
    ///
    /// # Safety
    ///
    /// The request must have no owner, and be mapped for the device, which must be idle.
    pub(super) unsafe fn end_lost(&self, probe: &Probe<'_, '_>) {
        let rq: *mut bindings::request = self.script.last.load(Relaxed).cast();
        let from_device = bindings::dma_data_direction::DMA_FROM_DEVICE;

        for piece in self.script.pieces.lock().iter() {
            let (address, len) = (piece.address, piece.len as usize);
            // SAFETY: By the precondition of this function.
            unsafe { bindings::dma_unmap_phys(probe.raw(), address, len, from_device, 0) };
        }
        // SAFETY: The request has no owner, and is not ended.
        unsafe { bindings::blk_mq_end_request(rq, 0) };
    }
}

/// The disk that most cases have.
pub(super) const DISK: DiskOptions = DiskOptions::new((SIZE / 512) as u64);

/// Makes a gate with an empty shelf.
pub(super) fn gate(
    probe: &Probe<'_, '_>,
    limits: DmaLimits,
    script: Arc<Script>,
) -> Result<Arc<Gate<Shelved>>> {
    probe.gate::<Shelved>(limits, |dma| shelf(dma, None, script))
}

/// Makes an empty shelf.
pub(super) fn shelf<'x>(
    dma: DmaDevice<'x>,
    vectors: Option<Vectors<'x>>,
    script: Arc<Script>,
) -> Result<Pin<KBox<Shelf<'x>>>> {
    let memory = KVVec::from_elem(0u8, SIZE, GFP_KERNEL)?;
    KBox::pin_init(
        pin_init!(Shelf {
            _end: End(script.clone()),
            script,
            memory <- new_spinlock!(memory),
            kept <- new_spinlock!(KVec::new()),
            traded <- new_spinlock!(None),
            mapped <- new_spinlock!(KVec::new()),
            late <- new_spinlock!(None),
            dma,
            vectors,
        }),
        GFP_KERNEL,
    )
}

/// Makes a shelf, and a disk for it.
pub(super) fn shop(
    probe: &Probe<'_, '_>,
    limits: DmaLimits,
    tags: TagSetOptions,
    disk: DiskOptions,
) -> Result<(Shop, Disk<Shelved>)> {
    shop_with(probe, limits, tags, disk, Script::new()?)
}

/// The same with a script of the case.
pub(super) fn shop_with(
    probe: &Probe<'_, '_>,
    limits: DmaLimits,
    tags: TagSetOptions,
    disk: DiskOptions,
    script: Arc<Script>,
) -> Result<(Shop, Disk<Shelved>)> {
    let gate = gate(probe, limits, script.clone())?;
    shop_behind(probe, gate, tags, disk, script)
}

/// Makes a disk for the shelf behind a gate.
pub(super) fn shop_behind(
    probe: &Probe<'_, '_>,
    gate: Arc<Gate<Shelved>>,
    tags: TagSetOptions,
    disk: DiskOptions,
    script: Arc<Script>,
) -> Result<(Shop, Disk<Shelved>)> {
    let tags = TagSet::new(&gate, tags)?;
    let name = name()?;
    let disk = Disk::add(probe.core(), tags.clone(), fmt!("{}", &*name), 7, disk)?;
    let shop = Shop {
        script,
        gate,
        tags,
        name,
    };

    Ok((shop, disk))
}

/// Runs `case` with each device that there is, and an open disk of it.
pub(super) fn each_disk(mut case: impl FnMut(&Shop, &Opened) -> Result) -> Result {
    each_probe(|probe| {
        let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
        let file = Opened::open(probe, &shop.name)?;
        let result = case(&shop, &file);
        // What the case has left would keep the disk.
        shop.script.set(Mode::Serve);
        shop.tags.cancel(EIO);
        let kept = shop.gate.try_access().map(|inside| {
            inside.with(|shelf| {
                while let Some(request) = { shelf.kept.lock().pop() } {
                    drop(request);
                }
            })
        });
        check!(kept.is_some());
        result
    })
}
