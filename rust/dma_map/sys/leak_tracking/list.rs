// SPDX-License-Identifier: GPL-2.0

//! List entries of leak tracking, and the release of those that are left.

use super::Entry;
use core::mem::{
    discriminant,
    take, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::Arc, //
};

/// The number of hash lists, which keeps each of them short.
const LISTS: usize = 512;

struct Node {
    dev: *mut bindings::device,
    entry: Entry,
    next: List,
}

type List = Option<KBox<Node>>;

// SAFETY: The pointers are only compared, or passed to the C functions that release, which any thread
// may call.
unsafe impl Send for Node {}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `init`, before anything is mapped.
    unsafe(uninit) static TRACKED: SpinLockIrq<[List; LISTS]> = [const { None }; LISTS];
}

/// Initialises the list, once, when the module is loaded.
pub(crate) fn init() {
    // SAFETY: The module's initialiser calls this once, before the list is used.
    unsafe { TRACKED.init() };
}

impl Entry {
    /// Returns the hash key.
    fn key(&self) -> usize {
        match self {
            // CAST: A truncated key is still a key.
            Self::Phys { address, .. } => *address as usize,
            Self::Table { sgl, .. } => sgl.addr(),
            Self::Coherent { cpu, .. } => cpu.addr(),
            Self::Pages { page, .. } => page.addr().get(),
            Self::Noncontiguous { table, .. } => table.addr().get(),
            Self::Pool { pool } => pool.addr().get(),
            // Blocks are smaller than the 64 bytes that `list` divides by.
            Self::Block { cpu, .. } => cpu.addr().get().wrapping_mul(64),
            Self::Region(region) => Arc::as_ptr(region).addr(),
        }
    }

    /// Returns the number of its hash list.
    fn list(&self) -> usize {
        let key = self.key() / 64;

        (key ^ (key / LISTS)) % LISTS
    }

    /// Returns whether releasing one entry releases the other.
    fn is(&self, other: &Self) -> bool {
        let beside_key = |entry: &Self| match *entry {
            Self::Phys {
                address,
                size,
                direction,
                attrs,
            } => (address, size, Some(direction), attrs),
            // The key of a block lacks the top bits of its address.
            //
            // CAST: `unsigned long` has the size of an address.
            Self::Block { pool, cpu, .. } => {
                (0, pool.addr().get(), None, cpu.addr().get() as c_ulong)
            }
            // At most one entry of each kind has this key.
            _ => (0, 0, None, 0),
        };

        discriminant(self) == discriminant(other)
            && self.key() == other.key()
            && beside_key(self) == beside_key(other)
    }
}

/// An allocated list entry that is not filled in yet.
pub(crate) struct ListNode(KBox<core::mem::MaybeUninit<Node>>);

impl ListNode {
    /// Allocates an entry, before the memory is mapped or allocated.
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

    /// Lists what was mapped or allocated for `dev`.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// The entry must be that of memory that is mapped or allocated for `dev`, and must be
    /// [removed](remove) before that memory is released.
    #[inline]
    pub(crate) unsafe fn add(self, dev: *mut bindings::device, entry: impl FnOnce() -> Entry) {
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

        let mut lists = TRACKED.lock();
        if let Some(first) = lists.get_mut(list) {
            node.next = take(first);
            *first = Some(node);
        }
    }
}

/// Removes an entry whose memory is about to be released.
///
/// Context: any.
#[inline(never)]
pub(super) fn remove(dev: *mut bindings::device, entry: &Entry) {
    let mut lists = TRACKED.lock();
    let found = lists
        .get_mut(entry.list())
        .and_then(|list| remove_if(list, |node| node.dev == dev && node.entry.is(entry)));

    // The node is dropped after the lock is released.
    drop(lists);
    drop(found);
}

/// Removes the first node for which `f` holds from a list.
fn remove_if(mut list: &mut List, f: impl Fn(&Node) -> bool) -> List {
    while list.as_ref().is_some_and(|node| !f(node)) {
        list = &mut list.as_mut()?.next;
    }

    let mut found = take(list)?;
    *list = take(&mut found.next);
    Some(found)
}

/// Removes all entries of `dev`.
fn take_all(dev: *mut bindings::device) -> List {
    let mut all = None;
    let mut lists = TRACKED.lock();

    for list in lists.iter_mut() {
        while let Some(mut node) = remove_if(list, |node| node.dev == dev) {
            node.next = take(&mut all);
            all = Some(node);
        }
    }
    all
}

/// Releases what is left of a binding, if the device is a PCI function.
///
/// Context: may sleep.
///
/// # Safety
///
/// The binding of `dev` must be about to end. No handle that can be used may be left, nor a borrow from
/// one, nor deferred work.
pub(crate) unsafe fn release_all(dev: *mut bindings::device) {
    let mut left = take_all(dev);
    if left.is_none() {
        return;
    }

    // SAFETY: `dev` is valid (function precondition), and only the address of the bus type is taken.
    if !core::ptr::eq(unsafe { (*dev).bus }, &raw const bindings::pci_bus_type) {
        // One by one, because the drop of a long list would recurse.
        while let Some(mut node) = take(&mut left) {
            left = take(&mut node.next);
        }
        return;
    }
    let mut command = 0;
    // SAFETY: A device on this bus is embedded in a `struct pci_dev`, which is valid. With bus
    // mastering off, the device does not access what is left: the read returns after its outstanding
    // writes.
    unsafe {
        let pdev = kernel::container_of!(dev, bindings::pci_dev, dev);
        bindings::pci_clear_master(pdev);
        bindings::pci_read_config_word(pdev, bindings::PCI_COMMAND as c_int, &mut command);
    }

    // User mappings go before the memory behind them, and blocks before their pools. If a user mapping
    // cannot be revoked, no memory that may be behind it is freed; the kernel may complain.
    let mut reachable = false;
    for step in 0..3 {
        let mut later = None;
        while let Some(mut node) = take(&mut left) {
            left = take(&mut node.next);
            match &node.entry {
                Entry::Region(region) => reachable |= region.revoke().is_err(),
                // It stays allocated.
                entry if reachable && entry.is_mappable() => (),
                // SAFETY: It is listed, so it is not released yet, and unused (function precondition).
                // Bus mastering of the device is off, and what depends on it was released in an earlier
                // step.
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
    /// Returns the step in which it is released.
    fn step(&self) -> u32 {
        match self {
            Self::Region(_) => 0,
            Self::Block { .. } => 1,
            _ => 2,
        }
    }

    /// Returns whether a process may have mapped it.
    fn is_mappable(&self) -> bool {
        matches!(
            self,
            Self::Coherent { .. } | Self::Pages { .. } | Self::Noncontiguous { .. }
        )
    }
}
