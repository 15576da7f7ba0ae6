// SPDX-License-Identifier: GPL-2.0

//! Data that a device cannot reach: `EIO` for good, `ENOMEM` for now.

use super::{
    io::*,
    *, //
};
use crate::{
    c,
    refusal::fill, //
};
use kernel::dma::DmaMask;

const fn limits<const BITS: u32>() -> DmaLimits {
    DmaLimits::new(DmaMask::new::<BITS>())
}

#[kunit_tests(dma_map_blk_reach)]
mod tests {
    use super::*;

    /// C would warn, and the block layer say that there is no memory.
    #[test]
    fn data_out_of_reach_is_eio() -> Result {
        // No bounce pool is within 16 MiB. Only an IOMMU helps, which platform devices do not have here.
        TestDevice::platform()?.bind(|probe| {
            let tags = TagSetOptions::new(1, DEPTH);
            let (shop, _disk) = shop(probe, limits::<24>(), tags, DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            check!(!c::bounces_within(probe.device()));
            let mut buffer = KVec::from_elem(0u8, 64 << 10, GFP_KERNEL)?;
            shop.script.set(Mode::Move);
            // What is so for good is so again.
            for len in [512, 4096, 64 << 10, 512] {
                let part = &mut buffer[..len];
                let expected = match c::must_bounce(probe.device(), part) {
                    true => Err(EIO),
                    false => Ok(()),
                };
                *shop.script.refused.lock() = None;
                check_eq!(file.run(WRITE, 8, part), expected);
                check_eq!(*shop.script.refused.lock(), expected.err());
            }
            Ok(())
        })
    }

    #[test]
    fn a_full_bounce_pool_is_enomem() -> Result {
        fn check(probe: &mut Probe<'_, '_>, limits: DmaLimits) -> Result {
            let (shop, _disk) = shop(probe, limits, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            inside.with(|shelf| {
                let dev = shelf.dma.device();
                if c::dma_domain(dev).is_some()
                    || !c::bounces_within(dev)
                    || !c::must_bounce(dev, &buffer)
                {
                    return Ok(());
                }
                c::without_growth(dev, || {
                    let sizes = [65536, 16384, 4096, 1];
                    let Some(all) = fill(shelf.dma, &sizes)? else {
                        return Ok(());
                    };
                    shop.script.set(Mode::Move);
                    check_err!(file.run(WRITE, 8, &mut buffer), ENOMEM);
                    check_eq!(*shop.script.refused.lock(), Some(ENOMEM));
                    drop(all);
                    file.run(WRITE, 8, &mut buffer)
                })
            })
        }

        each_probe(|probe| check(probe, limits::<64>()))?;
        each_probe(|probe| check(probe, limits::<28>()))
    }
}
