// SPDX-License-Identifier: GPL-2.0

//! `MmioMapping`: a BAR that another device reaches.
//!
//! The peer is the device itself, which has a BAR.

use super::*;
use crate::{
    context,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    mapping::{
        MmioMapping,
        MmioWindow, //
    },
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Core, //
    },
    pci,
    platform, //
};

/// The first BAR of `pci-testdev`, of memory. The second is one of ports; there are no more.
const MEMORY: u32 = 0;
const PORTS: u32 = 1;

/// The function that is being probed.
fn function<'b>(probe: &Probe<'b, '_>) -> Result<&'b pci::Device<Bound>> {
    let core: &'b pci::Device<Core<'_>> = probe.pci().ok_or(ENODEV)?;
    Ok(core)
}

/// Maps the first BAR of the device for the device, if nothing rules that out.
fn map<'b, E: Engine>(
    probe: &Probe<'b, '_>,
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<MmioMapping<'b, FromDevice, E>> {
    let window = MmioWindow::of_bar(function(probe)?, MEMORY)?;
    MmioMapping::map(dma, window, FromDevice, engine)
}

/// A resource of a device.
fn resource(start: u64, len: u64, flags: u32) -> bindings::resource {
    bindings::resource {
        start,
        end: start + len - 1,
        flags: flags as c_ulong,
        ..Default::default()
    }
}

/// The window of the platform device's resource `index`.
fn window<'b>(probe: &Probe<'b, '_>, index: u32) -> Result<MmioWindow<'b>> {
    let pdev: &'b platform::Device<Bound> = probe.platform().ok_or(ENODEV)?;
    MmioWindow::of_resource(pdev, index)
}

/// Skips what is left of the case if memory that is not RAM can't be mapped: under
/// `swiotlb=force`, where nothing is mapped in place.
fn unless_forced<T>(mapping: Result<T>) -> Result<Option<T>> {
    match mapping {
        Err(err) if err == EIO => {
            skip(c"the device reaches bounce buffers only");
            Ok(None)
        }
        mapping => mapping.map(Some),
    }
}

#[kunit_tests(dma_map_mapping_mmio)]
mod tests {
    use super::*;

    #[test]
    fn the_device_reaches_the_bar() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let peer = function(probe)?;
                let (start, len) = (peer.resource_start(MEMORY)?, peer.resource_len(MEMORY)?);
                let window = MmioWindow::of_bar(peer, MEMORY)?;
                check_eq!(window.len(), len);

                for (from, to) in [(0, len), (0, 1), (len - 1, len), (8, 16)] {
                    let part = window.slice(from..to)?;
                    check_eq!(part.len(), to - from);
                    let mapping = MmioMapping::map(dma, part, Bidirectional, Idle);
                    let Some(mapping) = unless_forced(mapping)? else {
                        return Ok(());
                    };
                    check_eq!(mapping.size() as u64, to - from);
                    check!(core::ptr::eq(mapping.device().device(), probe.device()));
                    let phys = c::dma_to_phys(probe.device(), mapping.dma_address());
                    check_eq!(phys, start + from);
                    mapping.unmap()?;
                }
                drop(MmioMapping::map(dma, window, ToDevice, Idle)?);
                drop(MmioMapping::map(dma, window, FromDevice, Idle)?);
                Ok(())
            })
        })
    }

    #[test]
    fn c_maps_the_same_place() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let peer = function(probe)?;
                let (start, len) = (peer.resource_start(MEMORY)?, peer.resource_len(MEMORY)?);
                let Some(mapping) = unless_forced(map(probe, dma, Idle))? else {
                    return Ok(());
                };
                check_eq!(mapping.size() as u64, len);
                let (raw, size) = (probe.raw(), mapping.size());
                let from = bindings::dma_data_direction::DMA_FROM_DEVICE;

                // SAFETY: The BAR of a bound device, in which nobody writes.
                let address = unsafe { bindings::dma_map_resource(raw, start, size, from, 0) };
                check!(!c::mapping_error(probe.device(), address));
                for offset in [0, len - 1] {
                    let ours = c::dma_to_phys(probe.device(), mapping.dma_address() + offset);
                    let theirs = c::dma_to_phys(probe.device(), address + offset);
                    check_eq!(ours, theirs);
                }
                if c::dma_domain(probe.device()).is_none() {
                    check_eq!(mapping.dma_address(), address);
                }
                // SAFETY: Mapped above, with these arguments.
                unsafe { bindings::dma_unmap_resource(raw, address, size, from, 0) };
                Ok(())
            })
        })
    }

    #[test]
    fn what_is_no_bar_of_memory_is_einval() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let peer = function(probe)?;
                check!(peer.resource_len(PORTS)? > 0);
                for bar in [PORTS, 2, 3, 4, 5, 6, 7, 11, 12, u32::MAX] {
                    check_err!(MmioWindow::of_bar(peer, bar).map(|_| ()), EINVAL);
                }
                Ok(())
            })
        })
    }

    #[test]
    fn ranges_beyond_the_window_are_einval() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let window = MmioWindow::of_bar(function(probe)?, MEMORY)?;
                let len = window.len();
                for (from, to) in [
                    (0, 0),
                    (len, len),
                    (0, len + 1),
                    (len, len + 1),
                    (9, 8),
                    (0, u64::MAX),
                    (u64::MAX - 1, u64::MAX),
                    (u64::MAX, 1),
                ] {
                    check_err!(window.slice(from..to).map(|_| ()), EINVAL);
                }
                let part = window.slice(8..16)?;
                check_err!(part.slice(0..9).map(|_| ()), EINVAL);
                check_eq!(part.slice(7..8)?.len(), 1);
                Ok(())
            })
        })
    }

    #[test]
    fn window_out_of_reach_is_eio() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                // BARs are near the end of the first 4 GiB.
                let dma = probe.dma(DmaLimits::new(DmaMask::new::<28>()))?;
                match map(probe, dma, Idle) {
                    Ok(mapping) => {
                        let end = mapping.dma_address() + mapping.size() as u64;
                        check!(end <= 1 << 28, "{end:#x} is out of reach");
                    }
                    Err(err) => check_eq!(err, EIO),
                }
                Ok(())
            })
        })
    }

    #[test]
    fn window_beyond_a_segment_is_einval() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL.max_segment_size(512))?;
                let window = MmioWindow::of_bar(function(probe)?, MEMORY)?;
                let beyond = MmioMapping::map(dma, window.slice(0..513)?, ToDevice, Idle);
                check_err!(beyond.map(|_| ()), EINVAL);
                let fits = MmioMapping::map(dma, window.slice(0..512)?, ToDevice, Idle);
                unless_forced(fits).map(|_| ())
            })
        })
    }

    /// misuse: drop-with-irqs-off/MmioMapping
    #[test]
    fn windows_are_mapped_in_atomic_context() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let window = MmioWindow::of_bar(function(probe)?, MEMORY)?;
                if unless_forced(map(probe, dma, Idle))?.is_none() {
                    return Ok(());
                }
                context::each_atomic(&mut || {
                    MmioMapping::map(dma, window, FromDevice, Idle).map(drop)
                })
            })
        })
    }

    #[test]
    fn platform_resources_are_windows() -> Result {
        // Far beyond memory.
        let place = 1 << 38;
        let dev = TestDevice::platform_with(&[resource(place, 0x2000, bindings::IORESOURCE_MEM)])?;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            let window = window(probe, 0)?;
            check_eq!(window.len(), 0x2000);
            let part = MmioMapping::map(dma, window.slice(0x1000..0x1800)?, ToDevice, Idle);
            let Some(part) = unless_forced(part)? else {
                return Ok(());
            };
            check_eq!(part.size(), 0x800);
            let phys = c::dma_to_phys(probe.device(), part.dma_address());
            check_eq!(phys, place + 0x1000);
            Ok(())
        })?;

        drop(dev);
        let dev = TestDevice::platform_with(&[resource(place, 0x2000, bindings::IORESOURCE_MEM)])?;
        dev.bind(|probe| {
            let low = probe.dma(DmaLimits::new(DmaMask::new::<32>()))?;
            let beyond = MmioMapping::map(low, window(probe, 0)?, ToDevice, Idle);
            check_err!(beyond.map(|_| ()), EIO);
            Ok(())
        })
    }

    /// misuse: map-ram-as-resource
    #[test]
    fn resources_that_are_memory_are_einval() -> Result {
        let pages = Pages::zeroed(0, Gfp::Kernel)?;
        let phys = c::virt_to_phys(pages.as_ptr());
        let dev = TestDevice::platform_with(&[resource(phys, 0x1000, bindings::IORESOURCE_MEM)])?;
        dev.bind(|probe| {
            check_err!(window(probe, 0).map(|_| ()), EINVAL);
            Ok(())
        })
    }
}
