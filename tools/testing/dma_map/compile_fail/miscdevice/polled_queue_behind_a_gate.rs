// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A process that polls is on the queue until the file is closed, so none that ends with the binding.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    miscdevice::{
        Events,
        FileOperations, //
    }, //
};
use kernel::{
    fs,
    module::ThisModule,
    prelude::*,
    sync::{
        poll::PollCondVar,
        Arc,
        ArcBorrow, //
    },
    types::ForLt,
    ModuleMetadata, //
};

pub struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"case";
    // SAFETY: Code that is built in has no module.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

pub struct Inside<'bound> {
    pub changed: &'bound PollCondVar,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub struct File {
    pub gate: Arc<Gate<ForLt!(Inside<'_>)>>,
    pub shared: Arc<PollCondVar>,
}

#[vtable]
impl FileOperations for File {
    type Device = ();

    fn open(_: ArcBorrow<'_, ()>, _: &fs::File) -> Result<Pin<KBox<Self>>> {
        Err(ENODEV)
    }

    fn poll(&self, _: &fs::File) -> Events {
        Events::NONE
    }

    fn poll_queue(&self) -> &PollCondVar {
        let inside = self.gate.try_access();
        // pass: inside.map_or(&self.shared, |inside| inside.with(|_| &self.shared))
        inside.map_or(&self.shared, |inside| inside.with(|inside| inside.changed))
    }
}
