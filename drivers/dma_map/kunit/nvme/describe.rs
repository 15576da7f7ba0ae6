// SPDX-License-Identifier: GPL-2.0

//! [`describe`]: data whose pieces are seen once, in one list at most.

use super::{
    Merged,
    PAGE,
    PAGE_SHIFT, //
};
use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    nvme::driver::protocol::{
        command::Pointer,
        describe::{
            Description,
            List,
            Pools,
            BYTES_MAX,
            LARGE,
            SEGMENTS_MAX,
            SMALL, //
        },
        prp::Segment,
        sgl::kind, //
    }, //
};
use dma_map::DmaDevice;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A page's address.
const BASE: DmaAddress = 0x12_3456_7000;

/// Reads words of a list as a controller does.
fn words(dma: DmaDevice<'_>, address: u64, count: usize) -> Result<KVec<u64>> {
    let mut bytes = KVec::from_elem(0u8, count * 8, GFP_KERNEL)?;
    device_side::read(dma, address as DmaAddress, &mut bytes)?;
    let mut words = KVec::new();
    for word in bytes.chunks_exact(8) {
        let mut array = [0; 8];
        array.copy_from_slice(word);
        words.push(u64::from_le_bytes(array), GFP_KERNEL)?;
    }
    Ok(words)
}

/// Returns how many words a list has room for.
fn room(list: &Option<List<'_, Idle>>) -> usize {
    match list {
        None => 0,
        Some(List::Small(_)) => SMALL,
        Some(List::Large(_)) => LARGE,
    }
}

/// Describes segments by PRP entries, and checks that a controller accesses them and nothing else.
fn prps(dma: DmaDevice<'_>, pools: &Pools<'_>, segments: &[Segment]) -> Result {
    let bytes: usize = segments.iter().map(|segment| segment.1).sum();
    let all = segments.iter().copied();
    let mut found = Description::none();
    pools.by_prps(all, PAGE_SHIFT, bytes as u32, || Idle, &mut found)?;
    let Description { pointer, list } = found;
    let Pointer::Prp([first, second]) = pointer else {
        return Err(EINVAL);
    };

    let mut left = bytes;
    let mut found = Merged::new();
    let mut take = |address: u64| {
        let len = (PAGE - address as usize % PAGE).min(left);
        left -= len;
        found.push(address as DmaAddress, len)
    };
    take(first)?;
    let entries = (first as usize % PAGE + bytes).div_ceil(PAGE) - 1;
    // The smallest list that has room whatever the offset is.
    let expected = match entries {
        0 | 1 => 0,
        _ if bytes.div_ceil(PAGE) <= SMALL => SMALL,
        _ => LARGE,
    };
    check_eq!(room(&list), expected);
    match entries {
        0 => check_eq!(second, 0),
        1 => take(second)?,
        n => {
            for (i, word) in words(dma, second, n)?.into_iter().enumerate() {
                check!(word as usize % PAGE == 0, "entry {i}: {word:#x}");
                take(word)?;
            }
        }
    }
    check_eq!(left, 0);
    check_eq!(&found.0[..], &Merged::of(segments)?.0[..]);
    Ok(())
}

/// Describes segments by an SGL, and checks the same.
fn sgl(dma: DmaDevice<'_>, pools: &Pools<'_>, segments: &[Segment]) -> Result {
    let all = segments.iter().copied();
    let mut found = Description::none();
    pools.by_sgl(all, segments.len() as u32, || Idle, &mut found)?;
    let Description { pointer, list } = found;
    let Pointer::Sgl([address, rest]) = pointer else {
        return Err(EINVAL);
    };
    let (len, what) = (rest as u32 as usize, (rest >> 32) as u32);

    if segments.len() == 1 {
        check_eq!(room(&list), 0);
        check_eq!(
            (what, address as DmaAddress, len),
            (kind::DATA, segments[0].0, segments[0].1)
        );
        return Ok(());
    }
    check_eq!(
        room(&list),
        if segments.len() * 2 <= SMALL {
            SMALL
        } else {
            LARGE
        }
    );
    check_eq!((what, len), (kind::LAST_SEGMENT, segments.len() * 16));
    let words = words(dma, address, segments.len() * 2)?;
    let mut words = words.iter();
    for segment in segments {
        let (address, len) = (words.next().ok_or(EINVAL)?, words.next().ok_or(EINVAL)?);
        check_eq!((*address as DmaAddress, *len as usize), *segment);
    }
    Ok(())
}

fn each_pools(case: impl Fn(DmaDevice<'_>, &Pools<'_>) -> Result) -> Result {
    each_dma(ALL, |dma| case(dma, &Pools::new(dma)?))
}

#[kunit_tests(dma_map_nvme_describe)]
mod tests {
    use super::*;

    #[test]
    fn contiguous_data_at_every_offset() -> Result {
        each_pools(|dma, pools| {
            for offset in (0..PAGE).step_by(4) {
                for bytes in [4, 512, PAGE - 4, PAGE, PAGE + 4, 2 * PAGE, 2 * PAGE + 512] {
                    prps(dma, pools, &[(BASE + offset as DmaAddress, bytes)])?;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn the_list_is_as_large_as_it_must_be() -> Result {
        each_pools(|dma, pools| {
            for pages in [1, 2, 3, SMALL, SMALL + 1, SMALL + 2, LARGE - 1, LARGE] {
                for bytes in [pages * PAGE - 512, pages * PAGE] {
                    for offset in [0, 512, PAGE - 512] {
                        prps(dma, pools, &[(BASE + offset as DmaAddress, bytes)])?;
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn pages_in_any_order() -> Result {
        each_pools(|dma, pools| {
            for count in [2, 3, SMALL, SMALL + 1, SMALL + 2] {
                for (head, tail) in [(0, 0), (512, 0), (0, 512), (PAGE - 512, PAGE - 512)] {
                    let mut segments = KVec::new();
                    for i in 0..count {
                        let page = BASE + ((count - i) * 2 * PAGE) as DmaAddress;
                        segments.push((page, PAGE), GFP_KERNEL)?;
                    }
                    segments[0].0 += head as DmaAddress;
                    segments[0].1 -= head;
                    segments[count - 1].1 -= tail;
                    prps(dma, pools, &segments)?;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn what_has_no_prp_entries() -> Result {
        each_pools(|_, pools| {
            let whole = BYTES_MAX as usize;
            for (segments, bytes) in [
                (&[][..], 512),
                (&[(BASE + 2, 512)][..], 512),
                (&[(BASE, 512), (BASE + 8192, 512)][..], 1024),
                (&[(BASE, PAGE), (BASE + 8192 + 512, 512)][..], PAGE + 512),
                (&[(BASE, whole + 2 * PAGE)][..], whole + 2 * PAGE),
                // More than the request says.
                (&[(BASE, (SMALL + 4) * PAGE)][..], PAGE),
            ] {
                let segments = segments.iter().copied();
                let mut found = Description::none();
                let result = pools.by_prps(segments, PAGE_SHIFT, bytes as u32, || Idle, &mut found);
                check_eq!(result.err(), Some(EINVAL));
                check!(found.list.is_none());
            }
            Ok(())
        })
    }

    #[test]
    fn segments_of_any_address_and_length() -> Result {
        each_pools(|dma, pools| {
            let most = usize::from(SEGMENTS_MAX);
            for count in [
                1,
                2,
                3,
                SMALL / 2 - 1,
                SMALL / 2,
                SMALL / 2 + 1,
                most - 1,
                most,
            ] {
                let mut segments = KVec::new();
                for i in 0..count {
                    let address = BASE + (i * 12_345) as DmaAddress;
                    segments.push((address, i * 77 + 1), GFP_KERNEL)?;
                }
                sgl(dma, pools, &segments)?;
            }
            Ok(())
        })
    }

    #[test]
    fn what_has_no_sgl() -> Result {
        each_pools(|_, pools| {
            let most = usize::from(SEGMENTS_MAX);
            for (count, said, len) in [
                (0, 1, 1),
                (most + 1, most + 1, 1),
                // More than the request says.
                (SMALL / 2 + 1, 1, 1),
                (1, 1, 1 << 32),
                (2, 2, 1 << 32),
            ] {
                let segments = core::iter::repeat_n((BASE, len), count);
                let mut found = Description::none();
                let result = pools.by_sgl(segments, said as u32, || Idle, &mut found);
                check_eq!(result.err(), Some(EINVAL));
                check!(found.list.is_none());
            }
            Ok(())
        })
    }

    #[test]
    fn a_range_of_blocks() -> Result {
        each_pools(|dma, pools| {
            for (first, count) in [(0, 1), (0x12_3456_789a, 0x8765_4321), (u64::MAX, u32::MAX)] {
                let (pointer, list) = pools.by_range(first, count, Idle)?;
                let Pointer::Prp([address, 0]) = pointer else {
                    return Err(EINVAL);
                };
                let list = Some(list);
                check_eq!(room(&list), SMALL);
                let words = words(dma, address, 2)?;
                check_eq!(words[0], u64::from(count) << 32);
                check_eq!(words[1], first);
            }
            Ok(())
        })
    }

    /// What the device writes to a list is neither freed nor unmapped by.
    #[test]
    fn a_list_that_the_device_overwrites() -> Result {
        each_pools(|dma, pools| {
            for pages in [4, SMALL + 4] {
                for _ in 0..3 {
                    let data = [(BASE, pages * PAGE)].into_iter();
                    let bytes = (pages * PAGE) as u32;
                    let mut found = Description::none();
                    pools.by_prps(data, PAGE_SHIFT, bytes, || Idle, &mut found)?;
                    let Description { pointer, list } = found;
                    let Pointer::Prp([_, address]) = pointer else {
                        return Err(EINVAL);
                    };
                    device_side::write(dma, address as DmaAddress, &[0xff; SMALL * 8])?;
                    drop(list);
                }
                prps(dma, pools, &[(BASE, pages * PAGE)])?;
            }
            Ok(())
        })
    }
}
