// SPDX-License-Identifier: GPL-2.0

//! debugfs files of mapped pools, with their counters.

use super::*;
use crate::fixture::*;
use core::ops::Range;
use kernel::{
    bindings,
    str::CString, //
};

/// More pools than all cases make, and than are made between two searches.
const NUMBERS: u32 = 3000;
const A_FEW: u32 = 50;

/// Returns whether debugfs has such a file in the library's folder.
fn exists(name: &CStr) -> bool {
    // SAFETY: The names are valid C strings. What is found has a reference, which is given back, and
    // NULL has none.
    unsafe {
        let folder = bindings::debugfs_lookup(c"dma_map".as_char_ptr(), core::ptr::null_mut());
        if folder.is_null() {
            return false;
        }
        let file = bindings::debugfs_lookup(name.as_char_ptr(), folder);
        bindings::dput(folder);
        bindings::dput(file);
        !file.is_null()
    }
}

/// Finds the file of the last pool of a device, of those with such numbers. Those of pools that were
/// leaked stay.
fn last(dma: DmaDevice<'_>, numbers: Range<u32>) -> Result<(u32, CString)> {
    let device = dma.device().name();
    let mut found = None;
    for number in numbers {
        let name = CString::try_from_fmt(fmt!("{device}-{number}"))?;
        if exists(&name) {
            found = Some((number, name));
        }
    }
    found.ok_or(ENOENT)
}

#[kunit_tests(dma_map_mapped_pool_files)]
mod tests {
    use super::*;

    #[test]
    fn file_is_there_until_all_buffers_are_back() -> Result {
        // The pools of all devices are numbered together.
        let mut numbers = 0..NUMBERS;
        each_dma(LARGE, |dma| {
            let options = MappedPoolOptions::new(5);
            let first = pool(dma, 700, options)?;
            let (number, _) = last(dma, numbers.clone())?;
            let second = pool(dma, 700, options)?;
            let (number, name) = last(dma, number + 1..number + A_FEW)?;
            numbers = number..number + A_FEW;
            drop(first);
            let kept = second.take()?;
            drop(second);
            check!(exists(&name));
            drop(kept);
            check!(!exists(&name));
            Ok(())
        })
    }
}
