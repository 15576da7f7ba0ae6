// SPDX-License-Identifier: GPL-2.0

//! Workqueues that end with the binding.

use crate::{
    device::DmaDevice,
    workqueue::WorkQueue, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

impl WorkQueue {
    /// Makes a workqueue whose workers are named after `name`.
    ///
    /// It exists until `dev` is unbound, even without a reference, so do not make new ones repeatedly. It has a
    /// thread of its own, for [when memory is short](crate::workqueue#when-memory-is-short).
    ///
    /// C API: `alloc_workqueue()` with `WQ_UNBOUND | WQ_MEM_RECLAIM`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(dev: DmaDevice<'_>, name: &CStr) -> Result<Arc<Self>> {
        let this = Self::unbound(name)?;

        dev.binding().keep(this.clone());
        Ok(this)
    }
}
