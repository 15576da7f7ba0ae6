// SPDX-License-Identifier: GPL-2.0

//! Block devices: disks whose requests a driver gets by value.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)
//!
//! The `kernel` crate has a `block::mq` too. It lacks what drivers for hardware need: the contents of a
//! request, an end with an error, timeouts, data of a request and of a hardware queue, the limits of the
//! device, a parent, and an end with the binding.
//!
//! # Ownership of a request
//!
//! A request has one owner at a time:
//!
//! | owner | type | what is possible |
//! |---|---|---|
//! | the driver, before the device knows of it | [`Request`] | [`end`](Request::end), [`start`](Request::start), [`refuse`](Request::refuse), [`retry`](Request::retry), [`map`](Request::map), copies of its data |
//! | the driver, with the data mapped | [`MappedRequest`] | [`start`](MappedRequest::start), [`unmap`](MappedRequest::unmap) |
//! | the device | none: it is kept in the [`TagSet`], under its queue and tag | [`take`](TagSet::take), [`batch`](TagSet::batch), [`cancel`](TagSet::cancel), [`claim`](TimedOut::claim) |
//! | the driver, after the device | [`Claimed`] | [`end`](Claimed::end), [`complete`](Claimed::complete), [`into_request`](Claimed::into_request) |
//!
//! Each step consumes the value, so a request is ended once. A value that is dropped ends its request
//! with `EIO`. A value that is leaked keeps its request, and the removal of the disk waits for it.
//!
//! The queue and the tag are what a device says when it completes a command. A device may say anything:
//! [`take`](TagSet::take) returns nothing for a tag that is out of range, that was never started, or
//! that was taken before. So a completion that comes twice, or after a timeout, changes nothing.
//!
//! # Lifetimes
//!
//! - The operations are implemented for the contents of a [`Gate`](crate::gate::Gate), which may borrow
//!   from the binding.
//! - A [`Disk`] is removed when it is dropped, and no later than its parent is unbound, before the gate
//!   closes: by a devres action, so also a disk that was leaked. The removal waits until all requests
//!   are ended and no operation runs. So the operations reach the contents by a pointer, without
//!   entering the gate.
//! - An open block device outlives both. From then on the kernel fails its reads and writes, and its
//!   ioctls of the driver fail with `ENODEV`. It keeps the module with the operations loaded.
//! - An ioctl may still run when the disk is removed and the binding has ended. So
//!   [`ioctl`](Operations::ioctl) gets the driver's data of the disk, which it shares, and no contents of the
//!   gate. A [`Gate`](crate::gate::Gate) in that data leads to these while the device is bound.
//!
//! # Contexts
//!
//! | call | may sleep | hard IRQ |
//! |---|---|---|
//! | [`TagSet::new`], [`TagSet::quiesce`] | yes | no |
//! | the drop of a [`TagSet`] and of a [`Quiesced`] | no | yes |
//! | [`Disk::add`] and its drop; [`Disk::mark_dead`], [`Disk::set_capacity`] | yes | no |
//! | [`Operations::ioctl`] | yes | never called there |
//! | [`TagSet::take`], [`TagSet::batch`], [`TagSet::cancel`] | no | yes |
//! | [`Request`], [`Claimed`]: all, and their drop | no | yes, if the drop of the command may |

mod batch;
mod cpu_map;
mod disk;
mod disk_options;
mod ffi;
mod mapped;
mod mapping;
mod opener;
mod operations;
mod pieces;
mod queues;
mod refused;
mod request;
mod requests;
mod reserve;
mod retry;
mod set;
mod shared;
mod started;
mod tag_set;
mod vtable;
mod walk;

pub use self::{
    batch::Batch,
    disk::Disk,
    disk_options::DiskOptions,
    mapped::MappedRequest,
    opener::Opener,
    operations::{
        Expired,
        Last,
        Operations, //
    },
    pieces::{
        RequestPiece,
        RequestPieces, //
    },
    refused::Refused,
    request::{
        Operation,
        Request,
        RequestInfo, //
    },
    requests::Requests,
    set::Quiesced,
    started::{
        Claimed,
        TimedOut, //
    },
    tag_set::{
        TagSet,
        TagSetOptions, //
    },
};
