// SPDX-License-Identifier: GPL-2.0
// emit: obj
// error: E0080

//! A command lies behind its request, which the block layer has no room for if it is larger than 64 KiB.

use dma_map::{
    blk::{
        Last,
        Operations,
        Refused,
        Request,
        TagSet,
        TagSetOptions, //
    },
    gate::{
        Gate,
        Guarded, //
    },
    Engine, //
};
use kernel::{
    module::ThisModule,
    prelude::*,
    sync::Arc,
    types::ForLt,
    ModuleMetadata, //
};

pub struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"case";
    // SAFETY: Code that is built in has no module.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

pub struct Ram;

impl Guarded for Ram {
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
impl Operations for Ram {
    type Disk = ();
    // pass: type Command = [u8; 32000];
    type Command = [u8; 65400];
    type Mark = Never;
    type Engine<'a> = Never;

    fn engine(&self, _queue: u32, _tag: u32) -> Never {
        Never
    }

    fn queue_rq(&self, request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        request.end(Ok(()));
        Ok(())
    }
}

pub fn tags(gate: &Arc<Gate<ForLt!(Ram)>>) -> Result {
    TagSet::new(gate, TagSetOptions::new(1, 8)).map(|_| ())
}
