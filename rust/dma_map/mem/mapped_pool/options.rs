// SPDX-License-Identifier: GPL-2.0

//! What a pool of mapped buffers is to be like.

/// How many buffers a pool has, when they are allocated, and where.
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
    /// What a CPU has at hand, unless the driver says otherwise.
    const CACHE: usize = 64;

    /// `max` buffers, at least one, all of which are allocated when the pool is made.
    #[inline]
    pub const fn new(max: usize) -> Self {
        Self {
            max,
            prefill: max,
            cache: Self::CACHE,
            node: None,
        }
    }

    /// Allocates `count` buffers when the pool is made, and the others when they are taken, up to the
    /// maximum.
    ///
    /// That does not sleep, so it fails earlier than the allocation of a whole pool. Buffers smaller
    /// than a page are allocated by the page.
    #[inline]
    pub const fn prefill(self, count: usize) -> Self {
        Self {
            prefill: count,
            ..self
        }
    }

    /// Lets each CPU have up to `count` buffers at hand, which others then do not get.
    ///
    /// It is 64 if nothing is said, and never so many that all CPUs together have more than half of the
    /// maximum. With 0, a buffer that is put back is there for all, and each call takes a lock.
    ///
    /// A call that finds a buffer or room at hand leaves interrupts on. One that does not goes to the
    /// reserve, where it switches them off, waits for a lock, and moves up to 32 buffers: so does a call
    /// on any other CPU that has the lock, whatever `count` is.
    #[inline]
    pub const fn cache(self, count: usize) -> Self {
        Self {
            cache: count,
            ..self
        }
    }

    /// Prefers memory on NUMA node `node`, instead of that of the device.
    ///
    /// For memory that one node's CPUs fill or read. It is allocated without regard to what the
    /// device reaches, and mapped: a device with a small mask may get bounce buffers, or `EIO`.
    #[inline]
    pub const fn node(self, node: u32) -> Self {
        Self {
            node: Some(node),
            ..self
        }
    }
}
