// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A file outlives the binding, so it holds no handle.

use dma_map::{
    miscdevice::FileOperations,
    DmaCoherent, //
};
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

pub struct File<T>(pub T);

#[vtable]
impl<T: Send + Sync + 'static> FileOperations for File<T> {
    type Device = ();

    fn open(_: ArcBorrow<'_, ()>, _: &fs::File) -> Result<Pin<KBox<Self>>> {
        Err(ENODEV)
    }
}

fn opened<F: FileOperations>() {}

pub fn open<'bound>(_: &'bound DmaCoherent<'bound, u32>) {
    // pass: opened::<File<DmaCoherent<'static, u32>>>();
    opened::<File<DmaCoherent<'bound, u32>>>();
}
