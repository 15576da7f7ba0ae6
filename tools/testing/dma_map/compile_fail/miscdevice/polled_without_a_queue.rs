// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! Who polls a file that has no queue sleeps for ever.

use dma_map::miscdevice::{
    Events,
    FileOperations,
    MiscDevice, //
};
use kernel::{
    device::{
        Core,
        Device, //
    },
    fs,
    module::ThisModule,
    prelude::*,
    sync::{
        poll::PollCondVar,
        Arc,
        ArcBorrow, //
    },
    ModuleMetadata, //
};

pub struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"case";
    // SAFETY: Code that is built in has no module.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

pub struct File(pub Arc<PollCondVar>);

#[vtable]
impl FileOperations for File {
    type Device = ();

    fn open(_: ArcBorrow<'_, ()>, _: &fs::File) -> Result<Pin<KBox<Self>>> {
        Err(ENODEV)
    }

    fn poll(&self, _: &fs::File) -> Events {
        Events::NONE
    }

    // pass: #[cfg(all())]
    #[cfg(any())]
    fn poll_queue(&self) -> &PollCondVar {
        &self.0
    }
}

pub fn register(dev: &Device<Core<'_>>, shared: Arc<()>) -> Result {
    MiscDevice::<File>::register(dev, fmt!("case"), shared).map(drop)
}
