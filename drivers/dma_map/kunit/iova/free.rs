// SPDX-License-Identifier: GPL-2.0

//! Drop of an IOVA mapping.
//!
//! What the device reaches afterwards, and rounds in atomic context.

use super::*;
use crate::{
    context,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    ToDevice, //
};

#[kunit_tests(dma_map_iova_free)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_linked_afterwards() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            // IOTLBs are flushed when addresses are unlinked, also where unmapping is lazy.
            for how in 0..3 {
                let buffer = VVec::<u8>::sample(3 * PAGE_SIZE + 1, 1)?;
                let mapping = IovaMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Atomic)?;
                let Some(address) = mapping.contiguous() else {
                    check!(!translated(probe));
                    return Ok(());
                };
                device_side::write(dma, address, &[1])?;
                match how {
                    0 => drop(mapping),
                    1 => drop(mapping.unmap()?),
                    _ => drop(mapping.complete()?.unmap()),
                }
                for page in 0..4 {
                    let gone = address + page * PAGE_SIZE as u64;
                    check_err!(device_side::write(dma, gone, &[1]), EFAULT);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn whole_rounds_work_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let sample = || KVec::<u8>::sample(9000, 1);
            let mut buffers = [sample()?, sample()?, sample()?].into_iter();
            context::each_atomic(&mut || {
                let buffer = buffers.next().ok_or(EINVAL)?;
                let mapping = IovaMapping::map(dma, buffer, ToDevice, Idle, Gfp::Atomic)?;
                check!(finds(&mapping, 1)?);
                let mapping = mapping.complete()?.give(Idle);
                check!(mapping.unmap()?.holds(1));
                Ok(())
            })
        })
    }
}
