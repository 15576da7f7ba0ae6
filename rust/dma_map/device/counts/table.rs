// SPDX-License-Identifier: GPL-2.0

//! The counters of a binding, and their files.

use super::{
    Change,
    Kind,
    PoolLine,
    NAMES, //
};
use crate::sys::debugfs::{
    Entry,
    Out,
    Show,
    Trigger, //
};
use core::{
    mem::take,
    sync::atomic::{
        AtomicUsize,
        Ordering::{
            Acquire,
            Relaxed,
            Release, //
        }, //
    }, //
};
use kernel::{
    bindings,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// The width of the first column and of the others: a count, and a number of bytes.
const NAME: c_int = -16;
const COUNT: c_int = 11;
const BYTES: c_int = 13;

/// The counters of one kind. They are read while they change, so a line may mix two moments.
#[derive(Default)]
struct Row {
    live: AtomicUsize,
    bytes: AtomicUsize,
    most: AtomicUsize,
    most_bytes: AtomicUsize,
    made: AtomicUsize,
}

impl Row {
    fn count(&self, change: Change, bytes: usize) {
        match change {
            Change::Made => {
                let live = self.live.fetch_add(1, Relaxed).wrapping_add(1);
                self.most.fetch_max(live, Release);
                let bytes = self.bytes.fetch_add(bytes, Relaxed).wrapping_add(bytes);
                self.most_bytes.fetch_max(bytes, Release);
                self.made.fetch_add(1, Relaxed);
            }
            Change::Ended => {
                self.live.fetch_sub(1, Relaxed);
                self.bytes.fetch_sub(bytes, Relaxed);
            }
        }
    }

    /// Forgets what was live at most.
    ///
    /// A handle that is made meanwhile is not forgotten. It raises the most after the swap, or the swap sees
    /// that it has, and the load then sees that it is live.
    fn reset(&self) {
        for (most, live) in [(&self.most, &self.live), (&self.most_bytes, &self.bytes)] {
            most.swap(0, Acquire);
            most.fetch_max(live.load(Relaxed), Release);
        }
    }

    fn show(&self, name: &CStr, out: &Out) {
        let [live, bytes, most, most_bytes, made] = [
            &self.live,
            &self.bytes,
            &self.most,
            &self.most_bytes,
            &self.made,
        ]
        .map(|counter| counter.load(Relaxed));

        out.text(NAME, name);
        for (width, number) in [
            (COUNT, live),
            (BYTES, bytes),
            // A reset may be half done.
            (COUNT, most.max(live)),
            (BYTES, most_bytes.max(bytes)),
            (COUNT, made),
        ] {
            out.number(width, number);
        }
        out.text(0, c"\n");
    }
}

/// The lines of the pools: a list, because there are few.
#[pin_data]
pub(super) struct Pools {
    #[pin]
    lines: Mutex<List>,
}

type List = Option<KBox<Node>>;

struct Node {
    line: PoolLine,
    next: List,
}

// SAFETY: The pointer is passed to its function only, which any thread may call with it.
unsafe impl Send for Node {}

impl Pools {
    /// Adds a line. Without memory it is not shown.
    ///
    /// # Safety
    ///
    /// The line must be valid until it is removed.
    pub(super) unsafe fn add(&self, line: PoolLine) {
        if let Ok(mut node) = KBox::new(Node { line, next: None }, GFP_KERNEL) {
            let mut lines = self.lines.lock();
            node.next = take(&mut *lines);
            *lines = Some(node);
        }
    }

    /// Removes the line of `pool`. The others keep their order.
    pub(super) fn remove(&self, pool: *const c_void) {
        let mut lines = self.lines.lock();
        let mut left = take(&mut *lines);
        let mut before: List = None;

        while let Some(mut node) = left {
            left = take(&mut node.next);
            if core::ptr::eq(node.line.pool, pool) {
                break;
            }
            node.next = before;
            before = Some(node);
        }
        // The last one that was put on `before` comes last.
        while let Some(mut node) = before {
            before = take(&mut node.next);
            node.next = left;
            left = Some(node);
        }
        *lines = left;
    }
}

impl Show for Pools {
    fn show(&self, out: &Out) {
        let lines = self.lines.lock();
        let mut next = lines.as_ref();

        if let Some(node) = next {
            (node.line.head)(out);
        }
        while let Some(node) = next {
            // SAFETY: The line is valid as long as it is on the list, whose lock is held.
            unsafe { (node.line.show)(node.line.pool, out) };
            next = node.next.as_ref();
        }
    }
}

/// The counters of a binding.
#[pin_data(PinnedDrop)]
pub(super) struct Table {
    /// The folder. The files in it refer to the fields below.
    folder: Option<Entry>,
    rows: [Row; NAMES.len()],
    all: Row,
    pub(super) quarantines: AtomicUsize,
    pub(super) quarantined: AtomicUsize,
    #[pin]
    pub(super) pools: Pools,
}

impl Table {
    /// Makes the counters, and their files.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `dev` must be a valid device as long as the table exists.
    pub(super) unsafe fn new(dev: *mut bindings::device) -> Result<Pin<KBox<Self>>> {
        let mut this = KBox::pin_init(
            try_pin_init!(Self {
                folder: None,
                rows: Default::default(),
                all: Row::default(),
                quarantines: AtomicUsize::new(0),
                quarantined: AtomicUsize::new(0),
                pools <- pin_init!(Pools {
                    lines <- new_mutex!(None, "dma_map::Pools"),
                }),
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: The device is valid (function precondition).
        let folder = unsafe { Entry::folder_of(dev) };
        // SAFETY: The table is pinned, and its drop removes the folder first.
        unsafe {
            folder.file(c"handles", &*this);
            folder.file(c"pools", &this.pools);
            folder.trigger(c"reset", &*this);
        }
        // SAFETY: Nothing is moved out of the table.
        unsafe { this.as_mut().get_unchecked_mut() }.folder = Some(folder);
        Ok(this)
    }

    pub(super) fn count(&self, change: Change, kind: Kind, bytes: usize) {
        if let Some(row) = self.rows.get(kind.0) {
            row.count(change, bytes);
        }
        self.all.count(change, bytes);
    }
}

#[pinned_drop]
impl PinnedDrop for Table {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Nothing is moved out of the table but the folder, which is not pinned.
        let this = unsafe { self.get_unchecked_mut() };

        // Waits for readers.
        drop(this.folder.take());
        // One by one, because the drop of a long list would recurse.
        let mut left = take(&mut *this.pools.lines.lock());
        while let Some(mut node) = left {
            left = take(&mut node.next);
        }
    }
}

impl Show for Table {
    fn show(&self, out: &Out) {
        out.text(NAME, c"kind");
        for (width, name) in [
            (COUNT, c"live"),
            (BYTES, c"bytes"),
            (COUNT, c"most"),
            (BYTES, c"most_bytes"),
            (COUNT, c"made"),
        ] {
            out.text(width, name);
        }
        out.text(0, c"\n");
        for (row, name) in self.rows.iter().zip(NAMES) {
            if row.made.load(Relaxed) != 0 {
                row.show(name, out);
            }
        }
        self.all.show(c"all", out);
        out.text(NAME, c"quarantined");
        out.number(COUNT, self.quarantines.load(Relaxed));
        out.number(BYTES, self.quarantined.load(Relaxed));
        out.text(0, c"\n");
    }
}

impl Trigger for Table {
    /// Forgets what was live at most.
    fn trigger(&self) {
        self.rows.iter().for_each(Row::reset);
        self.all.reset();
    }
}
