// SPDX-License-Identifier: GPL-2.0

//! `Exchange`: a request and its response as a transfer.
//!
//! Which memory the device is told of, and how the transfer ends.

use super::*;
use crate::engines::Scripted;
use core::mem::forget;
use dma_map::{
    FromDevice,
    Mmap,
    Piece,
    ToDevice,
    Transfer, //
};
use kernel::sync::Arc;

fn with<'b, 'e>(
    dma: DmaDevice<'b>,
    engine: &'e Scripted,
) -> Result<Mailbox<DmaCoherent<'b, [Block], Shared<&'e Scripted>>>> {
    let blocks = Mailbox::blocks_for(128);
    Mailbox::new(DmaCoherent::<[Block]>::zeroed_slice(dma, blocks, Gfp::Kernel)?.give(engine))
}

/// The device copies the request to the response slot.
fn echo<E>(
    dma: DmaDevice<'_>,
    request: Piece<'_, ToDevice, E>,
    response: Piece<'_, FromDevice, E>,
) -> Result {
    let response = response.part(0..request.len())?;
    let mut data = KVec::from_elem(0, request.len(), GFP_KERNEL)?;
    device_side::read(dma, request.address(), &mut data)?;
    device_side::write(dma, response.address(), &data)
}

#[kunit_tests(dma_map_mailbox_exchange)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_told_of_both_slots() -> Result {
        each_dma(ALL, |dma| {
            let mut mailbox = new(dma, 1000)?;
            let capacity = mailbox.capacity();
            let peer = Peer::of(dma, &mailbox)?;

            for (i, length) in [0, 1, 64, 1000, capacity].into_iter().enumerate() {
                let mut data = KVec::from_elem(0, length, GFP_KERNEL)?;
                pattern::fill(&mut data, i as u8, 0);
                let exchange = mailbox.post(&[7], &data)?;
                let transfer = Transfer::start(exchange, |(request, response)| {
                    check_eq!(
                        (request.address(), request.len()),
                        (peer.request, mailbox::size_of(length))
                    );
                    check_eq!(
                        (response.address(), response.len()),
                        (peer.response, mailbox::size_of(capacity))
                    );
                    echo(dma, request, response)
                })?;

                let (message, words) = transfer.complete()?.take()?;
                check_eq!(message.sequence(), i as u32 + 1);
                words.map(|words| words[0]).exactly(7)?;
                let mut out = VVec::new();
                mailbox.data(&message)?.append_to(&mut out, GFP_KERNEL)?;
                check_eq!(out[..], data[..]);
            }
            Ok(())
        })
    }

    #[test]
    fn a_response_can_be_looked_for_in_flight() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let mut mailbox = with(dma, &engine)?;
            let exchange = mailbox.post(&[1], &[9; 100])?;
            let transfer = Transfer::start(exchange, |_| {
                engine.start();
                Ok(())
            })?;
            check!(!transfer.is_idle());
            check_err!(transfer.handles().mailbox().take(), EAGAIN);
            let (request, response) = transfer.pieces();
            echo(dma, request, response)?;
            check_eq!(transfer.handles().mailbox().take()?.0.len(), 100);

            let transfer = match transfer.complete() {
                Ok(_) => return Err(EINVAL),
                Err(busy) => busy.0,
            };
            engine.finish();
            check_eq!(transfer.complete()?.take()?.0.sequence(), 1);
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn a_device_that_fails_is_stopped_and_gets_the_next_request() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let mut mailbox = with(dma, &engine)?;
            let exchange = mailbox.post(&[1], &[1; 10])?;
            let failed = Transfer::start(exchange, |_| {
                engine.start();
                Err(EIO)
            });
            check_err!(failed.map(|_| ()), EIO);
            check_eq!(engine.stopped(), 1);

            // Dropped, too.
            engine.start();
            drop(Transfer::start(mailbox.post(&[2], &[])?, |_| Ok(()))?);
            check_eq!(engine.stopped(), 2);

            engine.finish();
            let exchange = mailbox.post(&[3], &[3; 10])?;
            let mailbox =
                Transfer::start(exchange, |(request, response)| echo(dma, request, response))?
                    .complete()?;
            let (message, words) = mailbox.take()?;
            check_eq!(message.sequence(), 3);
            words.map(|words| words[0]).exactly(3)?;
            Ok(())
        })
    }

    /// What is leaked is a borrow: the memory asks the engine itself.
    #[test]
    fn a_leaked_transfer_leaves_the_memory_to_its_handle() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut mailbox = with(dma, &engine)?;
            forget(Transfer::start(mailbox.post(&[1], &[])?, |_| Ok(()))?);
            check_eq!(engine.stopped(), 0);
            mailbox.post(&[2], &[])?;
            drop(mailbox);
            check_eq!(engine.stopped(), 1);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn memory_that_others_have_too() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let blocks = Mailbox::blocks_for(4000);
            let memory = DmaCoherent::<[Block]>::zeroed_slice(dma, blocks, Gfp::Kernel)?;
            let memory = Arc::new(Mmap::new(memory.give(&engine))?, GFP_KERNEL)?;
            let mut mailbox = Mailbox::new(memory.clone())?;
            let exchange = mailbox.post(&[1], &[5; 4000])?;
            // It is stopped after it has answered.
            let mailbox =
                Transfer::start(exchange, |(request, response)| echo(dma, request, response))?
                    .cancel()?;
            check_eq!(engine.stopped(), 1);
            let (message, _) = mailbox.take()?;
            let mut out = VVec::new();
            mailbox.data(&message)?.append_to(&mut out, GFP_KERNEL)?;
            check_eq!(out[..], [5; 4000]);
            engine.finish();
            drop(memory);
            Ok(())
        })
    }
}
