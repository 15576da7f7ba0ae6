// SPDX-License-Identifier: GPL-2.0

//! Bound device, on which benchmarks run.

use crate::{
    c,
    columns::Column,
    request::Request,
    run::{
        self,
        Figures, //
    }, //
};
use dma_map::{
    gate::Guarded,
    DmaDevice, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

/// [`Bench`], for any lifetime.
pub(crate) type BenchLt = ForLt!(Bench<'_>);

/// A bound device.
pub(crate) struct Bench<'bound> {
    dev: DmaDevice<'bound>,
}

/// The names of operations, with the columns that have each.
pub(crate) type List = KVVec<(&'static str, KVec<Column>)>;

pub(crate) fn new(dev: DmaDevice<'_>) -> Result<Pin<KBox<Bench<'_>>>> {
    Ok(KBox::pin(Bench { dev }, GFP_KERNEL)?)
}

/// Unbind does not stop a run, but waits for it: a run unmaps at its end all that it has mapped.
impl Guarded for Bench<'_> {
    fn shutdown(&self) {}
}

impl Bench<'_> {
    /// Returns the operations, and the columns that can do each on this device.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn list(&self) -> Result<List> {
        let mut list = KVVec::new();
        for op in c::operations() {
            let name = op.name().to_str().map_err(|_| EINVAL)?;
            let mut columns = KVec::new();
            for column in Column::ALL {
                if self.able(*column, name)? {
                    columns.push(*column, GFP_KERNEL)?;
                }
            }
            if !columns.is_empty() {
                list.push((name, columns), GFP_KERNEL)?;
            }
        }
        Ok(list)
    }

    /// Returns whether `column` can do the operation.
    fn able(&self, column: Column, name: &str) -> Result<bool> {
        let able = column
            .open(name, self.dev, 0)
            .and_then(|shared| shared.prepare().map(|_| ()));
        match able {
            Err(EOPNOTSUPP) => Ok(false),
            able => able.map(|()| true),
        }
    }

    /// Runs an operation: see [`run::run`].
    pub(crate) fn run(&self, request: &Request<'_>) -> Result<Figures> {
        run::run(self.dev, request)
    }
}
