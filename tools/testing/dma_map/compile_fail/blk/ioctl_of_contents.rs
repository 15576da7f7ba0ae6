// SPDX-License-Identifier: GPL-2.0
// error: E0185

//! An ioctl may outlive the binding. So it gets no contents of the gate, but what the disk shares.

use dma_map::{
    blk::{
        Last,
        Opener,
        Operations,
        Refused,
        Request, //
    },
    gate::Guarded,
    Engine, //
};
use kernel::{
    module::ThisModule,
    prelude::*,
    ModuleMetadata, //
};

pub struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"case";
    // SAFETY: Code that is built in has no module.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

pub struct Ram<'x>(pub &'x i32);

impl Guarded for Ram<'_> {
    fn shutdown(&self) {}
}

pub struct Never;

// SAFETY: There is no device.
unsafe impl Engine for Never {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

#[vtable]
impl Operations for Ram<'_> {
    type Disk = i32;
    type Command = ();
    type Mark = Never;
    type Engine<'a>
        = Never
    where
        Self: 'a;

    fn engine(&self, _queue: u32, _tag: u32) -> Never {
        Never
    }

    fn queue_rq(&self, request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        request.end(Ok(()));
        Ok(())
    }

    // pass: fn ioctl(_disk: &i32, _opener: Opener, _cmd: u32, _arg: usize) -> Result<i32> {
    fn ioctl(&self, _opener: Opener, _cmd: u32, _arg: usize) -> Result<i32> {
        Ok(0)
    }
}
