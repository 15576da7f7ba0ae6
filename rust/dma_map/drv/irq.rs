// SPDX-License-Identifier: GPL-2.0

//! Interrupts of a PCI function: its vectors, and a handler for each.
//!
//! C headers: [`include/linux/pci.h`](srctree/include/linux/pci.h),
//! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)
//!
//! [`Vectors::alloc`] allocates vectors in `probe`: at least as many as the driver needs, and more, up to
//! what it can use, if the function has them. They are of the best kind that the function has: MSI-X, MSI, or
//! the one INTx line. [`Vectors::request`] registers a handler for one of them, with its own data, and returns
//! an [`Interrupt`]. It can be called at any time while the vectors exist.
//!
//! # What ends when
//!
//! - Dropping an [`Interrupt`] removes its handler, waits until it is not running, and drops its data.
//! - Each `Interrupt` holds the vectors, so they are freed after the last handler is removed.
//! - The end of the binding removes the handlers whose `Interrupt` was leaked. Their data is leaked, too,
//!   since the leaked handle owned it.
//! - An `Interrupt` may be dropped anywhere, also in atomic context, and by a handler of the same vectors,
//!   which it would wait for. Then a workqueue does all that, and the end of the binding waits for it.
//!
//! So a handler is never called after its data is gone, and needs no `unsafe`. What it borrows must last
//! until the end of the binding: a [`Scope`] proves that.
//!
//! # The INTx line
//!
//! If there are no message interrupts, and the [options](VectorOptions) allow it, there is one vector, an
//! INTx line. Other devices may share it. So its handler is also called for interrupts of other devices. It
//! must ask its device, and return `None` if that raised nothing. A driver whose vectors are its queues'
//! checks [`len`](Vectors::len), and serves all queues from one handler if it is 1. A threaded handler
//! needs a [first half of its own](Vectors::request_threaded) there. Two vectors as the minimum rule the line
//! out.
//!
//! # The deferred half
//!
//! A handler runs in hard IRQ context. What has to sleep goes into the threaded half of the same vector
//! ([`request_threaded`](Vectors::request_threaded)), into work on a
//! [`WorkQueue`](crate::workqueue::WorkQueue), or into a thread that waits for a
//! [`Completion`](kernel::sync::Completion).
//!
//! # Examples
//!
//! A vector for administration, and one for each queue, of which each has CPUs of its own:
//!
//! ```ignore
//! # struct Queue;
//! # impl Queue { fn serve(&self) -> bool { false } }
//! # struct Admin;
//! # impl Admin { fn look(&self) {} }
//! # use dma_map::{gate::Scope, irq::{Interrupt, Vectors, VectorOptions}};
//! # use kernel::{irq::{Handler, IrqReturn, ThreadedHandler}, sync::Arc};
//! impl Handler for Queue {
//!     fn handle(&self) -> IrqReturn {
//!         if self.serve() { IrqReturn::Handled } else { IrqReturn::None }
//!     }
//! }
//!
//! impl ThreadedHandler for Admin {
//!     fn handle_threaded(&self) -> IrqReturn {
//!         self.look();
//!         IrqReturn::Handled
//!     }
//! }
//!
//! # struct Irqs<'bound> {
//! #     admin: Interrupt<'bound, Admin>,
//! #     queues: KVec<Interrupt<'bound, Queue>>,
//! # }
//! # fn example<'bound>(scope: Scope<'bound>, wanted: u32) -> Result<Irqs<'bound>> {
//! // At least two, so it is no INTx line: the default first half of `Admin` would not do for that.
//! let options = VectorOptions::new(2, 1 + wanted).spread(1, 0);
//! let vectors = Vectors::alloc(scope, options)?;
//!
//! let admin = vectors.request_threaded(0, fmt!("my_driver-admin"), Admin)?;
//! let mut queues = KVec::new();
//! for index in 1..vectors.len() {
//!     let irq = vectors.request(index, fmt!("my_driver-queue{}", index), Queue)?;
//!     queues.push(irq, GFP_KERNEL)?;
//! }
//! # Ok(Irqs { admin, queues })
//! # }
//! ```
//!
//! [`Scope`]: crate::gate::Scope

mod action;
mod allocation;
mod interrupt;
mod name;
mod options;
mod vectors;

pub use self::{
    interrupt::{
        Disabled,
        Interrupt, //
    },
    options::VectorOptions,
    vectors::Vectors, //
};
