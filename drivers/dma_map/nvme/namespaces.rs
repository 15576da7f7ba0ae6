// SPDX-License-Identifier: GPL-2.0

//! Namespaces: which of them become disks, and what the disks are like.

use crate::{
    block::{
        Namespace,
        Sgls, //
    },
    controller::PAGE_SHIFT,
    device::{
        Device,
        DeviceLt, //
    },
    disks::Disks,
    protocol::{
        describe::BYTES_MAX,
        identify, //
    }, //
};
use dma_map::{
    blk::{
        Disk,
        DiskOptions, //
    },
    gate::Gate, //
};
use kernel::{
    device::Core,
    pci,
    prelude::*,
    sync::Arc, //
};

/// The most namespaces that become disks.
const DISKS_MAX: usize = 256;

/// From this average length of a segment on, data is described by an SGL.
const SGL_FROM: u32 = 32 << 10;

/// The optional commands, as Identify has them.
const DATASET_MANAGEMENT: u32 = 1 << 2;
const WRITE_ZEROES: u32 = 1 << 3;

impl Device<'_> {
    /// Returns the active namespaces.
    ///
    /// # Errors
    ///
    /// Those of [`Device::run`], and `ENOMEM`.
    fn active(&self) -> Result<KVec<u32>> {
        let mut active = KVec::new();
        if let Ok(list) = self.namespaces()? {
            for id in identify::active(&list).take(DISKS_MAX) {
                active.push(id, GFP_KERNEL)?;
            }
        }
        Ok(active)
    }

    /// Returns a namespace of the controller in `gate` as a disk, and its options. `None` if the driver cannot use it, or must not.
    ///
    /// # Errors
    ///
    /// Those of [`Device::run`].
    fn disk(
        &self,
        gate: &Arc<Gate<DeviceLt>>,
        id: u32,
    ) -> Result<Option<(Namespace, DiskOptions)>> {
        let Ok(answer) = self.namespace(id)? else {
            return Ok(None);
        };
        let Ok(geometry) = answer.geometry() else {
            return Ok(None);
        };
        // Only an SGL limits what is moved after another controller has changed the format.
        let sgls = match (self.has_sgls(), self.check_format(&geometry).is_ok()) {
            (true, false) => Sgls::Always,
            (false, false) => return Ok(None),
            (true, true) if self.uses_sgls() => Sgls::Always,
            (true, true) => Sgls::From(SGL_FROM),
            (false, true) => Sgls::Never,
        };
        let block = 1u32.checked_shl(geometry.block_shift).ok_or(EINVAL)?;
        let sector_shift = geometry.block_shift.saturating_sub(9);
        let sectors = geometry.blocks.checked_shl(sector_shift).ok_or(EINVAL)?;
        let bytes = u32::try_from(self.transfer_max()).unwrap_or(u32::MAX);
        let bytes = bytes.min(BYTES_MAX);

        let mut options = DiskOptions::new(sectors)
            .logical_block_size(block)
            .physical_block_size(block)
            .max_bytes(bytes)
            .dma_alignment(3);
        if sgls == Sgls::Never {
            options = options.virt_boundary((1 << PAGE_SHIFT) - 1);
        }
        if self.has_cache() {
            options = options.fua();
        }
        if self.has_command(DATASET_MANAGEMENT) {
            options = options.discard(u32::MAX, block);
        }
        if self.has_command(WRITE_ZEROES) {
            options = options.write_zeroes(bytes >> 9);
        }
        let namespace = Namespace::new(
            gate.clone(),
            id,
            geometry,
            sgls,
            answer.deallocates_zeroes(),
        );
        Ok(Some((namespace, options)))
    }
}

/// Makes disks of the namespaces.
///
/// # Errors
///
/// - Those of [`Device::run`]: a controller that leaves a question open has no disks.
/// - Those of the tag set and of the disks.
pub(crate) fn add(
    pdev: &pci::Device<Core<'_>>,
    gate: &Arc<Gate<DeviceLt>>,
    number: u32,
) -> Result<KVec<Disk<DeviceLt>>> {
    let mut all = KVec::new();
    let inside = gate.try_access().ok_or(ENODEV)?;
    let Some((size, vector, workers)) = inside.with(|device| device.queues_of_disks()) else {
        return Ok(all);
    };
    let disks = Disks::new(gate, workers, size, vector)?;
    inside.with(|device| device.set_disks(disks.clone()));

    for id in inside.with(|device| device.active())? {
        let Some((namespace, options)) = inside.with(|device| device.disk(gate, id))? else {
            continue;
        };
        let namespace = Arc::new(namespace, GFP_KERNEL)?;
        disks.add(&namespace)?;
        match Disk::add(
            pdev.as_ref(),
            disks.tags.clone(),
            fmt!("dma_nvme{}n{}", number, id),
            namespace,
            options,
        ) {
            Ok(disk) => all.push(disk, GFP_KERNEL)?,
            Err(ENOMEM) => return Err(ENOMEM),
            Err(error) => dev_warn!(
                pdev,
                "dma_nvme{}: namespace {} is no disk: {:?}\n",
                number,
                id,
                error
            ),
        }
    }
    Ok(all)
}
