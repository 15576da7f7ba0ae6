// SPDX-License-Identifier: GPL-2.0

//! debugfs files of mapped pools, with their counters.

use super::*;
use crate::fixture::*;
use kernel::{
    bindings,
    str::CString, //
};

/// More pools than all cases make.
const NUMBERS: u32 = 3000;

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

/// Finds the file of the last pool of a device; those of pools that were leaked stay.
fn last(dma: DmaDevice<'_>) -> Result<Option<(u32, CString)>> {
    let device = dma.device().name();
    let mut found = None;
    for number in 0..NUMBERS {
        let name = CString::try_from_fmt(fmt!("{device}-{number}"))?;
        if exists(&name) {
            found = Some((number, name));
        }
    }
    Ok(found)
}

#[kunit_tests(dma_map_mapped_pool_files)]
mod tests {
    use super::*;

    #[test]
    fn file_is_there_until_all_buffers_are_back() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let before = last(dma)?.map(|(number, _)| number);
            let pool = pool(dma, 700, MappedPoolOptions::new(5))?;
            let (number, name) = last(dma)?.ok_or(ENOENT)?;
            check!(before.is_none_or(|before| before < number));
            let kept = pool.take()?;
            drop(pool);
            check!(exists(&name));
            drop(kept);
            check!(!exists(&name));
            Ok(())
        })
    }
}
