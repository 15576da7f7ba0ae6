// SPDX-License-Identifier: GPL-2.0

//! Cache line rule for devices that are not coherent with the caches.
//!
//! The suites run on no machine with such a device, so only the rule itself is tested here.

use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    pattern, //
};
use dma_map::{
    lines::{
        judge,
        Small, //
    },
    Bidirectional,
    DmaLimits,
    FromDevice, //
};
use kernel::{
    dma::DmaMask,
    prelude::*, //
};

const UNITS: [usize; 4] = [1, 32, 64, 128];
const SMALL: [Option<Small>; 4] = [
    None,
    Some(Small::Mapped),
    Some(Small::Bounced),
    Some(Small::Refused),
];

#[kunit_tests(dma_map_lines)]
mod tests {
    use super::*;

    /// misuse: shared-cache-line
    #[test]
    fn what_is_neither_alone_nor_bounced_is_einval() -> Result {
        for unit in UNITS {
            for small in SMALL {
                for whole in [false, true] {
                    let judged = judge(unit, small, || whole);
                    let right = if unit == 1 {
                        // The caches see what the device writes.
                        Ok(())
                    } else {
                        match small {
                            // The device writes elsewhere.
                            Some(Small::Bounced) => Ok(()),
                            // The kernel fails, whatever is beside it.
                            Some(Small::Refused) => Err(EIO),
                            Some(Small::Mapped) | None if whole => Ok(()),
                            Some(Small::Mapped) | None => Err(EINVAL),
                        }
                    };
                    check!(judged == right, "{unit} {small:?} {whole}: {judged:?}");
                }
            }
        }
        Ok(())
    }

    /// It looks into the allocator.
    #[test]
    fn lines_are_looked_at_only_where_it_matters() -> Result {
        for unit in UNITS {
            for small in SMALL {
                let mut asked = false;
                let _ = judge(unit, small, || {
                    asked = true;
                    true
                });
                let matters = unit > 1 && matches!(small, None | Some(Small::Mapped));
                check_eq!((unit, small, asked), (unit, small, matters));
            }
        }
        Ok(())
    }

    /// As C maps them: on these machines as they are.
    #[test]
    fn small_buffers_are_mapped() -> Result {
        each_dma(DmaLimits::new(DmaMask::new::<64>()), |dma| {
            for len in [1, 8, 16, 32, 96, 100, 192] {
                let bytes = KVec::from_elem(0u8, len, GFP_KERNEL)?;
                let mapping = map_single(dma, bytes, FromDevice, Idle)?;
                device_side::fill_at(dma, mapping.dma_address(), len, 1)?;
                let bytes = mapping.unmap()?;
                check!(pattern::holds(&bytes, 1, 0), "{len} bytes");

                let mapping = map_sg(dma, bytes, Bidirectional, Idle)?;
                device_side::fill(&mapping, 2)?;
                let bytes = mapping.unmap()?;
                check!(pattern::holds(&bytes, 2, 0), "{len} bytes");
            }
            Ok(())
        })
    }
}
