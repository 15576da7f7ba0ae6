// SPDX-License-Identifier: GPL-2.0

//! [`Length`]: what a command moves, whatever user space says of its memory.

use crate::{
    check::*,
    nvme::driver::protocol::{
        command::{
            admin,
            nvm, //
        },
        identify::Geometry,
        length::{
            self,
            Length, //
        }, //
    }, //
};
use kernel::prelude::*;

#[kunit_tests(dma_map_nvme_length)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_has_two_pages_whatever_it_is() -> Result {
        for feature in 0..=0xff {
            let length = Length::of_admin(admin::GET_FEATURES, &[feature, 0, 0, 0, 0, 0])?;
            check_eq!(length, Length::Max(8192));
            // Without memory of user space, too.
            for (data_len, takes) in [(0, true), (8, true), (8192, true), (8193, false)] {
                check_eq!((data_len, length.takes(data_len, 8192)), (data_len, takes));
            }
        }
        Ok(())
    }

    #[test]
    fn a_log_has_as_many_words_as_the_command_says() -> Result {
        for (word_10, word_11, bytes) in [
            (2, 0, 4),
            (127 << 16 | 2, 0, 512),
            (0xffff << 16 | 2, 0, 0x4_0000),
            (2, 1, 0x4_0004),
            // Word 11 has another field in its upper half.
            (0xffff << 16, 0xffff_ffff, 0x4_0000_0000),
        ] {
            let length = Length::of_admin(admin::GET_LOG_PAGE, &[word_10, word_11, 0, 0, 0, 0])?;
            check_eq!(length, Length::Bytes(bytes));
            check!(length.takes(bytes, bytes));
            check!(!length.takes(bytes - 4, bytes));
            check!(!length.takes(0, bytes));
        }
        Ok(())
    }

    #[test]
    fn a_read_moves_up_to_65536_blocks() -> Result {
        for (word_12, blocks) in [(0, 1), (7, 8), (0xffff, 0x1_0000), (0xffff_0000, 1)] {
            for opcode in [nvm::READ, nvm::WRITE] {
                let length = Length::of_io(opcode, &[0, 0, word_12, 0, 0, 0])?;
                check_eq!(length, Length::Blocks(blocks));
                check!(!length.takes(0, 512));
            }
        }
        Ok(())
    }

    /// 2^32 bytes, which would be 0 in 32 bits.
    #[test]
    fn the_longest_read_has_4_gib() -> Result {
        let geometry = |block_shift| Geometry {
            blocks: 1 << 20,
            block_shift,
            is_shared: false,
        };
        check_eq!(geometry(16).bytes(0x1_0000)?, 1 << 32);
        check_eq!(geometry(9).bytes(1)?, 512);
        Ok(())
    }

    #[test]
    fn commands_without_data_move_none() -> Result {
        let words = [u32::MAX; 6];
        for length in [
            Length::of_admin(admin::FORMAT_NVM, &words)?,
            Length::of_io(nvm::FLUSH, &words)?,
            Length::of_io(nvm::WRITE_ZEROES, &words)?,
        ] {
            check_eq!(length, Length::Bytes(0));
            check!(length.takes(0, 0) && !length.takes(1, 0));
        }
        Ok(())
    }

    #[test]
    fn what_changes_nothing_is_for_files_that_are_open_for_reading() -> Result {
        for opcode in 0..=u8::MAX {
            let reads = [admin::IDENTIFY, admin::GET_LOG_PAGE, admin::GET_FEATURES];
            let changes = length::admin_changes(opcode);
            check_eq!((opcode, changes), (opcode, !reads.contains(&opcode)));

            let changes = length::io_changes(opcode);
            let reads = [nvm::READ, nvm::FLUSH];
            check_eq!((opcode, changes), (opcode, !reads.contains(&opcode)));
        }
        Ok(())
    }

    #[test]
    fn no_other_command_is_let_through() -> Result {
        for opcode in 0..=u8::MAX {
            let known = [
                admin::IDENTIFY,
                admin::GET_LOG_PAGE,
                admin::GET_FEATURES,
                admin::FORMAT_NVM,
            ];
            if !known.contains(&opcode) {
                check_err!(Length::of_admin(opcode, &[0; 6]), EACCES);
            }
            let known = [nvm::READ, nvm::WRITE, nvm::FLUSH, nvm::WRITE_ZEROES];
            if !known.contains(&opcode) {
                check_err!(Length::of_io(opcode, &[0; 6]), EACCES);
            }
        }
        Ok(())
    }
}
