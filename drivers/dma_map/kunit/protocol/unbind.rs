// SPDX-License-Identifier: GPL-2.0

//! Unbind with handles: kept in the driver's data, or leaked.

use super::*;

/// What is given back at unbind where DMA debugging looks for it, which knows nothing of linked addresses.
const TRACKED: [&[Kind]; 6] = [MAPPINGS, MEMORY, POOLED, ADDRESSES, UNMAPPED, WINDOWS];

/// What is counted as it is when it is quarantined.
const QUARANTINED: [&[Kind]; 5] = [MAPPINGS, MEMORY, ADDRESSES, UNMAPPED, WINDOWS];

const EVERY: [&[Kind]; 7] = [
    MAPPINGS, LINKED, MEMORY, POOLED, ADDRESSES, UNMAPPED, WINDOWS,
];

/// Where the device reached what is gone, and who stopped it.
struct Left {
    name: &'static str,
    address: u64,
    engine: Arc<Scripted>,
}

/// Does `with` handles of each kind, unbinds the device, which is not to reach them then, and calls `then`
/// for each.
fn unbound(
    dev: &TestDevice,
    kinds: &[&[Kind]],
    with: for<'b> fn(&mut Probe<'b, '_>, Handle<'b>) -> Result,
    then: &mut dyn FnMut(&Left) -> Result,
) -> Result {
    let mut all = KVec::new();
    dev.bind(|probe| {
        let dma = probe.dma(LARGE)?;
        for kind in kinds.iter().copied().flatten() {
            if !(kind.is_here)(probe, dma) {
                continue;
            }
            let len = *kind.sizes.first().ok_or(EINVAL)?;
            let case = Case::new(kind, len, probe, dma, Scripted::idle())?;
            let (mut cpu, given, engine) = (case.make()?, case.make()?, case.engine);
            let address = first(&*given)?.address;
            match cpu.complete() {
                Err(err) if err == EOPNOTSUPP => drop(cpu),
                result => {
                    result?;
                    with(probe, cpu)?;
                }
            }
            check!(c::dma_to_phys(probe.device(), address) != 0);
            with(probe, given)?;
            let name = kind.name;
            all.push(
                Left {
                    name,
                    address,
                    engine,
                },
                GFP_KERNEL,
            )?;
        }
        for left in &all {
            left.engine.start();
        }
        check_eq!(dma.quarantined(), 0);
        Ok(())
    })?;
    for left in &all {
        check_eq!(left.engine.stopped(), 0);
    }
    dev.unbind();

    dev.bind(|probe| {
        check_eq!(probe.dma(LARGE)?.quarantined(), 0);
        for left in &all {
            check!(is_gone(probe.device(), left.address), "{}", left.name);
            then(left)?;
        }
        Ok(())
    })
}

fn keep<'b>(probe: &mut Probe<'b, '_>, handle: Handle<'b>) -> Result {
    probe.keep(handle)
}

fn forget<'b>(_: &mut Probe<'b, '_>, handle: Handle<'b>) -> Result {
    core::mem::forget(handle);
    Ok(())
}

#[kunit_tests(dma_map_protocol_unbind)]
mod tests {
    use super::*;

    /// misuse: unbind-with-live-handles/SgMapping, unbind-with-live-handles/DmaMapping
    /// misuse: unbind-with-live-handles/IovaMapping, unbind-with-live-handles/DmaCoherent
    /// misuse: unbind-with-live-handles/CoherentHandle, unbind-with-live-handles/PoolBlock
    /// misuse: unbind-with-live-handles/DmaPages, unbind-with-live-handles/DmaNoncontiguous
    /// misuse: unbind-with-live-handles/MappedBuffer, unbind-with-live-handles/SgAddresses
    /// misuse: unbind-with-live-handles/MmioMapping
    #[test]
    fn driver_data_is_released_at_unbind() -> Result {
        each(|dev| {
            unbound(dev, &EVERY, keep, &mut |left| {
                let (engine, name) = (&left.engine, left.name);
                check!(engine.stopped() == 1 && engine.turns() == 0, "{name}");
                Ok(())
            })
        })
    }

    /// misuse: forgotten-handle/SgMapping, forgotten-handle/DmaMapping, forgotten-handle/DmaCoherent
    /// misuse: forgotten-handle/CoherentHandle, forgotten-handle/PoolBlock, forgotten-handle/DmaPages
    /// misuse: forgotten-handle/DmaNoncontiguous, forgotten-handle/MappedBuffer
    /// misuse: forgotten-handle/SgAddresses, forgotten-handle/MmioMapping, pending-at-release
    #[test]
    fn leaked_handles_are_given_back_at_unbind() -> Result {
        where_it_is_given_back(|dev| {
            unbound(dev, &TRACKED, forget, &mut |left| {
                check!(left.engine.stopped() == 0, "{}", left.name);
                Ok(())
            })
        })
    }

    /// What a device that cannot be stopped is left with.
    ///
    /// misuse: pending-at-release
    #[test]
    fn quarantined_memory_is_given_back_at_unbind() -> Result {
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(LARGE)?;
                let mut bytes = 0;
                for kind in QUARANTINED.into_iter().flatten() {
                    if !(kind.is_here)(probe, dma) {
                        continue;
                    }
                    let len = *kind.sizes.first().ok_or(EINVAL)?;
                    let handle = Case::new(kind, len, probe, dma, Scripted::stuck())?.make()?;
                    bytes += handle.size();
                    drop(handle);
                    check!(dma.quarantined() == bytes, "{}", kind.name);
                }
                Ok(())
            })
        })
    }
}
