// SPDX-License-Identifier: GPL-2.0

//! File operations of a device node.

use super::*;

/// Registers a node, and runs `case` with a file of it.
fn with_file<F: FileOperations<Device = Shop>>(
    flags: u32,
    case: fn(&Opened, &Shop) -> Result,
) -> Result {
    each_probe(|probe| {
        let ready = Events::READ | Events::HANG_UP;
        let (name, shop) = (name()?, shop(probe, ready)?);
        let node = register::<F>(probe, &name, shop.clone())?;
        case(&Opened::open(&name, flags)?, &shop)?;
        drop(node);
        Ok(())
    })
}

/// Sets the number behind the gate.
fn set(shop: &Shop, number: u32) -> Result {
    let inside = shop.gate.try_access().ok_or(ENODEV)?;
    inside.with(|kept| kept.memory.view().write_val(number));
    Ok(())
}

#[kunit_tests(dma_map_miscdevice_files)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_reach_the_device() -> Result {
        with_file::<Customer>(0, |file, _| {
            check_eq!(file.write(&0x0102_0304u32.to_ne_bytes(), 0)?, 4);
            let mut data = [0; 4];
            check_eq!(file.read(&mut data)?, (4, 1));
            check_eq!(u32::from_ne_bytes(data), 0x0102_0304);
            check_err!(file.write(&[0; 4], 7), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn who_does_not_want_to_sleep_is_known() -> Result {
        with_file::<Customer>(0, |file, shop| {
            set(shop, 0)?;
            check_err!(file.read(&mut [0; 4]), EINTR);
            Ok(())
        })?;
        with_file::<Customer>(kernel::bindings::O_NONBLOCK, |file, shop| {
            set(shop, 0)?;
            check_err!(file.read(&mut [0; 4]), EAGAIN);
            Ok(())
        })
    }

    #[test]
    fn poll_says_what_the_driver_says() -> Result {
        with_file::<Customer>(0, |file, _| {
            // EPOLLIN | EPOLLRDNORM | EPOLLHUP
            check_eq!(file.poll(), Some(0x001 | 0x040 | 0x010));
            Ok(())
        })?;
        let mut all = Events::NONE;
        check_eq!(all, Events::NONE);
        for event in [Events::READ, Events::WRITE, Events::ERROR, Events::HANG_UP] {
            check!(all | event != all);
            all |= event;
            check_eq!(all | event, all);
        }
        Ok(())
    }

    #[test]
    fn commands_get_number_and_argument() -> Result {
        with_file::<Customer>(0, |file, _| {
            check_eq!(file.ioctl(DOUBLE, 21)?, 42);
            check_err!(file.ioctl(DOUBLE + 1, 21), ENOTTY);
            Ok(())
        })
    }

    #[test]
    fn mmap_gets_the_area() -> Result {
        with_file::<Customer>(0, |file, _| {
            check_err!(file.mmap(3).map(|_| ()), EXDEV);
            Ok(())
        })
    }

    #[test]
    fn no_call_moves_more_than_it_was_asked_for() -> Result {
        with_file::<Boaster<5000>>(0, |file, _| {
            check_eq!(file.read(&mut [0; 4])?.0, 4);
            check_eq!(file.write(&[0; 4], 0)?, 4);
            Ok(())
        })?;
        with_file::<Boaster<3>>(0, |file, _| {
            check_eq!(file.read(&mut [0; 4])?.0, 3);
            check_eq!(file.write(&[0; 4], 0)?, 3);
            Ok(())
        })
    }

    #[test]
    fn no_request_is_kept_beyond_its_call() -> Result {
        with_file::<Boaster<QUEUED>>(0, |file, _| {
            check_err!(file.read(&mut [0; 4]), EIO);
            check_err!(file.write(&[0; 4], 0), EIO);
            Ok(())
        })
    }

    #[test]
    fn what_is_not_implemented_is_not_there() -> Result {
        with_file::<Mute>(0, |file, _| {
            check_err!(file.read(&mut [0; 4]), EINVAL);
            check_err!(file.write(&[0; 4], 0), EINVAL);
            check_eq!(file.poll(), None);
            check_err!(file.ioctl(DOUBLE, 21), ENOTSUPP);
            check_err!(file.mmap(3).map(|_| ()), ENODEV);
            Ok(())
        })
    }

    #[test]
    fn an_error_of_open_is_that_of_the_caller() -> Result {
        each_probe(|probe| {
            let (name, shop) = (name()?, shop(probe, Events::NONE)?);
            let _node = register::<Customer>(probe, &name, shop.clone())?;
            let failed = Opened::open(&name, fs::file::flags::O_TRUNC);
            check_err!(failed.map(|_| ()), EXFULL);
            check_eq!(shop.open.load(Relaxed), 0);
            Ok(())
        })
    }
}
