// SPDX-License-Identifier: GPL-2.0

//! Leaked owners of handles, and handles in numbers, of a PCI function: DMA debugging finds no mapping
//! left when it is unbound.

use super::*;
use crate::c;
use core::mem::forget;
use dma_map::{
    PoolBlock,
    Transfer, //
};
use kernel::sync::Arc;

/// Where the device reaches what was leaked, if it has a place.
type Place = Result<Option<DmaAddress>>;

/// Leaks what `leak` makes, and unbinds the device: until then it reaches the memory, and behind an
/// IOMMU that forgets at once it does not any more.
fn leaked(leak: impl for<'b, 'c> Fn(&Probe<'b, 'c>, DmaDevice<'b>) -> Place) -> Result {
    where_it_is_given_back(|dev| {
        let mut place = None;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            place = leak(probe, dma)?;
            if let Some(address) = place {
                check!(c::dma_to_phys(probe.device(), address) != 0);
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })?;
        dev.unbind();

        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            if let (Some(address), true) = (place, c::strict_iommu(probe.device())) {
                check_eq!(c::dma_to_phys(probe.device(), address), 0);
            }
            // The next driver finds nothing of it.
            drop(shared(dma, LEN, Idle)?);
            drop(list(dma, Idle)?);
            Ok(())
        })
    })
}

#[kunit_tests(dma_map_handles_forgotten)]
mod tests {
    use super::*;

    /// Leaks are not tracked where nobody looks: the device still reaches what was leaked, and nobody
    /// else gets it.
    ///
    /// kernel: unwatched
    #[test]
    fn what_nobody_looks_for_stays() -> Result {
        if cfg!(CONFIG_DMA_API_DEBUG) {
            skip(c"DMA debugging looks for it");
            return Ok(());
        }
        on_pci(|dev| {
            let mut place = (0, 0);
            dev.bind(|probe| {
                let memory = shared(probe.dma(ALL)?, LEN, Idle)?;
                let address = memory.dma_address();
                place = (address, c::dma_to_phys(probe.device(), address));
                forget(memory);
                Ok(())
            })?;
            dev.unbind();

            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let (address, phys) = place;
                check_eq!(c::dma_to_phys(probe.device(), address), phys);
                for _ in 0..20 {
                    let other = shared(dma, LEN, Idle)?;
                    let there = c::dma_to_phys(probe.device(), other.dma_address());
                    check!(there != phys && other.dma_address() != address);
                }
                Ok(())
            })
        })
    }

    /// Linked addresses stay: DMA debugging knows nothing of them.
    ///
    /// misuse: forgotten-handle/IovaMapping
    #[test]
    fn mapping_at_one_address() -> Result {
        leaked(|_, dma| {
            let buffer = buffer()?;
            let mapping = map_iova(dma, buffer, Bidirectional, Idle)?;
            check_eq!(mapping.size(), LEN);
            forget(mapping);
            Ok(None)
        })
    }

    /// misuse: forgotten-handle/DmaPool, pending-at-release
    #[test]
    fn pool_with_a_page() -> Result {
        leaked(|_, dma| {
            let pool = DmaPool::<[u64; 4]>::new(dma, c"forgotten")?;
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
            let address = block.dma_address();
            drop(block);
            forget(pool);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/PoolBlock
    #[test]
    fn blocks_of_a_pool() -> Result {
        leaked(|_, dma| {
            let pool = Arc::new(DmaPool::<[u64; 4]>::new(dma, c"counted")?, GFP_KERNEL)?;
            forget(PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?);
            let block = PoolBlock::zeroed(pool, Gfp::Kernel)?.give(Idle);
            let address = block.dma_address();
            forget(block);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/PoolBlock
    #[test]
    fn block_of_a_pool_that_was_dropped() -> Result {
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let pool = DmaPool::<[u64; 4]>::new(dma, c"borrowed")?;
                forget(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
                drop(pool);
                check_eq!(dma.quarantined(), 32);
                Ok(())
            })
        })
    }

    /// misuse: forgotten-handle/MappedPool
    #[test]
    fn pool_of_mapped_buffers() -> Result {
        leaked(|_, dma| {
            let pool = mapped_pool(dma)?;
            let address = pool.take()?.give(Idle).dma_address();
            forget(pool);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/MappedBuffer
    #[test]
    fn buffers_of_a_pool_that_was_dropped() -> Result {
        leaked(|_, dma| {
            let pool = mapped_pool(dma)?;
            forget(pool.take()?);
            let buffer = pool.take()?.give(Idle);
            let address = buffer.dma_address();
            forget(buffer);
            drop(pool.take()?);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/Mmap
    #[test]
    fn memory_of_processes() -> Result {
        leaked(|_, dma| {
            forget(Mmap::new(pages(dma, PAGE_SIZE, Idle)?)?);
            forget(Mmap::new(noncontiguous(dma, PAGE_SIZE, Idle)?)?);
            let memory = Mmap::new(shared(dma, PAGE_SIZE, Idle)?)?;
            let address = memory.dma_address();
            forget(memory);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/Producer, forgotten-handle/Consumer, forgotten-handle/InMemory
    #[test]
    fn rings() -> Result {
        leaked(|_, dma| {
            forget(producer(dma, Idle)?);
            forget(consumer(dma, Idle)?);
            let counters = counters(dma, Idle)?;
            let address = counters.dma_address();
            forget(counters);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/DescriptorRing, forgotten-handle/Commands
    /// misuse: forgotten-handle/SubmissionQueue
    #[test]
    fn rings_and_queues_that_own_memory() -> Result {
        leaked(|_, dma| {
            forget(submissions(dma, Idle)?);
            forget(completions(dma, Idle)?);
            forget(commands(dma, Idle)?);
            let ring = descriptors(dma, Idle)?;
            let address = ring.dma_address();
            forget(ring);
            Ok(Some(address))
        })
    }

    /// misuse: forgotten-handle/Transfer
    #[test]
    fn transfer_in_flight() -> Result {
        leaked(|_, dma| {
            let handles = (list(dma, Idle)?, shared(dma, LEN, Idle)?);
            let address = handles.1.dma_address();
            forget(Transfer::start(handles, |_| Ok(()))?);
            Ok(Some(address))
        })
    }

    /// misuse: pending-at-release
    #[test]
    fn many_of_them() -> Result {
        leaked(|_, dma| {
            for _ in 0..300 {
                forget(shared(dma, 64, Idle)?);
                forget(list(dma, Idle)?);
                forget(pages(dma, 64, Idle)?);
            }
            Ok(None)
        })
    }

    /// misuse: forgotten-handle/DmaCoherent, pending-at-release
    #[test]
    fn handle_that_keeps_itself() -> Result {
        struct Cycle<'b> {
            _memory: DmaCoherent<'b, [u8]>,
            _other: Option<Arc<Cycle<'b>>>,
        }

        leaked(|_, dma| {
            let first = Arc::new(
                Cycle {
                    _memory: DmaCoherent::zeroed_slice(dma, LEN, Gfp::Kernel)?,
                    _other: None,
                },
                GFP_KERNEL,
            )?;
            // As good as a cycle: a count that never comes back to 0.
            forget(first.clone());
            let _second = Cycle {
                _memory: DmaCoherent::zeroed_slice(dma, LEN, Gfp::Kernel)?,
                _other: Some(first),
            };
            Ok(None)
        })
    }

    /// misuse: pending-at-release
    #[test]
    fn probe_that_fails_afterwards() -> Result {
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                forget(shared(probe.dma(ALL)?, LEN, Idle)?);
                probe.fail_probe();
                Ok(())
            })?;
            dev.bind(|probe| shared(probe.dma(ALL)?, LEN, Idle).map(drop))
        })
    }
}
