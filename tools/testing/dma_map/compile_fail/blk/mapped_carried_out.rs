// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/MappedRequest

//! A request that was mapped stays with the contents of the gate, so the device is bound.

use dma_map::blk::{
    MappedRequest,
    Operations,
    Request,
    TagSet, //
};
use kernel::types::ForLt;

fn map<T: Operations>(request: Request<T>) -> Option<MappedRequest<T>> {
    let mapped = request.map(|pieces| {
        while pieces.next().is_some() {}
        Ok(())
    });
    mapped.ok().map(|(mapped, ())| mapped)
}

pub fn take<F>(tags: &TagSet<F>) -> bool
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    let taken = tags.take(0, 0, |claimed| {
        let (request, _) = claimed.into_request().ok()?;
        // pass: map(request).map(|mapped| mapped.tag())
        map(request)
    });
    taken.is_some()
}
