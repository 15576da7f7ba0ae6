// SPDX-License-Identifier: GPL-2.0

//! The files: when they are there, and what a reader gets who has one open over the unbind.

use super::*;
use crate::engines::Idle;
use dma_map::{
    FromDevice,
    MappedPool,
    MappedPoolOptions, //
};

#[kunit_tests(dma_map_counts_files)]
mod tests {
    use super::*;

    #[test]
    fn device_that_was_bound_before_is_not_counted() -> Result {
        each(|dev| {
            let mut early = None;
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                if let Some(_counting) = Counting::begin()? {
                    early = Some(open(dma, c"handles", bindings::O_RDONLY).is_ok());
                }
                Ok(())
            })?;
            check!(early != Some(true));
            Ok(())
        })
    }

    #[test]
    fn device_is_counted_to_the_end_of_its_binding() -> Result {
        each(|dev| {
            let mut counting = Counting::begin()?;
            if counting.is_none() {
                return Ok(());
            }
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let file = File::open(dma, c"handles")?;
                counting = None;
                let memory = map_single(dma, KBox::new([0u8; 64], GFP_KERNEL)?, FromDevice, Idle)?;
                check_eq!(file.row::<2>("DmaMapping")?, [1, 64]);
                drop(memory);
                check_eq!(file.row::<2>("DmaMapping")?, [0, 0]);
                Ok(())
            })
        })
    }

    #[test]
    fn open_file_outlives_the_binding() -> Result {
        let Some(_counting) = Counting::begin()? else {
            return Ok(());
        };
        each(|dev| {
            let (mut file, mut reset) = (None, None);
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                file = Some(File::open(dma, c"handles")?);
                reset = Some(open(dma, c"reset", bindings::O_WRONLY)?);
                Ok(())
            })?;
            dev.unbind();
            let (file, reset) = (file.ok_or(EINVAL)?, reset.ok_or(EINVAL)?);
            check_err!(file.text().map(|_| ()), EIO);
            check_err!(reset.write_from_user(file.memory.at(0)).map(|_| ()), EIO);

            // The next binding has files of its own, and begins anew.
            dev.bind(|probe| {
                let file = File::open(probe.dma(ALL)?, c"handles")?;
                check_eq!(file.row::<5>("all")?, [0; 5]);
                Ok(())
            })?;
            check_err!(file.text().map(|_| ()), EIO);
            Ok(())
        })
    }

    #[test]
    fn pools_have_a_line_each() -> Result {
        each_counted(|dma, _| {
            let file = File::open(dma, c"pools")?;
            check_eq!(file.text()?.len(), 0);
            let options = MappedPoolOptions::new(6).cache(0);
            let first = MappedPool::<u8, _>::new(dma, c"first", 2048, FromDevice, options)?;
            let second = MappedPool::<u8, _>::new(dma, c"second", 64, FromDevice, options)?;
            let buffer = first.take()?;
            // Size, the maximum, allocated, in use.
            check_eq!(file.row::<4>("first")?, [2048, 6, 6, 1]);
            check_eq!(file.row::<2>("second")?, [64, 6]);
            drop(first);
            check_eq!(file.row::<4>("first")?, [2048, 6, 6, 1]);
            drop(buffer);
            check_eq!(file.row::<1>("first")?, [0]);
            drop(second);
            check_eq!(file.text()?.len(), 0);
            Ok(())
        })
    }
    /// The first words of the lines.
    fn names(file: &File) -> Result<VVec<u8>> {
        let (text, mut names) = (file.text()?, VVec::new());
        for line in text.split(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b' ').next().unwrap_or(line);
            names.extend_from_slice(name, GFP_KERNEL)?;
            names.push(b' ', GFP_KERNEL)?;
        }
        Ok(names)
    }

    #[test]
    fn pool_that_ends_leaves_the_order_of_the_others() -> Result {
        each_counted(|dma, _| {
            let file = File::open(dma, c"pools")?;
            let pool = |name| {
                let options = MappedPoolOptions::new(2).cache(0);
                MappedPool::<u8, _>::new(dma, name, 64, FromDevice, options)
            };
            let (_a, b, _c, d) = (pool(c"a")?, pool(c"b")?, pool(c"c")?, pool(c"d")?);
            check!(&*names(&file)? == b"pool d c b a  ");
            drop(b);
            check!(&*names(&file)? == b"pool d c a  ");
            drop(d);
            check!(&*names(&file)? == b"pool c a  ");
            Ok(())
        })
    }
}
