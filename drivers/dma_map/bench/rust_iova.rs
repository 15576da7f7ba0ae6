// SPDX-License-Identifier: GPL-2.0

//! Benchmark: link scattered pages into one IOVA range, and unlink them.

use crate::{
    engine::Idle,
    operation::{
        Opened,
        Operation,
        Prepared, //
    },
    pages::Scattered,
    rust_single::{
        hold,
        Mapped,
        LIVE_SIZE, //
    }, //
};
use dma_map::{
    DmaDevice,
    Gfp,
    IovaMapping,
    PageList,
    ToDevice, //
};
use kernel::prelude::*;

struct Shared<'b> {
    dev: DmaDevice<'b>,
    _held: KVVec<Mapped<'b, LIVE_SIZE, ToDevice>>,
}

struct Iova<'b> {
    dev: DmaDevice<'b>,
    pages: Option<PageList>,
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let pages = PageList::scattered(self.dev, 64)?;
        let mapping = IovaMapping::map(self.dev, pages, ToDevice, Idle, Gfp::Kernel)?;
        if !mapping.use_iova() {
            return Err(EOPNOTSUPP);
        }

        let iova = Iova {
            dev: self.dev,
            pages: Some(mapping.unmap()?),
        };
        Ok(KBox::new(iova, GFP_KERNEL)?)
    }
}

impl Prepared for Iova<'_> {
    fn run(&mut self, loops: usize) -> Result {
        rust_iova_64(self, loops)
    }
}

#[inline(never)]
fn rust_iova_64(iova: &mut Iova<'_>, loops: usize) -> Result {
    let mut pages = iova.pages.take().ok_or(EINVAL)?;
    for _ in 0..loops {
        let mapping = IovaMapping::map(iova.dev, pages, ToDevice, Idle, Gfp::Kernel)?;
        pages = mapping.unmap()?;
    }
    iova.pages = Some(pages);
    Ok(())
}

pub(crate) const TABLE: &[Operation] = &[Operation {
    name: "iova_64",
    open: |dev, live| {
        let shared = Shared {
            dev,
            _held: hold(dev, ToDevice, live)?,
        };
        Ok(KBox::new(shared, GFP_KERNEL)?)
    },
}];
