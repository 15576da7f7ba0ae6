// SPDX-License-Identifier: GPL-2.0

//! Counts of a device's handles: what the files in debugfs say while handles are made and ended.

mod ends;
mod files;
mod kinds;

use crate::{
    check::*,
    fixture::*,
    miscdevice::opened::Opened,
    user_memory::UserMemory, //
};
use dma_map::DmaDevice;
use kernel::{
    bindings,
    prelude::*,
    str::CString, //
};

/// Devices that are bound are counted, until it is dropped.
struct Counting(Opened);

impl Counting {
    /// Begins; `None` without the option, and the case is skipped then.
    fn begin() -> Result<Option<Self>> {
        let name = c"module/dma_map/parameters/count_handles";
        match Opened::open_in(c"sysfs", name, bindings::O_WRONLY) {
            Err(err) if err == ENOENT => {
                skip(c"no CONFIG_DMA_MAP_DEBUGFS");
                Ok(None)
            }
            file => {
                let this = Self(file?);
                this.0.write_text(b"1")?;
                Ok(Some(this))
            }
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.0.write_text(b"0");
    }
}

/// Opens a file of the device.
fn open(dma: DmaDevice<'_>, name: &CStr, flags: u32) -> Result<Opened> {
    let device = dma.device().name();
    let path = CString::try_from_fmt(fmt!("dma_map/{device}/{name}"))?;

    Opened::open_in(c"debugfs", &path, flags)
}

/// A file of a device, and where it is read to.
struct File {
    file: Opened,
    memory: UserMemory,
}

impl File {
    fn open(dma: DmaDevice<'_>, name: &CStr) -> Result<Self> {
        Ok(Self {
            file: open(dma, name, bindings::O_RDONLY)?,
            memory: UserMemory::new(1)?,
        })
    }

    /// What the file says now.
    fn text(&self) -> Result<VVec<u8>> {
        let len = self.file.read_to_user(self.memory.at(0), 4096)?;
        self.memory.read(0, len)
    }

    /// The numbers of the line that begins with `name`; 0 for those that are not there.
    fn row<const N: usize>(&self, name: &str) -> Result<[usize; N]> {
        let text = self.text()?;
        let text = core::str::from_utf8(&text)?;
        let mut row = [0; N];
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            if words.next() == Some(name) {
                for (number, word) in row.iter_mut().zip(words) {
                    *number = word.parse().map_err(|_| EINVAL)?;
                }
            }
        }
        Ok(row)
    }
}

/// Runs `case` with each device, which is counted, and its file.
fn each_counted(mut case: impl for<'b> FnMut(DmaDevice<'b>, &File) -> Result) -> Result {
    let Some(_counting) = Counting::begin()? else {
        return Ok(());
    };
    each_dma(LARGE, |dma| case(dma, &File::open(dma, c"handles")?))
}
