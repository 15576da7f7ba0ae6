// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Several threads use a file at a time.

use dma_map::miscdevice::FileOperations;
use kernel::{
    fs,
    module::ThisModule,
    prelude::*,
    sync::ArcBorrow,
    ModuleMetadata, //
};

pub struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"case";
    // SAFETY: Code that is built in has no module.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

// pass: pub struct File(pub usize);
pub struct File(pub *mut u8);

#[vtable]
impl FileOperations for File {
    type Device = ();

    fn open(_: ArcBorrow<'_, ()>, _: &fs::File) -> Result<Pin<KBox<Self>>> {
        Err(ENODEV)
    }
}
