// SPDX-License-Identifier: GPL-2.0

//! Totals of all threads, as C's benchmark computes them.

use super::param::Param;
use core::sync::atomic::{
    AtomicU64,
    Ordering::Relaxed, //
};
use kernel::time::Delta;

/// Sums over all rounds of all threads.
#[derive(Default)]
pub(crate) struct Totals {
    map: Sums,
    unmap: Sums,
    loops: AtomicU64,
}

/// Sums of times and of their squares, in units of 100 ns.
#[derive(Default)]
struct Sums {
    times: AtomicU64,
    squares: AtomicU64,
}

impl Sums {
    fn add(&self, time: Delta) {
        // CAST: Not negative, since the clock does not go back.
        let time = time.as_nanos() as u64 / 100;

        self.times.fetch_add(time, Relaxed);
        self.squares.fetch_add(time.wrapping_mul(time), Relaxed);
    }

    /// Returns the average and the standard deviation.
    fn result(&self, loops: u64) -> (u64, u64) {
        let average = self.times.load(Relaxed).checked_div(loops).unwrap_or(0);
        let squares = self.squares.load(Relaxed).checked_div(loops).unwrap_or(0);

        let variance = squares.wrapping_sub(average.wrapping_mul(average));
        (average, variance.isqrt())
    }
}

impl Totals {
    /// Adds a round.
    pub(crate) fn add(&self, map: Delta, unmap: Delta) {
        self.map.add(map);
        self.unmap.add(unmap);
        self.loops.fetch_add(1, Relaxed);
    }

    /// Writes the result, if there was a round.
    pub(crate) fn write(&self, param: &mut Param) {
        let loops = self.loops.load(Relaxed);
        if loops != 0 {
            (param.avg_map_100ns, param.map_stddev) = self.map.result(loops);
            (param.avg_unmap_100ns, param.unmap_stddev) = self.unmap.result(loops);
        }
    }
}
