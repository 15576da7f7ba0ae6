// SPDX-License-Identifier: GPL-2.0

//! Options of a mapped pool.

/// The number of buffers in a pool, and when and where they are allocated.
///
/// # Examples
///
/// ```ignore
/// // 64 at once, and the rest when they are needed.
/// const RX: MappedPoolOptions = MappedPoolOptions::new(1024).prefill(64);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MappedPoolOptions {
    pub(super) max: usize,
    pub(super) prefill: usize,
    pub(super) cache: usize,
    pub(super) node: Option<u32>,
}

impl MappedPoolOptions {
    /// The default size of a CPU's cache.
    const CACHE: usize = 64;

    /// Makes options for `max` buffers, at least one, all of which are allocated with the pool.
    #[inline]
    pub const fn new(max: usize) -> Self {
        Self {
            max,
            prefill: max,
            cache: Self::CACHE,
            node: None,
        }
    }

    /// Allocates `count` buffers with the pool, and the others when they are taken, up to the maximum.
    ///
    /// A take does not sleep, so its allocation fails earlier than that of a whole pool. Buffers smaller
    /// than a page are allocated by the page.
    #[inline]
    pub const fn prefill(mut self, count: usize) -> Self {
        self.prefill = count;
        self
    }

    /// Lets each CPU cache up to `count` buffers, which are not available to other CPUs.
    ///
    /// The default is 64. All caches together never hold more than half of the maximum. With 0, each
    /// buffer that is put back is available to all CPUs, and each call takes a lock.
    ///
    /// A call that finds a buffer or room in the cache leaves interrupts on. Otherwise it disables
    /// interrupts, waits for the lock of the reserve, and moves up to 32 buffers. The lock's holder on
    /// another CPU moves no more than that either, whatever `count` is.
    #[inline]
    pub const fn cache(mut self, count: usize) -> Self {
        self.cache = count;
        self
    }

    /// Allocates from NUMA node `node` first, instead of that of the device.
    ///
    /// For memory that the CPUs of one node fill or read. The allocation ignores the device's reach, and
    /// the memory is then mapped: a device with a small mask may get bounce buffers, or `EIO`.
    #[inline]
    pub const fn node(mut self, node: u32) -> Self {
        self.node = Some(node);
        self
    }
}
