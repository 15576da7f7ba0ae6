// SPDX-License-Identifier: GPL-2.0

//! [`identify`]: what a controller says of itself and of its namespaces.

use crate::{
    check::*,
    nvme::driver::protocol::identify::{
        self,
        Controller,
        Geometry,
        Namespace,
        NamespaceList, //
    }, //
};
use kernel::prelude::*;

/// Makes an answer of these bytes, and of 0.
fn answer<T: FromBytes>(bytes: &[(usize, &[u8])]) -> Result<KBox<T>> {
    let mut all = KVec::from_elem(0u8, size_of::<T>(), GFP_KERNEL)?;
    for &(at, bytes) in bytes {
        all[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let value = T::read_from_bytes(&all).map_err(|_| EINVAL)?;
    Ok(KBox::new(value, GFP_KERNEL)?)
}

/// Where the fields are, in the specification.
mod at {
    pub(super) const SIZE: usize = 0;
    pub(super) const FORMATS: usize = 25;
    pub(super) const FORMAT: usize = 26;
    pub(super) const SHARING: usize = 30;
    pub(super) const LBA_FORMATS: usize = 128;
    pub(super) const MULTI_PATH: usize = 76;
    pub(super) const TRANSFER_MAX: usize = 77;
    pub(super) const FORMAT_ATTRIBUTES: usize = 524;
    pub(super) const SGLS: usize = 536;
}

#[kunit_tests(dma_map_nvme_identify)]
mod tests {
    use super::*;

    #[test]
    fn the_geometry_is_that_of_the_format_in_use() -> Result {
        let namespace = answer::<Namespace>(&[
            (at::SIZE, &[0, 0, 1]),
            (at::FORMATS, &[1]),
            (at::FORMAT, &[1]),
            (at::LBA_FORMATS, &[8, 0, 9, 0, 0, 0, 12, 0]),
        ])?;
        let geometry = Geometry {
            blocks: 0x1_0000,
            block_shift: 12,
            is_shared: false,
        };
        check_eq!(namespace.geometry()?, geometry);
        Ok(())
    }

    #[test]
    fn a_namespace_is_shared_if_it_says_so() -> Result {
        for (sharing, is_shared) in [(0, false), (1, true), (0xfe, false), (0xff, true)] {
            let namespace = answer::<Namespace>(&[
                (at::SIZE, &[1]),
                (at::SHARING, &[sharing]),
                (at::LBA_FORMATS, &[0, 0, 9]),
            ])?;
            let found = namespace.geometry()?.is_shared;
            check_eq!((sharing, found), (sharing, is_shared));
        }
        Ok(())
    }

    #[test]
    fn formats_are_shared_in_a_subsystem_of_several_controllers() -> Result {
        for (multi_path, attributes, shares) in [
            (0, 0, false),
            (2, 0, false),
            (0, 1, false),
            (0xfd, 0xff, false),
            (0xff, 0xfe, false),
            (2, 1, true),
        ] {
            let controller = answer::<Controller>(&[
                (at::MULTI_PATH, &[multi_path]),
                (at::FORMAT_ATTRIBUTES, &[attributes]),
            ])?;
            let found = controller.shares_formats();
            check_eq!(
                (multi_path, attributes, found),
                (multi_path, attributes, shares)
            );
        }
        Ok(())
    }

    #[test]
    fn a_geometry_that_cannot_be_is_refused() -> Result {
        // Size, number of formats less 1, format, metadata, shift, errno.
        for (size, formats, format, metadata, shift, error) in [
            (0, 0, 0, 0, 9, ENODEV),
            (1, 0, 1, 0, 9, EBADMSG),
            (1, 0, 15, 0, 9, EBADMSG),
            (1, 0, 0, 8, 9, EOPNOTSUPP),
            (1, 0, 0, 0, 0, EBADMSG),
            (1, 0, 0, 0, 8, EBADMSG),
            (1, 0, 0, 0, 17, EBADMSG),
            (1, 0, 0, 0, 255, EBADMSG),
            (u64::MAX, 0, 0, 0, 9, EBADMSG),
            ((i64::MAX as u64 >> 9) + 1, 0, 0, 0, 9, EBADMSG),
        ] {
            let namespace = answer::<Namespace>(&[
                (at::SIZE, &size.to_le_bytes()),
                (at::FORMATS, &[formats]),
                (at::FORMAT, &[format]),
                (at::LBA_FORMATS, &[metadata, 0, shift]),
            ])?;
            check_err!(namespace.geometry(), error);
        }
        Ok(())
    }

    #[test]
    fn the_largest_geometry_is_2_to_the_63rd_bytes() -> Result {
        for shift in [9u8, 12, 16] {
            let size = i64::MAX as u64 >> shift;
            let namespace = answer::<Namespace>(&[
                (at::SIZE, &size.to_le_bytes()),
                (at::LBA_FORMATS, &[0, 0, shift]),
            ])?;
            check_eq!(namespace.geometry()?.blocks, size);
        }
        Ok(())
    }

    #[test]
    fn a_list_of_namespaces_ends_where_it_is_not_in_order() -> Result {
        let two = |first: u8, second: u8| [first, 0, 0, 0, second, 0, 0, 0];
        for (bytes, count) in [
            (two(0, 0), 0),
            (two(0, 7), 0),
            (two(7, 0), 1),
            (two(7, 7), 1),
            (two(7, 6), 1),
            (two(7, 8), 2),
        ] {
            let list = answer::<NamespaceList>(&[(0, &bytes)])?;
            check_eq!((bytes, identify::active(&list).count()), (bytes, count));
        }
        // Each number once more than it may be there.
        let list = answer::<NamespaceList>(&[(0, &[1; identify::SIZE])])?;
        check_eq!(identify::active(&list).count(), 1);
        Ok(())
    }

    #[test]
    fn transfers_have_a_limit_whatever_the_controller_says() -> Result {
        for (n, bytes) in [
            (0u8, 1u64 << 31),
            (1, 8192),
            (7, 512 * 1024),
            (19, 1 << 31),
            (20, 1 << 31),
            (255, 1 << 31),
        ] {
            let controller = answer::<Controller>(&[(at::TRANSFER_MAX, &[n])])?;
            check_eq!(controller.transfer_bytes(12), bytes);
        }
        Ok(())
    }

    #[test]
    fn sgls_are_used_only_if_offered() -> Result {
        for (support, has) in [
            (0u8, false),
            (1, true),
            (2, true),
            (3, false),
            (0x80, false),
        ] {
            let controller = answer::<Controller>(&[(at::SGLS, &[support])])?;
            check_eq!((support, controller.has_sgls()), (support, has));
        }
        Ok(())
    }

    #[test]
    fn texts_end_at_what_is_not_printable() -> Result {
        for (bytes, text) in [
            (&b"QEMU NVMe Ctrl      "[..], "QEMU NVMe Ctrl"),
            (b"", ""),
            (b"      ", ""),
            (b"a b\0c", "a b"),
            (b"a\x1b[2J", "a"),
            (b"\xff\xfe", ""),
            (b"x\xc3\xa4", "x"),
        ] {
            check_eq!(identify::text(bytes), text);
        }
        Ok(())
    }
}
