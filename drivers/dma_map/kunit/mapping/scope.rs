// SPDX-License-Identifier: GPL-2.0

//! `with_mapped`: borrowed memory is unmapped on every way out, also memory that is not the heap's.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use core::sync::atomic::{
    AtomicU8,
    Ordering, //
};
use dma_map::{
    direction::Carries,
    mapping::{
        with_mapped,
        Lend,
        Lent, //
    },
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

static STATIC: [u8; 64] = [1; 64];
static mut STATIC_MUT: [u8; 64] = [1; 64];

/// Checks that memory is refused, without a word in the log.
fn refused<M: Lend<D>, D: Direction>(dma: DmaDevice<'_>, memory: M, direction: D) -> Result {
    let engine = Scripted::busy();
    let mut ran = false;
    let result = with_mapped(dma, memory, direction, &engine, PLAIN, |_| {
        ran = true;
        Ok(())
    });
    check_err!(result, EINVAL);
    check!(!ran);
    check_eq!((engine.asked(), engine.stopped()), (0, 0));
    Ok(())
}

pub(super) fn each_direction(dma: DmaDevice<'_>, bytes: &mut [u8]) -> Result {
    refused(dma, &*bytes, ToDevice)?;
    refused(dma, &mut *bytes, ToDevice)?;
    refused(dma, &mut *bytes, FromDevice)?;
    refused(dma, bytes, Bidirectional)
}

/// The device finds `found` and writes `written`.
pub(super) fn crosses<D: Carries<u8>, E: Engine>(
    lent: &Lent<'_, '_, D, E>,
    found: Option<u8>,
    written: Option<u8>,
) -> Result {
    let (dma, address, size) = (lent.device(), lent.dma_address(), lent.size());
    if let Some(seed) = found {
        check!(device_side::finds_at(dma, address, size, seed)?);
    }
    if let Some(seed) = written {
        device_side::fill_at(dma, address, size, seed)?;
    }
    Ok(())
}

/// Lends a byte of each cell in turn, all at once, and runs `inside` then.
fn nested(dma: DmaDevice<'_>, bytes: &mut [u8], inside: &mut dyn FnMut() -> Result) -> Result {
    let Some((first, rest)) = bytes.split_first_mut() else {
        return inside();
    };
    let first = core::slice::from_mut(first);
    with_mapped(dma, first, FromDevice, Idle, PLAIN, |lent| {
        nested(dma, rest, inside)?;
        device_side::write(dma, lent.dma_address(), &[rest.len() as u8])
    })
}

#[kunit_tests(dma_map_mapping_scope)]
mod tests {
    use super::*;

    #[test]
    fn lent_memory_crosses_in_each_direction() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in SIZES {
                let mut bytes = KVec::<u8>::sample(len, 1)?;
                let engine = Scripted::idle();
                let lend = &bytes[..];
                with_mapped(dma, lend, ToDevice, &engine, PLAIN, |lent| {
                    check_eq!(lent.size(), len);
                    check!(core::ptr::eq(lent.device().device(), probe.device()));
                    crosses(lent, Some(1), None)
                })?;
                let lend = &mut bytes[..];
                with_mapped(dma, lend, ToDevice, Idle, PLAIN, |lent| {
                    crosses(lent, Some(1), None)
                })?;
                check!(bytes.holds(1));

                let lend = &mut bytes[..];
                with_mapped(dma, lend, FromDevice, &engine, PLAIN, |lent| {
                    crosses(lent, None, Some(2))
                })?;
                check!(bytes.holds(2), "{len} bytes are not there");

                let lend = &mut bytes[..];
                with_mapped(dma, lend, Bidirectional, &engine, PLAIN, |lent| {
                    crosses(lent, Some(2), Some(3))
                })?;
                check!(bytes.holds(3), "{len} bytes are not there");
                check_eq!((engine.asked(), engine.stopped()), (3, 0));
            }
            Ok(())
        })
    }

    #[test]
    fn parts_of_boxes_and_vectors_are_lent() -> Result {
        each_dma(ALL, |dma| {
            let mut words = KBox::new([0u32; 100], GFP_KERNEL)?;
            let part = &mut words[10..12];
            with_mapped(dma, part, FromDevice, Idle, PLAIN, |lent| {
                check_eq!(lent.size(), 8);
                device_side::write(dma, lent.dma_address(), &[0xff; 8])
            })?;
            check!(words[..10].iter().all(|word| *word == 0));
            check!(words[12..].iter().all(|word| *word == 0));
            check_eq!(words[10..12], [u32::MAX; 2]);

            // In the slab, and beyond what the slab has.
            for len in [2 * PAGE_SIZE, 4 * PAGE_SIZE] {
                let mut bytes = KVec::<u8>::sample(len, 0)?;
                let part = &mut bytes[PAGE_SIZE - 1..len - 1];
                with_mapped(dma, part, FromDevice, Idle, PLAIN, |lent| {
                    crosses(lent, None, Some(5))
                })?;
                check!(holds(&bytes[PAGE_SIZE - 1..len - 1], 5));
                check_eq!(bytes[PAGE_SIZE - 2], pattern::at(0, PAGE_SIZE - 2));
                check_eq!(bytes[len - 1], pattern::at(0, len - 1));
            }
            Ok(())
        })
    }

    /// misuse: map-stack, map-vmapped-stack, map-invalid-area, map-vmalloc
    #[test]
    fn memory_that_is_not_the_heaps_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let mut on_stack = [1u8; 64];
            each_direction(dma, &mut on_stack)?;
            check_eq!(on_stack, [1; 64]);

            let mut vmalloc = VVec::from_elem(1u8, 64, GFP_KERNEL)?;
            each_direction(dma, &mut vmalloc)?;
            // One page of vmalloc memory is contiguous, and yet it is not in the linear mapping.
            let mut page = VVec::from_elem(1u8, PAGE_SIZE, GFP_KERNEL)?;
            each_direction(dma, &mut page)?;

            refused(dma, &STATIC[..], ToDevice)?;
            refused(dma, &b"text"[..], ToDevice)?;
            let ptr = &raw mut STATIC_MUT;
            // SAFETY: Nobody else uses it.
            let bytes = unsafe { &mut *ptr };
            each_direction(dma, bytes)
        })
    }

    /// misuse: map-kernel-image
    #[test]
    fn statics_of_the_kernel_itself_are_einval() -> Result {
        each_dma(ALL, |dma| {
            // SAFETY: A variable of the kernel's image, which is not changed after boot.
            let variable = unsafe {
                let start = (&raw const kernel::bindings::_totalram_pages).cast::<u8>();
                core::slice::from_raw_parts(start, size_of::<usize>())
            };
            check!(variable.iter().any(|byte| *byte != 0));
            refused(dma, variable, ToDevice)
        })
    }

    #[test]
    fn empty_memory_is_einval() -> Result {
        each_dma(ALL, |dma| {
            each_direction(dma, &mut [])?;
            let mut nothing = KVec::from_elem([0u8; 0], 1000, GFP_KERNEL)?;
            refused(dma, &nothing[..], ToDevice)?;
            refused(dma, &mut nothing[..], FromDevice)
        })
    }

    #[test]
    fn more_than_a_segment_is_einval() -> Result {
        each_dma(ALL.max_segment_size(512), |dma| {
            let mut bytes = KVec::<u8>::sample(513, 1)?;
            each_direction(dma, &mut bytes)?;
            let lend = &mut bytes[1..];
            with_mapped(dma, lend, FromDevice, Idle, PLAIN, |lent| {
                check_eq!(lent.size(), 512);
                Ok(())
            })
        })
    }

    #[test]
    fn memory_across_a_boundary_is_einval() -> Result {
        each_dma(ALL.segment_boundary(0xfff), |dma| {
            // Aligned to its size, as it is a power of two.
            let mut pages = KVec::<u8>::from_elem(0, 2 * PAGE_SIZE, GFP_KERNEL)?;
            write(&mut pages, 1);
            let mut address = None;
            let lend = &mut pages[PAGE_SIZE - 1..PAGE_SIZE + 1];
            let result = with_mapped(dma, lend, FromDevice, Idle, PLAIN, |lent| {
                address = Some(lent.dma_address());
                Ok(())
            });
            match address {
                // A bounce buffer elsewhere.
                Some(address) => check!(result.is_ok() && address & 0xfff != 0xfff),
                None => check_err!(result, EINVAL),
            }
            check!(pages.holds(1));
            Ok(())
        })
    }

    #[test]
    fn memory_out_of_reach_is_eio() -> Result {
        // On the platform bus: an IOMMU would help.
        TestDevice::platform()?.bind(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<24>()))?;
            let bytes = KVec::<u8>::sample(100, 1)?;
            let lend = &bytes[..];
            let failed = with_mapped(dma, lend, ToDevice, Idle, PLAIN, |_| Ok(()));
            check_err!(failed, EIO);
            Ok(())
        })
    }

    #[test]
    fn device_is_stopped_and_memory_unmapped_on_every_way_out() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut bytes = KVec::<u8>::sample(9000, 1)?;
            let mut address = 0;

            // With a value.
            let lend = &mut bytes[..];
            let value = with_mapped(dma, lend, FromDevice, &engine, PLAIN, |lent| {
                crosses(lent, None, Some(2))?;
                Ok(7)
            })?;
            check_eq!(value, 7);
            check_eq!(engine.stopped(), 1);
            check!(bytes.holds(2), "what was written before the stop is lost");

            // With an error, after which the memory is the caller's as well.
            engine.start();
            let lend = &mut bytes[..];
            let failed = with_mapped(dma, lend, FromDevice, &engine, PLAIN, |lent| -> Result {
                address = lent.dma_address();
                crosses(lent, None, Some(3))?;
                Err(ETIMEDOUT)
            });
            check_err!(failed, ETIMEDOUT);
            check_eq!(engine.stopped(), 2);
            check!(bytes.holds(3));
            if c::strict_iommu(dma.device()) {
                check_err!(device_side::write(dma, address, &[1]), EFAULT);
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn device_that_does_not_stop_at_once_is_waited_for() -> Result {
        /// Stops at the third attempt, against its promise.
        struct Late(AtomicU8);

        // SAFETY: There is no device, so nothing accesses the memory.
        unsafe impl Engine for Late {
            type Mark = Self;

            fn is_idle(&self) -> bool {
                false
            }

            fn quiesce(&self) -> Result {
                match self.0.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => Err(ETIMEDOUT),
                    _ => Ok(()),
                }
            }
        }
        impl dma_map::engine::AlwaysStops for Late {}

        each_dma(ALL, |dma| {
            let engine = Late(AtomicU8::new(0));
            let mut bytes = KVec::<u8>::sample(100, 1)?;
            let lend = &mut bytes[..];
            with_mapped(dma, lend, FromDevice, &engine, PLAIN, |_| Ok(()))?;
            check_eq!(engine.0.load(Ordering::Relaxed), 3);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    /// misuse: overlapping-cachelines
    #[test]
    fn memory_is_lent_to_several_devices_at_once() -> Result {
        each_dma(ALL, |dma| {
            // More neighbours than DMA debugging likes to see in a cache line.
            let mut bytes = KVec::from_elem(0u8, 64, GFP_KERNEL)?;
            if dma.cache_alignment() == 1 {
                nested(dma, &mut bytes, &mut || Ok(()))?;
                check!(bytes.iter().enumerate().all(|(i, b)| *b == 63 - i as u8));
            } else {
                refused(dma, &mut bytes[..1], FromDevice)?;
            }

            // What is only read can be lent twice.
            let bytes = KVec::<u8>::sample(5000, 1)?;
            let lend = &bytes[..];
            with_mapped(dma, lend, ToDevice, Idle, PLAIN, |first| {
                with_mapped(dma, lend, ToDevice, Idle, PLAIN, |second| {
                    crosses(first, Some(1), None)?;
                    crosses(second, Some(1), None)
                })
            })
        })
    }

    /// misuse: overlapping-cachelines
    #[test]
    fn neighbours_of_lent_memory_are_mapped() -> Result {
        each_dma(ALL, |dma| {
            if dma.cache_alignment() > 1 {
                return Ok(());
            }

            // Neighbours of eight bytes, some of which are in a cache line with the first one.
            let mut all = KVec::new();
            for _ in 0..64 {
                all.push(KVec::from_elem(1u8, 8, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            let mut lent = all.pop().ok_or(EINVAL)?;
            let mut all = Some(all);
            nested(dma, &mut lent, &mut || {
                let mut mapped = KVec::new();
                for buffer in all.take().into_iter().flatten() {
                    let mapping = map_sg(dma, buffer, FromDevice, Idle)?;
                    mapped.push(mapping, GFP_KERNEL)?;
                }
                for mapping in mapped {
                    device_side::fill(&mapping, 2)?;
                    check!(mapping.unmap()?.holds(2));
                }
                Ok(())
            })?;
            check_eq!(lent[..], [7, 6, 5, 4, 3, 2, 1, 0]);
            Ok(())
        })
    }

    /// misuse: overlapping-cachelines
    #[test]
    fn memory_of_a_mapping_is_lent() -> Result {
        each_dma(ALL, |dma| {
            let buffer = KVec::<u8>::sample(5000, 1)?;
            let mut mapping = DmaMapping::map_cpu(dma, buffer, Bidirectional, PLAIN)?;
            let lend = mapping.contents_mut();
            with_mapped(dma, lend, FromDevice, Idle, PLAIN, |lent| {
                crosses(lent, None, Some(2))
            })?;
            check!(holds(mapping.contents(), 2));
            let mapping = mapping.give(Idle);
            check!(device_side::finds_at(dma, mapping.dma_address(), 5000, 2)?);
            Ok(())
        })
    }

    #[test]
    fn memory_is_lent_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let mut bytes = KVec::<u8>::sample(9000, 1)?;
            let mut seed = 1;
            context::each_atomic(&mut || {
                let lend = &mut bytes[..];
                seed += 1;
                with_mapped(dma, lend, FromDevice, Idle, PLAIN, |lent| {
                    crosses(lent, None, Some(seed))
                })
            })?;
            check!(bytes.holds(4));
            Ok(())
        })
    }
}
