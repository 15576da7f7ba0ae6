// SPDX-License-Identifier: GPL-2.0

//! Workqueues of a binding.

use crate::{
    device::DmaDevice,
    workqueue::WorkQueue, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

impl WorkQueue {
    /// Makes a workqueue, whose workers are called after `name`.
    ///
    /// It is there until `dev` is unbound, whoever has a reference: not to be made over and over.
    ///
    /// C API: `alloc_workqueue()` with `WQ_UNBOUND`. Context: may sleep.
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
