// SPDX-License-Identifier: GPL-2.0

//! Columns of the benchmark, and which operations each has.

use crate::{
    c,
    operation::{
        Opened,
        Operation, //
    },
    rust_burst,
    rust_coherent,
    rust_empty,
    rust_field,
    rust_iova,
    rust_mailbox,
    rust_mapped_pool,
    rust_pool,
    rust_segments,
    rust_sg,
    rust_single,
    rust_sync,
    upstream_coherent,
    upstream_sg, //
};
use dma_map::DmaDevice;
use kernel::prelude::*;

/// The implementations that are compared.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    /// A good C driver.
    C,
    /// A driver with the `dma_map` crate.
    Rust,
    /// A driver with the `kernel` crate.
    Upstream,
    /// A driver with the `dma_map` crate whose buffers stay mapped.
    Pool,
}

const RUST: &[&[Operation]] = &[
    rust_empty::TABLE,
    rust_single::TABLE,
    rust_sync::TABLE,
    rust_coherent::TABLE,
    rust_pool::TABLE,
    rust_sg::TABLE,
    rust_segments::TABLE,
    rust_iova::TABLE,
    rust_mailbox::TABLE,
    rust_field::TABLE,
];

const POOL: &[&[Operation]] = &[rust_mapped_pool::TABLE, rust_burst::TABLE];

const UPSTREAM: &[&[Operation]] = &[upstream_coherent::TABLE, upstream_sg::TABLE];

impl Column {
    /// All of them, in the order in which they take turns.
    pub(crate) const ALL: &'static [Self] = &[Self::C, Self::Rust, Self::Upstream, Self::Pool];

    /// Returns the name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Rust => "rust",
            Self::Upstream => "upstream",
            Self::Pool => "pool",
        }
    }

    /// Sets up the operation with this name for all threads: see [`Open`](crate::operation::Open).
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP`: the column does not have the operation, or cannot do it on this device, or with
    ///   live mappings.
    /// - Those of the operation.
    pub(crate) fn open<'b>(
        self,
        name: &str,
        dev: DmaDevice<'b>,
        live: usize,
    ) -> Result<KBox<dyn Opened + 'b>> {
        let tables = match self {
            Self::C => {
                return c::operations()
                    .find(|op| op.name().to_bytes() == name.as_bytes())
                    .ok_or(EOPNOTSUPP)?
                    .open(dev, live);
            }
            Self::Rust => RUST,
            Self::Upstream => UPSTREAM,
            Self::Pool => POOL,
        };

        let operation = tables
            .iter()
            .flat_map(|table| table.iter())
            .find(|operation| operation.name == name)
            .ok_or(EOPNOTSUPP)?;
        (operation.open)(dev, live)
    }
}
