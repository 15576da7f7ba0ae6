// SPDX-License-Identifier: GPL-2.0

//! Parameters and results of the tool (`include/uapi/linux/map_benchmark.h`).

use kernel::{
    prelude::*,
    time::NSEC_PER_MSEC, //
};

extern "C" {
    fn dma_map_bench_uapi_node_possible(node: c_int) -> bool;
}

const MAX_THREADS: u32 = 1024;
const MAX_SECONDS: u32 = 300;
// CAST: Ten million.
const MAX_TRANS_DELAY: u32 = 10 * NSEC_PER_MSEC as u32;
const MAX_GRANULE: u32 = 1024;

/// `struct map_benchmark`.
#[repr(C)]
pub(crate) struct Param {
    pub(crate) avg_map_100ns: u64,
    pub(crate) map_stddev: u64,
    pub(crate) avg_unmap_100ns: u64,
    pub(crate) unmap_stddev: u64,
    pub(crate) threads: u32,
    pub(crate) seconds: u32,
    pub(crate) node: i32,
    pub(crate) dma_bits: u32,
    pub(crate) dma_dir: u32,
    pub(crate) dma_trans_ns: u32,
    pub(crate) granule: u32,
    pub(crate) map_mode: u8,
    expansion: [u8; 75],
}

// uapi.c asserts the same of C's structure.
const _: () = assert!(size_of::<Param>() == 136);
const _: () = assert!(core::mem::offset_of!(Param, threads) == 32);
const _: () = assert!(core::mem::offset_of!(Param, dma_dir) == 48);
const _: () = assert!(core::mem::offset_of!(Param, map_mode) == 60);

/// How memory is mapped.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// `granule` contiguous pages, in one mapping.
    Single,
    /// `granule` single pages, in one table.
    Sg,
}

/// The direction of the data.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Bidirectional,
    ToDevice,
    FromDevice,
}

impl Param {
    /// Checks what C's benchmark checks.
    ///
    /// # Errors
    ///
    /// `EINVAL`, as in C.
    pub(crate) fn check(&self) -> Result<(Mode, Way)> {
        let mode = match self.map_mode {
            0 => Mode::Single,
            1 => Mode::Sg,
            _ => return Err(EINVAL),
        };
        let way = match self.dma_dir {
            0 => Way::Bidirectional,
            1 => Way::ToDevice,
            2 => Way::FromDevice,
            _ => return Err(EINVAL),
        };

        let valid = (1..=MAX_THREADS).contains(&self.threads)
            && (1..=MAX_SECONDS).contains(&self.seconds)
            && self.dma_trans_ns <= MAX_TRANS_DELAY
            // SAFETY: The function has no preconditions.
            && unsafe { dma_map_bench_uapi_node_possible(self.node) }
            && (1..=MAX_GRANULE).contains(&self.granule);
        if valid {
            Ok((mode, way))
        } else {
            Err(EINVAL)
        }
    }
}
