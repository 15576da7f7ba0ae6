// SPDX-License-Identifier: GPL-2.0

//! Benchmark: post a request, answer it in the device's place, and take and check the response.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    }, //
};
use dma_map::{
    mailbox::{
        Block,
        Mailbox, //
    },
    view::CoherentBackend,
    DmaCoherent,
    DmaDevice,
    Gfp,
    Shared, //
};
use kernel::{
    io::IoBackend,
    macros::paste,
    prelude::*, //
};

/// The most data of a message in bytes.
const CAPACITY: usize = 1024;

extern "C" {
    fn dma_map_bench_answer(request: *const c_void, response: *mut c_void);
}

type Memory<'b> = DmaCoherent<'b, [Block], Shared<Idle>>;

struct Device<'b> {
    dev: DmaDevice<'b>,
    length: usize,
    run: for<'x> fn(&mut Talk<'x>, usize) -> Result,
}

struct Talk<'b> {
    mailbox: Mailbox<Memory<'b>>,
    request: *const c_void,
    response: *mut c_void,
    data: VVec<u8>,
    run: Entry<Self>,
}

// SAFETY: The pointers lead into the memory of the mailbox, which is `Send`, and in the same structure.
unsafe impl Send for Talk<'_> {}

impl Opened for Device<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let blocks = Mailbox::blocks_for(CAPACITY);
        let memory = DmaCoherent::<[Block]>::zeroed_slice(self.dev, blocks, Gfp::Kernel)?;
        let mailbox = Mailbox::new(memory.give(Idle))?;
        let talk = Talk {
            request: CoherentBackend::as_ptr(mailbox.request())
                .cast_const()
                .cast(),
            response: CoherentBackend::as_ptr(mailbox.response()).cast(),
            mailbox,
            data: VVec::from_elem(0, self.length, GFP_KERNEL)?,
            run: self.run,
        };
        Ok(KBox::new(talk, GFP_KERNEL)?)
    }
}

impl Prepared for Talk<'_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn post_take(talk: &mut Talk<'_>, loops: usize) -> Result {
    const WORDS: [u32; 2] = [7, 11];

    for _ in 0..loops {
        // As in a driver, the compiler does not know the length.
        talk.mailbox.post(&WORDS, &talk.data)?;
        // SAFETY: The pointers are those of the mailbox's two slots, which are alive. The memory is shared,
        // so there is no reference to it.
        unsafe { dma_map_bench_answer(talk.request, talk.response) };
        let (message, words) = talk.mailbox.take()?;
        words.map(|words| words[0]).exactly(WORDS[0])?;
        if message.len() != talk.data.len() {
            return Err(EBADMSG);
        }
        talk.mailbox
            .data(&message)?
            .try_copy_to_slice(&mut talk.data)?;
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $length:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](talk: &mut Talk<'_>, loops: usize) -> Result {
                post_take(talk, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    if live != 0 {
                        return Err(EOPNOTSUPP);
                    }
                    let device = Device {
                        dev,
                        length: $length,
                        run: [<rust_ $name>],
                    };
                    Ok(KBox::new(device, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    mailbox_words, 0;
    mailbox_1k, CAPACITY;
}
