// SPDX-License-Identifier: GPL-2.0

//! debugfs files of the benchmark.

use crate::{
    bench::{
        BenchLt,
        List, //
    },
    columns::Column,
    request::Request,
    run::Figures, //
};
use dma_map::gate::Gate;
use kernel::{
    debugfs::{
        Dir,
        Scope, //
    },
    device,
    fmt,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    uaccess::UserSliceReader, //
};

/// The longest request, in bytes.
const MAX_REQUEST: usize = 128;

/// The folder of a device.
pub(crate) type Files = Scope<Device>;

/// Makes the folder of `dev` in `folder`.
pub(crate) fn new<'a>(
    folder: &'a Dir,
    dev: &'a device::Device,
    gate: Arc<Gate<BenchLt>>,
) -> impl PinInit<Files, Error> + 'a {
    let device = try_pin_init!(Device {
        gate,
        operations <- new_mutex!(None),
        figures <- new_mutex!(None),
    });

    folder.scope(device, dev.name(), |device, folder| {
        folder.read_callback_file(c"operations", device, &Device::list);
        folder.read_write_callback_file(c"run", device, &Device::print, &Device::run);
    })
}

/// State behind the files of a device.
///
/// The files are removed before the gate closes, and their removal waits for calls in progress. So each
/// call can enter the gate.
#[pin_data]
pub(crate) struct Device {
    gate: Arc<Gate<BenchLt>>,
    /// The contents of `operations`, made at the first read: that takes memory and time.
    #[pin]
    operations: Mutex<Option<List>>,
    /// The figures of the last run. The lock is held during a run, so there is one at a time.
    #[pin]
    figures: Mutex<Option<Figures>>,
}

impl Device {
    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut operations = self.operations.lock();
        if operations.is_none() {
            // If memory runs out, the file is empty, and the next read tries again.
            *operations = self
                .gate
                .try_access()
                .and_then(|inside| inside.with(|bench| bench.list()).ok());
        }

        for (name, columns) in operations.iter().flatten() {
            let mut separator = ' ';
            f.write_str(name)?;
            for column in columns {
                write!(f, "{separator}{}", column.name())?;
                separator = ',';
            }
            f.write_str("\n")?;
        }
        Ok(())
    }

    fn run(&self, reader: &mut UserSliceReader) -> Result {
        let mut text = [0; MAX_REQUEST];
        let len = reader.len();
        let text = text.get_mut(..len).ok_or(EINVAL)?;
        reader.read_slice(text)?;
        let request = Request::parse(core::str::from_utf8(text).map_err(|_| EINVAL)?)?;

        let mut figures = self.figures.lock();
        *figures = None;
        let inside = self.gate.try_access().ok_or(ENODEV)?;
        *figures = Some(inside.with(|bench| bench.run(&request))?);
        Ok(())
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures.lock();
        let Some(figures) = &*figures else {
            return Ok(());
        };

        for turn in &figures.turns {
            writeln!(
                f,
                "{} {} {} {} {} {}",
                figures.operation.to_str().unwrap_or_default(),
                turn.column.name(),
                turn.round,
                turn.span.cycles,
                turn.span.ns,
                figures.loops
            )?;
        }
        if let Some(cycles) = figures.longest {
            let operation = figures.operation.to_str().unwrap_or_default();
            writeln!(f, "longest {operation} {} {cycles}", Column::Pool.name())?;
        }
        Ok(())
    }
}
