// SPDX-License-Identifier: GPL-2.0
// error: E0133

//! A token may be shorter than the binding. Only the driver can say that it is not.

use dma_map::{
    gate::Scope,
    DmaDevice, //
};

pub fn scope(dma: DmaDevice<'_>) -> bool {
    // SAFETY: It is not used.
    // pass: let scope = unsafe { Scope::new(dma) };
    let scope = Scope::new(dma);
    scope.dma().mask() == dma.mask()
}
