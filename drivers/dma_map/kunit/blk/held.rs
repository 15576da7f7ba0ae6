// SPDX-License-Identifier: GPL-2.0

//! Requests whose data is mapped, and that somebody holds, drops or forgets.

use super::{
    io::*,
    life::SHORT,
    mapped::map,
    *, //
};
use crate::context::{
    each_atomic,
    irqs_off,
    spinlocked, //
};

/// Takes a request that the driver holds.
fn held<R>(shop: &Shop, f: impl for<'x> FnOnce(MappedRequest<Shelf<'x>>) -> R) -> Result<R> {
    let inside = shop.gate.try_access().ok_or(ENODEV)?;
    inside.with(|shelf| {
        let mapped = { shelf.mapped.lock().pop() };
        mapped.map(f).ok_or(ENOENT)
    })
}

/// Starts a read that the driver holds.
fn hold<'a>(shop: &Shop, file: &Opened, buffer: &'a mut [u8]) -> Result<Io<'a>> {
    shop.script.set(Mode::Hold);
    file.start(READ, 16, buffer)?.check_pending()
}

#[kunit_tests(dma_map_blk_held)]
mod tests {
    use super::*;

    /// misuse: drop-with-irqs-off/MappedRequest, drop-with-irqs-off/Claimed
    #[test]
    fn a_request_is_dropped_anywhere() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let io = hold(shop, file, &mut buffer)?;
            spinlocked(|| held(shop, |mapped| drop(mapped)))?;
            check_err!(io.end(), EIO);
            let io = hold(shop, file, &mut buffer)?;
            let (result, were_off) = irqs_off(|| held(shop, |mapped| drop(mapped)));
            result?;
            check!(were_off);
            check_err!(io.end(), EIO);

            let mut buffers = KVec::new();
            for _ in 0..3 {
                buffers.push(KVec::from_elem(0u8, 512, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            let (mut pending, mut places) = (KVec::new(), KVec::new());
            for buffer in buffers.iter_mut() {
                let (io, place) = map(shop, file, buffer)?;
                pending.push(io, GFP_KERNEL)?;
                places.push(place, GFP_KERNEL)?;
            }
            let tags = &shop.tags;
            each_atomic(&mut || {
                let (queue, tag) = places.pop().ok_or(EINVAL)?;
                tags.take(queue, tag, |claimed| drop(claimed)).ok_or(ENOENT)
            })?;
            for io in pending {
                check_err!(io.end(), EIO);
            }
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/MappedRequest
    #[test]
    fn unbind_waits_for_what_the_driver_holds() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, SHORT, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((shop, file));
                probe.keep(disk)
            })?;
            let (shop, file) = kept.ok_or(EINVAL)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let io = hold(&shop, &file, &mut buffer)?;
            dev.unbind();
            check_err!(io.end(), EIO);
            check!(shop.script.gone.load(Relaxed));
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/Claimed
    #[test]
    fn unbind_waits_for_what_the_driver_has_claimed() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, SHORT, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((shop, file));
                probe.keep(disk)
            })?;
            let (shop, file) = kept.ok_or(EINVAL)?;
            let mut buffers = [
                KVec::from_elem(0u8, 512, GFP_KERNEL)?,
                KVec::from_elem(0u8, 512, GFP_KERNEL)?,
            ];
            let [first, second] = &mut buffers;
            shop.script.set(Mode::HoldLate);
            let first = file.start(READ, 0, first)?;
            shop.script.started()?;
            let second = file.start(READ, 64, second)?;
            shop.script.started()?;
            dev.unbind();
            // The one that was held was dropped, the other one cancelled.
            let (first, second) = (first.end(), second.end());
            check!(
                (first == Err(EIO) && second == Err(ETIMEDOUT))
                    || (first == Err(ETIMEDOUT) && second == Err(EIO))
            );
            check_eq!(shop.script.commands.load(Relaxed), 0);
            check_eq!(shop.script.late.load(Relaxed), 0);
            Ok(())
        })
    }

    /// The data stays mapped, and the request is never ended.
    ///
    /// misuse: forgotten-handle/MappedRequest, forgotten-handle/Claimed
    #[test]
    fn a_forgotten_request_keeps_its_data() -> Result {
        // Without an IOMMU, so that the case can unmap it.
        TestDevice::platform()?.bind(|probe| {
            let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let io = hold(&shop, &file, &mut buffer)?;
            held(&shop, |mapped| core::mem::forget(mapped))?;
            let io = io.check_pending()?;
            // SAFETY: Forgotten above.
            unsafe { shop.end_lost(probe) };
            io.end()?;

            let (io, (queue, tag)) = map(&shop, &file, &mut buffer)?;
            let taken = shop
                .tags
                .take(queue, tag, |claimed| core::mem::forget(claimed));
            check!(taken.is_some());
            check!(shop.tags.take(queue, tag, |_| ()).is_none());
            let io = io.check_pending()?;
            // SAFETY: Forgotten above.
            unsafe { shop.end_lost(probe) };
            io.end()
        })
    }
}
