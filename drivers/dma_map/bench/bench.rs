// SPDX-License-Identifier: GPL-2.0

//! A bound device, and what its files ask of it.

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
    fmt,
    prelude::*,
    types::ForLt, //
};

/// [`Bench`], for any lifetime.
pub(crate) type BenchLt = ForLt!(Bench<'_>);

/// A bound device.
pub(crate) struct Bench<'bound> {
    dev: DmaDevice<'bound>,
}

pub(crate) fn new(dev: DmaDevice<'_>) -> Result<Pin<KBox<Bench<'_>>>> {
    Ok(KBox::pin(Bench { dev }, GFP_KERNEL)?)
}

/// A run is not cut short by unbind, which waits for it: what it has mapped is unmapped at its end.
impl Guarded for Bench<'_> {
    fn shutdown(&self) {}
}

impl Bench<'_> {
    /// Writes the operations, and the columns that can do each on this device.
    pub(crate) fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for op in c::operations() {
            let Ok(name) = op.name().to_str() else {
                continue;
            };

            let mut separator = ' ';
            for column in Column::ALL {
                let able = column
                    .open(name, self.dev, 0)
                    .is_ok_and(|shared| shared.prepare().is_ok());
                if !able {
                    continue;
                }
                if separator == ' ' {
                    f.write_str(name)?;
                }
                write!(f, "{separator}{}", column.name())?;
                separator = ',';
            }
            if separator == ',' {
                f.write_str("\n")?;
            }
        }
        Ok(())
    }

    /// Runs an operation: see [`run::run`].
    pub(crate) fn run(&self, request: &Request<'_>) -> Result<Figures> {
        run::run(self.dev, request)
    }
}
