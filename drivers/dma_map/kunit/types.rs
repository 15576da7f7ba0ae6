// SPDX-License-Identifier: GPL-2.0

//! Types and constants: allocation flags, directions, engines behind pointers, and barriers.

use crate::{
    check::*,
    engines::*,
    kfence, //
};
use core::cell::Cell;
use dma_map::{
    barrier,
    direction::{
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    gate::Gate,
    mailbox::{
        Block,
        Mailbox, //
    },
    mapping::MmioMapping,
    queue::SubmissionQueue,
    ring::{
        Consumer,
        InMemory,
        Producer, //
    },
    sg::{
        SgAddresses,
        SgBuffer, //
    },
    state::{
        Cpu,
        Device,
        Part,
        Shared, //
    },
    workqueue::WorkQueue,
    Bidirectional,
    CoherentHandle,
    DmaCoherent,
    DmaDevice,
    DmaMapping,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    Engine,
    FromDevice,
    Gfp,
    IovaMapping,
    MappedBuffer,
    MappedPool,
    Mmap,
    PageList,
    PoolBlock,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::{
    bindings,
    dma::DataDirection,
    prelude::*,
    sync::Arc,
    types::ForLt, //
};

/// Compiles if `T` may be given to another thread, and threads may use it at the same time.
fn shareable<T: Send + Sync>() {}

/// Compiles if a `T` may cross in direction `D`.
fn carries<D: Carries<T>, T>() {}

/// Compiles if the CPU reads what the device wrote.
fn reads<D: CpuReads>() {}

/// Compiles if the device reads what the CPU wrote.
fn writes<D: CpuWrites>() {}

#[kunit_tests(dma_map_types)]
mod tests {
    use super::*;

    #[test]
    fn handles_may_be_given_away_and_shared() {
        shareable::<DmaDevice<'_>>();
        shareable::<DmaCoherent<'_, [u32], Cpu>>();
        shareable::<DmaCoherent<'_, [u32], Shared<Arc<Scripted>>>>();
        shareable::<CoherentHandle<'_, Idle>>();
        shareable::<PoolBlock<&DmaPool<'_, u64>>>();
        shareable::<PoolBlock<Arc<DmaPool<'_, u64>>, Shared<Idle>>>();
        shareable::<SgMapping<'_, VVec<u8>, ToDevice, Device<Idle>>>();
        shareable::<SgMapping<'_, PageList, FromDevice, Device<Idle>>>();
        shareable::<SgMapping<'_, KVec<u64>, Bidirectional, Cpu>>();
        shareable::<SgAddresses<'_, VVec<u8>, ToDevice, Idle>>();
        shareable::<DmaMapping<'_, KVec<u8>, ToDevice, Device<Idle>>>();
        shareable::<DmaMapping<'_, KBox<[u8; 64]>, FromDevice, Cpu>>();
        shareable::<DmaMapping<'_, KVec<u8>, FromDevice, Part>>();
        shareable::<MmioMapping<'_, ToDevice, Idle>>();
        shareable::<IovaMapping<'_, VVec<u8>, ToDevice, Device<Idle>>>();
        shareable::<IovaMapping<'_, PageList, FromDevice, Cpu>>();
        shareable::<DmaPages<'_, u32, Bidirectional>>();
        shareable::<DmaPages<'_, u32, ToDevice, Device<Idle>>>();
        shareable::<DmaNoncontiguous<'_, u32, Bidirectional>>();
        shareable::<DmaNoncontiguous<'_, u32, FromDevice, Device<Idle>>>();
        shareable::<MappedBuffer<'_, u8, FromDevice>>();
        shareable::<MappedBuffer<'_, u8, FromDevice, Device<Idle>>>();
    }

    #[test]
    fn what_owns_handles_may_be_given_away_and_shared() {
        shareable::<DmaPool<'_, u64>>();
        shareable::<MappedPool<'_, u8, FromDevice>>();
        shareable::<Mmap<DmaCoherent<'_, [u32], Shared<Idle>>>>();
        shareable::<Mmap<DmaPages<'_, u8, FromDevice, Device<Idle>>>>();
        shareable::<Transfer<DmaPages<'_, u8, FromDevice, Device<Idle>>>>();
        shareable::<Producer<'_, u32, Idle, InMemory<'_, Idle>>>();
        shareable::<Consumer<'_, u32, Idle, InMemory<'_, Idle>>>();
        shareable::<SubmissionQueue<'_, u32, Idle>>();
        shareable::<Mailbox<DmaCoherent<'_, [Block], Shared<Idle>>>>();
        shareable::<Gate<ForLt!(u32)>>();
        shareable::<WorkQueue>();
    }

    #[test]
    fn elements_cross_where_their_bytes_are_valid() {
        // `bool` has invalid values: it may go to the device, and not come from there.
        carries::<ToDevice, bool>();
        carries::<ToDevice, u8>();
        carries::<FromDevice, u8>();
        carries::<Bidirectional, [u64; 4]>();
        reads::<FromDevice>();
        reads::<Bidirectional>();
        writes::<ToDevice>();
        writes::<Bidirectional>();
    }

    #[test]
    fn allocation_flags_are_those_of_c_and_silent() -> Result {
        check!(Gfp::Kernel.flags().contains(GFP_KERNEL | __GFP_NOWARN));
        // There is one bit more, which the `kernel` crate has no name for: fail rather than kill.
        check!(Gfp::Kernel.flags() != GFP_KERNEL | __GFP_NOWARN);
        check!(Gfp::Atomic.flags() == GFP_ATOMIC | __GFP_NOWARN);
        check!(Gfp::Nowait.flags() == GFP_NOWAIT | __GFP_NOWARN);
        check!(Gfp::Kernel != Gfp::Atomic && Gfp::Atomic != Gfp::Nowait);
        Ok(())
    }

    #[test]
    fn directions_are_those_of_c() -> Result {
        check_eq!(ToDevice::DATA_DIRECTION, DataDirection::ToDevice);
        check_eq!(FromDevice::DATA_DIRECTION, DataDirection::FromDevice);
        check_eq!(Bidirectional::DATA_DIRECTION, DataDirection::Bidirectional);
        for (direction, c) in [
            (ToDevice::RAW, bindings::dma_data_direction::DMA_TO_DEVICE),
            (
                FromDevice::RAW,
                bindings::dma_data_direction::DMA_FROM_DEVICE,
            ),
            (
                Bidirectional::RAW,
                bindings::dma_data_direction::DMA_BIDIRECTIONAL,
            ),
        ] {
            check!(direction == c);
        }
        Ok(())
    }

    #[test]
    fn device_writes_where_it_is_the_source() -> Result {
        let writes = |direction| match direction {
            DataDirection::ToDevice | DataDirection::None => false,
            DataDirection::FromDevice | DataDirection::Bidirectional => true,
        };
        check_eq!(ToDevice::DEVICE_WRITES, writes(ToDevice::DATA_DIRECTION));
        check_eq!(
            FromDevice::DEVICE_WRITES,
            writes(FromDevice::DATA_DIRECTION)
        );
        check_eq!(
            Bidirectional::DEVICE_WRITES,
            writes(Bidirectional::DATA_DIRECTION)
        );
        Ok(())
    }

    #[test]
    fn buffers_know_where_they_may_be_dropped() -> Result {
        check!(!<KVec<u8> as SgBuffer>::DROP_MAY_SLEEP);
        check!(!PageList::DROP_MAY_SLEEP);
        check!(<VVec<u8> as SgBuffer>::DROP_MAY_SLEEP);
        check!(<KVVec<u8> as SgBuffer>::DROP_MAY_SLEEP);
        Ok(())
    }

    #[test]
    fn buffers_count_bytes() -> Result {
        check_eq!(SgBuffer::len(&KVec::from_elem(0u64, 3, GFP_KERNEL)?), 24);
        check_eq!(SgBuffer::len(&VVec::from_elem(0u16, 3, GFP_KERNEL)?), 6);
        check_eq!(
            SgBuffer::len(&KVVec::from_elem([0u8; 5], 3, GFP_KERNEL)?),
            15
        );
        check!(SgBuffer::is_empty(&KVec::<u8>::with_capacity(
            9, GFP_KERNEL
        )?));
        check!(!SgBuffer::is_empty(&KVec::from_elem(0u8, 1, GFP_KERNEL)?));
        Ok(())
    }

    /// What makes a map `EINVAL` where caches are not coherent with DMA.
    ///
    /// misuse: shared-cache-line
    #[test]
    fn buffers_know_whether_they_share_a_cache_line() -> Result {
        let line = 64;
        for (len, alone) in [(1, false), (63, true), (64, true), (65, false), (128, true)] {
            // `kmalloc()` has sizes of 8, of 64, of 96 and of 128 bytes, and no more than those.
            let buffer = KVec::from_elem(0u8, len, GFP_KERNEL)?;
            // An object that KFENCE guards is alone in its page.
            let alone = alone || kfence::guards(&buffer);
            check_eq!((len, buffer.owns_cache_lines(line)), (len, alone));
            check!(VVec::from_elem(0u8, len, GFP_KERNEL)?.owns_cache_lines(line));
        }
        let byte = KBox::new([0u8], GFP_KERNEL)?;
        check_eq!(byte.owns_cache_lines(line), kfence::guards(&*byte));
        check!(KBox::new([0u8; 64], GFP_KERNEL)?.owns_cache_lines(line));
        check!(PageList::zeroed(1, Gfp::Kernel)?.owns_cache_lines(line));
        check!(KVec::<u8>::new().owns_cache_lines(line));
        Ok(())
    }

    #[test]
    fn engine_behind_a_pointer_is_the_engine() -> Result {
        /// Asks and stops it once.
        fn once(engine: impl Engine) -> (bool, Result) {
            (engine.is_idle(), engine.quiesce())
        }

        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        check_eq!(once(&*engine), (false, Ok(())));
        check_eq!(once(engine.clone()), (true, Ok(())));
        check_eq!((engine.asked(), engine.stopped()), (2, 2));

        let stuck = Scripted::stuck();
        check_eq!(once(&stuck), (false, Err(ETIMEDOUT)));
        Ok(())
    }

    #[test]
    fn hand_over_runs_its_closure_once_and_returns_its_value() -> Result {
        let steps = Cell::new(0);
        let step = || steps.replace(steps.get() + 1);
        check_eq!(barrier::publish(step), 0);
        check_eq!(barrier::consume(step), 1);
        check_eq!(steps.get(), 2);

        // What the closure borrows is what it gets.
        let mut flag = 0;
        barrier::publish(|| flag = 7);
        check_eq!(barrier::consume(|| flag), 7);
        Ok(())
    }
}
