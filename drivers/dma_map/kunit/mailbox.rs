// SPDX-License-Identifier: GPL-2.0

//! [`Mailbox`]: a request and its response, from honest and from hostile devices.

mod exchange;

use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    pattern, //
};
use dma_map::{
    mailbox::{
        self,
        Block,
        Mailbox,
        BLOCK,
        WORDS, //
    },
    DmaCoherent,
    DmaDevice,
    Gfp,
    Shared, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// Where the fields of a head are.
const STATUS: DmaAddress = 0;
const SEQUENCE: DmaAddress = 4;
const LENGTH: DmaAddress = 8;
const FIRST_WORD: DmaAddress = 16;

type Memory<'b> = DmaCoherent<'b, [Block], Shared<Idle>>;

fn new(dma: DmaDevice<'_>, bytes: usize) -> Result<Mailbox<Memory<'_>>> {
    let blocks = Mailbox::blocks_for(bytes);
    Mailbox::new(DmaCoherent::<[Block]>::zeroed_slice(dma, blocks, Gfp::Kernel)?.give(Idle))
}

/// The device's side.
struct Peer<'b> {
    dma: DmaDevice<'b>,
    request: DmaAddress,
    response: DmaAddress,
}

impl<'b> Peer<'b> {
    fn of(dma: DmaDevice<'b>, mailbox: &Mailbox<Memory<'_>>) -> Result<Self> {
        Ok(Self {
            dma,
            request: mailbox.request().dma_address(),
            response: mailbox.response().dma_address(),
        })
    }

    /// Copies the request to the response slot, as `edu` does.
    fn echo(&self, length: usize) -> Result {
        let mut data = KVec::from_elem(0, mailbox::size_of(length), GFP_KERNEL)?;
        device_side::read(self.dma, self.request, &mut data)?;
        device_side::write(self.dma, self.response, &data)
    }

    /// Overwrites a field of the response.
    fn set(&self, field: DmaAddress, value: u32) -> Result {
        device_side::write(self.dma, self.response + field, &value.to_le_bytes())
    }
}

#[kunit_tests(dma_map_mailbox)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_what_was_asked() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 4032)?;
            check_eq!(mailbox.capacity(), 4032);
            let peer = Peer::of(dma, &mailbox)?;
            check_eq!(peer.response - peer.request, 4096);

            for (i, length) in [0usize, 1, 63, 64, 65, 4031, 4032].into_iter().enumerate() {
                let mut data = KVec::from_elem(0, length, GFP_KERNEL)?;
                pattern::fill(&mut data, i as u8, 0);
                mailbox.post(&[7, i as u32], &data)?;
                check_err!(mailbox.take(), EAGAIN);
                peer.echo(length)?;
                let (message, words) = mailbox.take()?;
                check_eq!(message.sequence(), i as u32 + 1);
                check_eq!(message.len(), length);
                words.validate(|words| {
                    check_eq!(words[..3], [7, i as u32, 0]);
                    Ok(())
                })?;
                let mut out = VVec::new();
                mailbox.data(&message)?.append_to(&mut out, GFP_KERNEL)?;
                check_eq!(out[..], data[..]);
            }
            Ok(())
        })
    }

    /// Seen as bytes, so that it does not matter which order the CPU has.
    #[test]
    fn heads_are_little_endian() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 1024)?;
            let peer = Peer::of(dma, &mailbox)?;
            mailbox.post(&[], &[])?;
            mailbox.post(&[0x0102_0304, u32::MAX - 1], &[5; 0x203])?;

            let mut head = [0xff; BLOCK];
            device_side::read(dma, peer.request, &mut head)?;
            check_eq!(head[..8], [1, 0, 0, 0, 2, 0, 0, 0]);
            check_eq!(head[8..16], [3, 2, 0, 0, 0, 0, 0, 0]);
            check_eq!(head[16..24], [4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff]);
            check_eq!(head[24..], [0; 40]);

            head[16..20].copy_from_slice(&[0xdd, 0xcc, 0xbb, 0xaa]);
            device_side::write(dma, peer.response, &head)?;
            let (message, words) = mailbox.take()?;
            check_eq!(message.sequence(), 2);
            check_eq!(message.len(), 0x203);
            words.map(|words| words[0]).exactly(0xaabb_ccdd)?;

            // The same numbers from the other end are not the answer.
            mailbox.post(&[], &[])?;
            device_side::write(dma, peer.response, &[1, 0, 0, 0, 0, 0, 0, 3])?;
            check_err!(mailbox.take(), EBADMSG);
            device_side::write(dma, peer.response, &[0, 0, 0, 1, 3, 0, 0, 0])?;
            check_err!(mailbox.take(), EBADMSG);
            device_side::write(dma, peer.response, &[1, 0, 0, 0, 3, 0, 0, 0])?;
            check_eq!(mailbox.take()?.0.sequence(), 3);
            Ok(())
        })
    }

    #[test]
    fn what_does_not_fit_is_emsgsize_and_changes_nothing() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 100)?;
            check_eq!(mailbox.capacity(), 2 * BLOCK);
            let peer = Peer::of(dma, &mailbox)?;
            mailbox.post(&[1], &[])?;
            check_err!(mailbox.post(&[], &[0; 2 * BLOCK + 1]), EMSGSIZE);
            check_err!(mailbox.post(&[0; WORDS + 1], &[]), EMSGSIZE);
            peer.echo(0)?;
            check_eq!(mailbox.take()?.0.sequence(), 1);
            mailbox.post(&[0; WORDS], &[0; 2 * BLOCK])?;
            Ok(())
        })
    }

    #[test]
    fn memory_must_be_two_slots() -> Result {
        each_dma(ALL, |dma| {
            for blocks in [1, 3, 7] {
                let memory = DmaCoherent::<[Block]>::zeroed_slice(dma, blocks, Gfp::Kernel)?;
                check_err!(Mailbox::new(memory.give(Idle)), EINVAL);
            }
            let mut least = new(dma, 0)?;
            check_eq!(least.capacity(), 0);
            check_err!(least.post(&[], &[1]), EMSGSIZE);
            least.post(&[], &[])?;
            Ok(())
        })
    }

    /// It remembers where its memory is, and not where it is itself.
    #[test]
    fn a_mailbox_may_be_moved() -> Result {
        each_dma(ALL, |dma| {
            let mut here = new(dma, 128)?;
            let (request, response) = (here.request().dma_address(), here.response().dma_address());
            here.post(&[1], &[1; 10])?;

            let mut there = KBox::new(here, GFP_KERNEL)?;
            check_eq!(there.request().dma_address(), request);
            check_eq!(there.response().dma_address(), response);
            check_eq!(there.request().size(), 128 + BLOCK);
            check_eq!(there.response().size(), 128 + BLOCK);
            check_eq!(there.memory().view().dma_address(), request);
            let peer = Peer::of(dma, &there)?;
            peer.echo(10)?;
            check_eq!(there.take()?.0.sequence(), 1);
            there.post(&[2], &[])?;
            peer.echo(0)?;
            check_eq!(KBox::into_inner(there).take()?.0.sequence(), 2);
            Ok(())
        })
    }

    #[test]
    fn data_goes_where_there_is_room() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 128)?;
            let peer = Peer::of(dma, &mailbox)?;
            mailbox.post(&[], &[7; 10])?;
            peer.echo(10)?;
            let (message, _) = mailbox.take()?;
            let data = mailbox.data(&message)?;
            check_eq!(data.dma_address(), peer.response + BLOCK as DmaAddress);

            let mut out = [0; 12];
            check_err!(data.try_copy_to_slice(&mut out[..9]), ERANGE);
            check_eq!(out, [0; 12]);
            data.try_copy_to_slice(&mut out)?;
            check_eq!(out, [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);

            // Another one's message, and no room for it here.
            check_err!(new(dma, 0)?.data(&message), ERANGE);
            Ok(())
        })
    }

    #[test]
    fn wrong_answers_are_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            for (field, value) in [
                (STATUS, 2),
                (STATUS, u32::MAX),
                (SEQUENCE, 0),
                (SEQUENCE, 2),
                (SEQUENCE, u32::MAX),
                (LENGTH, 129),
                (LENGTH, 1 << 31),
                (LENGTH, u32::MAX),
            ] {
                let mut mailbox = new(dma, 128)?;
                let peer = Peer::of(dma, &mailbox)?;
                mailbox.post(&[1], &[1; 10])?;
                peer.echo(10)?;
                peer.set(field, value)?;
                check_err!(mailbox.take(), EBADMSG);
            }
            Ok(())
        })
    }

    #[test]
    fn nothing_is_an_answer_before_the_first_request() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 128)?;
            let peer = Peer::of(dma, &mailbox)?;
            check_err!(mailbox.take(), EAGAIN);
            peer.set(STATUS, 1)?;
            for number in [0, 1, u32::MAX] {
                peer.set(SEQUENCE, number)?;
                check_err!(mailbox.take(), EBADMSG);
            }
            // Neither after a request that was refused.
            check_err!(mailbox.post(&[], &[0; 129]), EMSGSIZE);
            for number in [0, 1] {
                peer.set(SEQUENCE, number)?;
                check_err!(mailbox.take(), EBADMSG);
            }
            mailbox.post(&[1], &[])?;
            check_err!(mailbox.take(), EAGAIN);
            peer.echo(0)?;
            check_eq!(mailbox.take()?.0.sequence(), 1);
            Ok(())
        })
    }

    #[test]
    fn old_answers_are_no_answers() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 128)?;
            let peer = Peer::of(dma, &mailbox)?;
            mailbox.post(&[1], &[])?;
            peer.echo(0)?;
            let _ = mailbox.take()?;
            mailbox.post(&[2], &[])?;
            check_err!(mailbox.take(), EAGAIN);
            // Late, and to the request before.
            peer.set(SEQUENCE, 1)?;
            peer.set(STATUS, 1)?;
            check_err!(mailbox.take(), EBADMSG);
            Ok(())
        })
    }

    /// misuse: second-fetch
    #[test]
    fn a_length_that_grows_later_is_not_believed() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 128)?;
            let peer = Peer::of(dma, &mailbox)?;
            mailbox.post(&[5], &[9; 10])?;
            peer.echo(10)?;
            let (message, words) = mailbox.take()?;
            peer.set(LENGTH, u32::MAX)?;
            peer.set(FIRST_WORD, u32::MAX)?;
            let mut out = VVec::new();
            mailbox.data(&message)?.append_to(&mut out, GFP_KERNEL)?;
            check_eq!(out[..], [9; 10]);
            words.map(|words| words[0]).exactly(5)?;
            Ok(())
        })
    }
}
