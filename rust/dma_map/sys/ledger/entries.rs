// SPDX-License-Identifier: GPL-2.0

//! The lines of the ledger, and how what is left of them is given back.

use super::Entry;
use core::mem::take;
use kernel::{
    bindings,
    prelude::*,
    sync::Arc, //
};

/// As many lists as keep each of them short.
const LISTS: usize = 512;

struct Node {
    dev: *mut bindings::device,
    entry: Entry,
    next: List,
}

type List = Option<KBox<Node>>;

// SAFETY: The pointers are names, and what they stand for may be given back by any thread.
unsafe impl Send for Node {}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `Owner::new`, before anything is mapped.
    unsafe(uninit) static LEDGER: SpinLockIrq<[List; LISTS]> = [const { None }; LISTS];
}

/// Owns the ledger; the module's data.
pub(crate) struct Owner;

impl Owner {
    /// Prepares the ledger; once, when the module is loaded.
    pub(crate) fn new() -> Self {
        // SAFETY: Called once, by the module's initialiser.
        unsafe { LEDGER.init() };
        Self
    }
}

impl Entry {
    /// What tells it from most others.
    fn key(&self) -> usize {
        match self {
            // CAST: Any number does.
            Self::Phys { address, .. } => *address as usize,
            Self::Table { sgl, .. } => sgl.addr(),
            Self::Coherent { cpu, .. } => cpu.addr(),
            Self::Pages { page, .. } => page.addr().get(),
            Self::Noncontiguous { table, .. } => table.addr().get(),
            Self::Pool { pool } => pool.addr().get(),
            // Blocks are smaller than what the lists are told apart by.
            Self::Block { cpu, .. } => cpu.addr().get().wrapping_mul(64),
            Self::Region(region) => Arc::as_ptr(region).addr(),
        }
    }

    /// The list that it is on.
    fn list(&self) -> usize {
        let key = self.key() / 64;

        (key ^ (key / LISTS)) % LISTS
    }

    /// Returns whether giving back one is giving back the other.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Phys {
                    address,
                    size,
                    direction,
                    attrs,
                },
                Self::Phys {
                    address: address2,
                    size: size2,
                    direction: direction2,
                    attrs: attrs2,
                },
            ) => (address, size, direction, attrs) == (address2, size2, direction2, attrs2),
            (
                Self::Block { pool, cpu, .. },
                Self::Block {
                    pool: of, cpu: at, ..
                },
            ) => (pool, cpu) == (of, at),
            // There is one of each at its place.
            _ => {
                core::mem::discriminant(self) == core::mem::discriminant(other)
                    && self.key() == other.key()
            }
        }
    }
}

/// A line of the ledger that nothing is written on yet.
pub(crate) struct Line(KBox<core::mem::MaybeUninit<Node>>);

impl Line {
    /// Takes a line, before what it is for is mapped or allocated.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline(never)]
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KBox::new_uninit(GFP_ATOMIC | __GFP_NOWARN)?))
    }

    /// Writes down what was mapped or allocated for `dev`.
    ///
    /// Context: any.
    #[inline]
    pub(crate) fn enter(self, dev: *mut bindings::device, entry: impl FnOnce() -> Entry) {
        self.write(dev, entry());
    }

    #[inline(never)]
    fn write(self, dev: *mut bindings::device, entry: Entry) {
        let list = entry.list();
        let mut node = self.0.write(Node {
            dev,
            entry,
            next: None,
        });

        let mut ledger = LEDGER.lock();
        if let Some(first) = ledger.get_mut(list) {
            node.next = take(first);
            *first = Some(node);
        }
    }
}

/// Strikes out what is about to be given back.
///
/// Context: any.
#[inline]
pub(crate) fn strike(dev: *mut bindings::device, entry: impl FnOnce() -> Entry) {
    // What was on the line is dropped when the lock is not held any more.
    drop(remove(dev, &entry()));
}

#[inline(never)]
fn remove(dev: *mut bindings::device, entry: &Entry) -> List {
    let mut ledger = LEDGER.lock();

    remove_if(ledger.get_mut(entry.list())?, |node| {
        node.dev == dev && node.entry.is(entry)
    })
}

/// Takes the first node for which `f` holds off a list.
fn remove_if(mut list: &mut List, f: impl Fn(&Node) -> bool) -> List {
    while list.as_ref().is_some_and(|node| !f(node)) {
        list = &mut list.as_mut()?.next;
    }

    let mut found = take(list)?;
    *list = take(&mut found.next);
    Some(found)
}

/// Takes all that is left of `dev` off the ledger.
fn take_all(dev: *mut bindings::device) -> List {
    let mut all = None;
    let mut ledger = LEDGER.lock();

    for list in ledger.iter_mut() {
        while let Some(mut node) = remove_if(list, |node| node.dev == dev) {
            node.next = take(&mut all);
            all = Some(node);
        }
    }
    all
}

/// Gives back what is left of a binding, if it is that of a PCI function.
///
/// Context: may sleep.
///
/// # Safety
///
/// The binding of `dev` must be about to end, with no handle and nothing borrowed from one left that
/// anybody could use, and nothing put off that is not done.
pub(crate) unsafe fn settle(dev: *mut bindings::device) {
    let mut left = take_all(dev);
    if left.is_none() {
        return;
    }

    // SAFETY: `dev` is valid; the C code compares the pointers as well.
    if !core::ptr::eq(unsafe { (*dev).bus }, &raw const bindings::pci_bus_type) {
        // One by one: the drop of a long list would recurse.
        while let Some(mut node) = take(&mut left) {
            left = take(&mut node.next);
        }
        return;
    }
    let mut command = 0;
    // SAFETY: A device on this bus is embedded in a `struct pci_dev`. From here on it has no access
    // to what is left: the read comes back behind what was under way.
    unsafe {
        let pdev = kernel::container_of!(dev, bindings::pci_dev, dev);
        bindings::pci_clear_master(pdev);
        bindings::pci_read_config_word(pdev, bindings::PCI_COMMAND as c_int, &mut command);
    }

    // Mappings of processes before the memory behind them, and blocks before their pools. If a mapping
    // cannot be taken away, no memory goes that could be behind it: the kernel may complain.
    let mut reachable = false;
    for step in 0..3 {
        let mut later = None;
        while let Some(mut node) = take(&mut left) {
            left = take(&mut node.next);
            match &node.entry {
                Entry::Region(region) => reachable |= region.revoke().is_err(),
                // It stays.
                entry if reachable && entry.is_mappable() => (),
                // SAFETY: Nobody uses it, by the safety requirements of this function; the device
                // was taken off the bus, and what depends on it was given back in an earlier step.
                entry if entry.step() == step => unsafe { entry.give_back(dev) },
                _ => {
                    node.next = take(&mut later);
                    later = Some(node);
                }
            }
        }
        left = later;
    }
}

impl Entry {
    /// When it is given back.
    fn step(&self) -> u32 {
        match self {
            Self::Region(_) => 0,
            Self::Block { .. } => 1,
            _ => 2,
        }
    }

    /// Whether it may be what a process has mapped.
    fn is_mappable(&self) -> bool {
        matches!(
            self,
            Self::Coherent { .. } | Self::Pages { .. } | Self::Noncontiguous { .. }
        )
    }

    /// Gives back what was mapped or allocated for `dev`.
    ///
    /// # Safety
    ///
    /// It must be so still, and must not be used any more, by anyone.
    unsafe fn give_back(&self, dev: *mut bindings::device) {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            match *self {
                Self::Phys {
                    address,
                    size,
                    direction,
                    attrs,
                } => bindings::dma_unmap_phys(dev, address, size, direction, attrs),
                Self::Table {
                    sgl,
                    entries,
                    direction,
                    attrs,
                } => bindings::dma_unmap_sg_attrs(dev, sgl, entries, direction, attrs),
                Self::Coherent {
                    size,
                    cpu,
                    dma,
                    attrs,
                } => bindings::dma_free_attrs(dev, size, cpu, dma, attrs),
                Self::Pages {
                    size,
                    page,
                    dma,
                    direction,
                } => bindings::dma_free_pages(dev, size, page.as_ptr(), dma, direction),
                Self::Noncontiguous {
                    size,
                    table,
                    cpu,
                    direction,
                } => {
                    bindings::dma_vunmap_noncontiguous(dev, cpu.as_ptr());
                    bindings::dma_free_noncontiguous(dev, size, table.as_ptr(), direction);
                }
                Self::Pool { pool } => bindings::dma_pool_destroy(pool.as_ptr()),
                Self::Block { pool, cpu, dma } => {
                    bindings::dma_pool_free(pool.as_ptr(), cpu.as_ptr(), dma)
                }
                // Not that of this function, see `settle`.
                Self::Region(_) => (),
            }
        }
    }
}
