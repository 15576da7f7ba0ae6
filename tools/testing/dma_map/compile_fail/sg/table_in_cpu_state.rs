// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The kernel's own table has addresses too, so it is there in the device's state only.

use dma_map::{
    Cpu,
    Device,
    Engine,
    PageList,
    SgMapping,
    ToDevice, //
};

pub type States<E> = (Cpu, Device<E>);

// pass: pub fn count<E: Engine>(mapping: &SgMapping<'_, PageList, ToDevice, Device<E>>) -> usize {
pub fn count<E: Engine>(mapping: &SgMapping<'_, PageList, ToDevice, Cpu>) -> usize {
    mapping.as_sg_table().iter().count()
}
