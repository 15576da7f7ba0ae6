// SPDX-License-Identifier: GPL-2.0

//! Owners of a slot's memory: each kind of handle, groups, and values of the driver's.

use super::*;
use crate::engines::Idle;
use dma_map::{
    mapping::MapOptions,
    transfer::Carried,
    DmaMapping,
    DmaPages,
    DmaPool,
    FromDevice,
    PoolBlock,
    ToDevice, //
};
use kernel::{
    io::io_write,
    sync::Arc, //
};

/// Posts `memory` in a ring for one slot, lets `device` work, and returns what comes back.
fn through<'b, H: Post>(
    dma: DmaDevice<'b>,
    memory: H,
    describe: impl for<'a> FnOnce(
        <H::Posted<Card> as dma_map::transfer::Handle>::Pieces<'a>,
    ) -> Result<(DmaAddress, usize)>,
    device: impl FnOnce(DmaAddress, usize) -> Result,
) -> Result<H> {
    let card = Card::new(Scripted::busy());
    let mut ring = ring::<OwnBit, H>(dma, 1, &card)?;
    let peer = Peer::of(dma, &ring);
    ring.post(memory, |pieces| {
        let (address, len) = describe(pieces)?;
        Slot::new(address, len)
    })?;
    ring.publish(|_| ());
    let slot = peer.read(0)?;
    device(slot.address.get(), slot.len.get() as usize)?;
    peer.set_status(0, 0)?;
    let memory = popped(ring.pop())?.memory;
    check_eq!((card.script.asked(), ring.used()), (0, 0));
    Ok(memory)
}

#[kunit_tests(dma_map_descriptor_ring_owned)]
mod tests {
    use super::*;

    #[test]
    fn mapping_comes_back_in_sync() -> Result {
        each_dma(ALL, |dma| {
            let buffer = KVec::from_elem(0u8, 5000, GFP_KERNEL)?;
            let mapping = DmaMapping::map_cpu(dma, buffer, FromDevice, MapOptions::new())?;
            let mapping = through(
                dma,
                mapping,
                |room| Ok((room.address(), room.len())),
                |address, len| device_side::fill_at(dma, address, len, 7),
            )?;
            check!(crate::pattern::holds(mapping.contents(), 7, 0));
            check!(crate::pattern::holds(&mapping.unmap(), 7, 0));
            Ok(())
        })
    }

    #[test]
    fn scattered_memory() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
            let mapping = map_sg(dma, buffer, FromDevice, Idle)?.complete()?;
            let mapping = through(
                dma,
                mapping,
                |mut pieces| {
                    let piece = pieces.cut(1000).ok_or(EINVAL)?;
                    Ok((piece.address(), piece.len()))
                },
                |address, len| device_side::fill_at(dma, address, len, 9),
            )?;
            let buffer = mapping.unmap();
            check!(crate::pattern::holds(&buffer[..1000], 9, 0));
            check!(buffer[1000..].iter().all(|&byte| byte == 0));
            Ok(())
        })
    }

    /// A descriptor that points to a table, which points to the data; and whom to tell.
    #[test]
    fn group_with_a_table_and_a_value() -> Result {
        each_dma(ALL, |dma| {
            let pool = Arc::new(DmaPool::<[u64; 4]>::new(dma, c"tables")?, GFP_KERNEL)?;
            let table = PoolBlock::zeroed(pool, Gfp::Kernel)?;
            let mut data = DmaPages::<u8, _>::alloc(dma, 300, ToDevice, Gfp::Kernel)?;
            crate::pattern::fill(data.as_mut_slice(), 3, 0);
            let (table, data, value, none) = through(
                dma,
                (
                    table,
                    data,
                    Carried(KBox::new(5, GFP_KERNEL)?),
                    None::<Buffer<'_>>,
                ),
                |(table, data, (), none)| {
                    check!(none.is_none());
                    io_write!(table.view(), [build: 0], data.address());
                    io_write!(table.view(), [build: 1], data.len() as u64);
                    Ok((table.address(), table.size()))
                },
                |address, len| {
                    check_eq!(len, 32);
                    let mut table = [0u64; 4];
                    device_side::read(dma, address, table.as_mut_bytes())?;
                    check_eq!(table[1], 300);
                    check!(device_side::finds_at(dma, table[0], 300, 3)?);
                    device_side::write(dma, address + 16, &[1; 8])
                },
            )?;
            check_eq!((table[2], *value.0), (0x0101_0101_0101_0101, 5));
            check!(none.is_none());
            check_eq!(data.size(), 300);
            Ok(())
        })
    }

    #[test]
    fn length_is_that_of_all_of_a_group() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<OwnBit, _>(dma, 1, &card)?;
            let peer = Peer::of(dma, &ring);
            let both = [pool.take()?, pool.take()?];
            ring.post(both, |[first, _]| Slot::new(first.address(), first.len()))?;
            ring.publish(|_| ());
            peer.set_status(0, 0)?;
            peer.set_len(0, 2 * ROOM as u32 + 1)?;
            check_err!(ring.pop().map(|_| ()), EBADMSG);
            peer.set_len(0, 2 * ROOM as u32)?;
            check_eq!(popped(ring.pop())?.len, Some(2 * ROOM));
            Ok(())
        })
    }

    #[test]
    fn carried_value_is_dropped_with_the_ring() -> Result {
        each_dma(ALL, |dma| {
            for script in [Scripted::idle(), Scripted::busy()] {
                let card = Card::new(script);
                let pool = pool(dma)?;
                let value = Arc::new(0u32, GFP_KERNEL)?;
                let mut ring = ring::<OwnBit, _>(dma, 2, &card)?;
                let carried = Carried(value.clone());
                ring.post((pool.take()?, carried), |(room, ())| {
                    Slot::new(room.address(), room.len())
                })?;
                drop(ring);
                check!(Arc::into_unique_or_drop(value).is_some());
            }
            Ok(())
        })
    }
}
