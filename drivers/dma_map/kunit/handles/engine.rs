// SPDX-License-Identifier: GPL-2.0

//! Drop of an engine: after the memory is the CPU's.
//!
//! The drop of an engine may give away what the transfer had, such as a slot in a queue.

use super::*;
use crate::device_side;
use dma_map::FromDevice;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// What the device writes.
const WRITTEN: u8 = 0x5a;

/// An engine that looks at the memory when it is dropped.
struct Looks<'a> {
    first: *const u8,
    found: &'a Atomic<u32>,
}

// SAFETY: There is no device, so nothing accesses the memory.
unsafe impl Engine for Looks<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        // SAFETY: The cases drop engines before memory. While this is read, nobody writes.
        let byte = unsafe { self.first.read_volatile() };
        self.found.store(byte.into(), Relaxed);
    }
}

/// Calls `f` with memory of 5000 bytes and an engine, which has to find what the device wrote.
fn finds(f: impl FnOnce(KVec<u8>, Looks<'_>) -> Result) -> Result {
    let found = Atomic::new(0);
    let memory = buffer()?;
    let first = memory.as_ptr();

    f(
        memory,
        Looks {
            first,
            found: &found,
        },
    )?;
    check_eq!(found.load(Relaxed), u32::from(WRITTEN));
    Ok(())
}

fn single<'b, E: Engine>(
    dma: DmaDevice<'b>,
    memory: KVec<u8>,
    engine: E,
) -> Result<DmaMapping<'b, KVec<u8>, FromDevice, Device<E>>> {
    let mapping = DmaMapping::map(dma, memory, FromDevice, engine, MapOptions::new())?;
    device_side::write(dma, mapping.dma_address(), &[WRITTEN])?;
    Ok(mapping)
}

fn scattered<'b, E: Engine>(
    dma: DmaDevice<'b>,
    memory: KVec<u8>,
    engine: E,
) -> Result<SgMapping<'b, KVec<u8>, FromDevice, Device<E>>> {
    let mapping = SgMapping::map(dma, memory, FromDevice, engine, Gfp::Kernel)?;
    let first = mapping.segments().next().ok_or(EINVAL)?;
    device_side::write(dma, first.address, &[WRITTEN])?;
    Ok(mapping)
}

#[kunit_tests(dma_map_handles_engine)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_in_sync_before_its_engine_is_dropped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            finds(|memory, engine| {
                single(dma, memory, engine)?.complete()?;
                Ok(())
            })?;
            finds(|memory, engine| {
                single(dma, memory, engine)?.cancel()?;
                Ok(())
            })?;
            finds(|memory, engine| {
                single(dma, memory, engine)?.complete_range(0..1)?;
                Ok(())
            })?;
            finds(|memory, engine| {
                scattered(dma, memory, engine)?.complete()?;
                Ok(())
            })
        })
    }

    #[test]
    fn a_mapping_is_undone_before_its_engine_is_dropped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            finds(|memory, engine| {
                single(dma, memory, engine)?.unmap()?;
                Ok(())
            })?;
            finds(|memory, engine| {
                scattered(dma, memory, engine)?.unmap()?;
                Ok(())
            })?;
            finds(|memory, engine| {
                let mapping = IovaMapping::map(dma, memory, FromDevice, engine, Gfp::Kernel)?;
                let first = mapping.segments().next().ok_or(EINVAL)?;
                device_side::write(dma, first.address, &[WRITTEN])?;
                mapping.unmap()?;
                Ok(())
            })
        })
    }

    #[test]
    fn buffers_are_in_sync_before_their_engine_is_dropped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let found = Atomic::new(0);
            let engine = |first| Looks {
                first,
                found: &found,
            };

            let pages = DmaPages::<u8, _>::alloc(dma, LEN, FromDevice, Gfp::Kernel)?;
            let first = pages.as_slice().as_ptr();
            let pages = pages.give(engine(first));
            device_side::write(dma, pages.dma_address(), &[WRITTEN])?;
            pages.complete()?;
            check_eq!(found.load(Relaxed), u32::from(WRITTEN));

            found.store(0, Relaxed);
            let options = MappedPoolOptions::new(1).node(0);
            let pool = MappedPool::<u8, _>::new(dma, c"engine", LEN, FromDevice, options)?;
            let buffer = pool.take()?;
            let first = buffer.as_slice().as_ptr();
            let buffer = buffer.give(engine(first));
            device_side::write(dma, buffer.dma_address(), &[WRITTEN])?;
            buffer.cancel()?;
            check_eq!(found.load(Relaxed), u32::from(WRITTEN));
            Ok(())
        })
    }
}
