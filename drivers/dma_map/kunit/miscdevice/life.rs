// SPDX-License-Identifier: GPL-2.0

//! Lifetime of a device node, and what its files do when it is gone.

use super::*;
use kernel::bindings;

/// Checks that nobody finds a node.
fn check_gone(name: &CStr) -> Result {
    let Err(error) = Opened::open(name, 0) else {
        check!(false, "the node is still there");
        return Err(EINVAL);
    };
    check_eq!(error, ENOENT);
    Ok(())
}

#[kunit_tests(dma_map_miscdevice_life)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_there_until_it_is_dropped() -> Result {
        each_probe(|probe| {
            let (name, shop) = (name()?, shop(probe, Events::NONE)?);
            let witness = shop.witness.clone();
            check_gone(&name)?;
            let node = register::<Customer>(probe, &name, shop)?;
            let files = [Opened::open(&name, 0)?, Opened::open(&name, 0)?];
            drop(node);
            check_gone(&name)?;

            // What the files share lives as long as the last of them.
            let [first, last] = files;
            drop(first);
            check_eq!(last.read(&mut [0; 4])?.0, 4);
            drop(last);
            check!(Arc::into_unique_or_drop(witness).is_some());
            Ok(())
        })
    }

    #[test]
    fn a_name_can_be_used_again() -> Result {
        each_probe(|probe| {
            let (name, shop) = (name()?, shop(probe, Events::NONE)?);
            for _ in 0..3 {
                let _node = register::<Customer>(probe, &name, shop.clone())?;
                drop(Opened::open(&name, 0)?);
            }
            check_eq!(shop.open.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn no_name_is_einval() -> Result {
        each_probe(|probe| {
            let shop = shop(probe, Events::NONE)?;
            let witness = shop.witness.clone();
            check_err!(register::<Customer>(probe, c"", shop).map(|_| ()), EINVAL);
            check!(Arc::into_unique_or_drop(witness).is_some());
            Ok(())
        })
    }

    #[test]
    fn the_parent_is_the_device() -> Result {
        each_probe(|probe| {
            let (name, shop) = (name()?, shop(probe, Events::NONE)?);
            let _node = register::<Customer>(probe, &name, shop)?;
            // SAFETY: The device is valid.
            let child = unsafe {
                let name: *const c_void = name.as_char_ptr().cast();
                bindings::device_find_child(probe.raw(), name, Some(bindings::device_match_name))
            };
            check!(!child.is_null());
            // SAFETY: The function above took a reference.
            unsafe { bindings::put_device(child) };
            Ok(())
        })
    }

    #[test]
    fn driver_data_ends_with_the_binding() -> Result {
        let name = name()?;
        each(|dev| {
            let mut shared = None;
            dev.bind(|probe| {
                let shop = shop(probe, Events::NONE)?;
                let node = register::<Customer>(probe, &name, shop.clone())?;
                shared = Some(shop);
                probe.keep(node)
            })?;
            let shop = shared.ok_or(EINVAL)?;
            let file = Opened::open(&name, 0)?;
            check_eq!(file.read(&mut [0; 4])?.0, 4);
            dev.unbind();
            check_gone(&name)?;

            // The file is open still, and finds the gate closed.
            check_err!(file.read(&mut [0; 4]), ENODEV);
            check_eq!(shop.open.load(Relaxed), 1);
            drop(file);
            check_eq!(shop.open.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn a_file_is_polled_beyond_the_binding() -> Result {
        let name = name()?;
        each(|dev| {
            let mut shared = None;
            dev.bind(|probe| {
                let shop = shop(probe, Events::NONE)?;
                let node = register::<Customer>(probe, &name, shop.clone())?;
                shared = Some(shop);
                probe.keep(node)
            })?;
            let shop = shared.ok_or(EINVAL)?;
            let witness = shop.witness.clone();
            let queue = core::ptr::from_ref(&shop.changed).addr();
            let place = queue..queue + size_of::<PollCondVar>();
            let file = Opened::open(&name, 0)?;
            let poller = file.poller()?;
            check!(poller.queue().is_some_and(|at| place.contains(&at)));

            // Neither the end of the binding takes it off, nor does it take the queue away.
            dev.unbind();
            check!(poller.queue().is_some_and(|at| place.contains(&at)));
            check!(!poller.woken());
            shop.changed.notify_all();
            check!(poller.woken());

            // From here on only the file has the queue.
            drop(shop);
            check!(poller.queue().is_some_and(|at| place.contains(&at)));
            drop(poller);
            let again = file.poller()?;
            check!(again.queue().is_some_and(|at| place.contains(&at)));
            drop(again);
            drop(file);
            check!(Arc::into_unique_or_drop(witness).is_some());
            Ok(())
        })
    }

    #[test]
    fn leaked_registration_ends_with_the_binding() -> Result {
        let name = name()?;
        each(|dev| {
            let mut witness = None;
            dev.bind(|probe| {
                let shop = shop(probe, Events::NONE)?;
                witness = Some(shop.witness.clone());
                core::mem::forget(register::<Customer>(probe, &name, shop)?);
                Ok(())
            })?;
            drop(Opened::open(&name, 0)?);
            dev.unbind();
            check_gone(&name)?;
            let witness = witness.ok_or(EINVAL)?;
            check!(Arc::into_unique_or_drop(witness).is_some());
            Ok(())
        })
    }

    #[test]
    fn a_probe_that_fails_leaves_no_node() -> Result {
        let name = name()?;
        each(|dev| {
            dev.bind(|probe| {
                let shop = shop(probe, Events::NONE)?;
                let node = register::<Customer>(probe, &name, shop)?;
                drop(Opened::open(&name, 0)?);
                probe.keep(node)?;
                probe.fail_probe();
                Ok(())
            })?;
            check_gone(&name)
        })
    }
}
