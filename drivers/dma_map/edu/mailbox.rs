// SPDX-License-Identifier: GPL-2.0

//! Bound device, and how it runs a request.
//!
//! All of this is tied to the binding, so it lives in a [`Gate`](dma_map::gate::Gate). Files and
//! the worker may outlive the binding, and get here through the gate.

use crate::{
    engine::Edu,
    irq::{
        Completion,
        Irq, //
    },
    message::{
        Channel,
        Memory, //
    },
    payload,
    queue::{
        Queue,
        Request,
        Response, //
    },
    uapi::Opcode,
};
use dma_map::{
    gate::{
        Guarded,
        Scope, //
    },
    wait::Deadline,
    workqueue::WorkQueue,
    DmaDevice, //
};
use kernel::{
    device::Bound,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::Delta,
    types::ForLt, //
};

/// [`Mailbox`], for any lifetime.
pub(crate) type MailboxLt = ForLt!(Mailbox<'_>);

/// A bound device.
#[pin_data(PinnedDrop)]
pub(crate) struct Mailbox<'bound> {
    worker: Arc<WorkQueue>,
    // In the order in which they must be dropped: first what uses the device, then the device.
    #[pin]
    channel: Mutex<Channel<'bound>>,
    /// The memory of `channel`, outside the lock: `mmap()` must not wait for a transfer.
    memory: Arc<Memory<'bound>>,
    _irq: Option<Irq<'bound>>,
    completion: Completion,
    dma: DmaDevice<'bound>,
    edu: Arc<Edu<'bound>>,
    queue: Arc<Queue>,
}

impl<'bound> Mailbox<'bound> {
    /// Sets up a device that answers the requests in `queue`.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        queue: Arc<Queue>,
    ) -> Result<Pin<KBox<Self>>> {
        let dma = scope.dma();
        let edu = Edu::new(pdev)?;
        let channel = Channel::new(dma, edu.clone())?;
        let (completion, irq) = Irq::set_up(scope, &edu)?;

        KBox::try_pin_init(
            try_pin_init!(Self {
                worker: WorkQueue::new(dma, c"dma_map_edu")?,
                memory: channel.memory(),
                channel <- new_mutex!(channel, "dma_map_edu::Mailbox"),
                _irq: irq,
                completion,
                dma,
                edu,
                queue,
            }),
            GFP_KERNEL,
        )
    }

    /// Returns the workqueue, whose work ends with the binding.
    pub(crate) fn worker(&self) -> &WorkQueue {
        &self.worker
    }

    /// Returns the memory of the mailbox, for `mmap()`.
    pub(crate) fn memory(&self) -> &Memory<'bound> {
        &self.memory
    }

    /// Returns how the driver learns that a command is done.
    pub(crate) fn completion(&self) -> Completion {
        self.completion
    }

    /// Returns the device's version: major and minor.
    pub(crate) fn version(&self) -> (u8, u8) {
        let id = self.edu.identification();
        (id.major().into(), id.minor().into())
    }

    /// Runs a request, and returns its response, which has the error if it failed.
    pub(crate) fn execute(&self, request: Request) -> Response {
        let mut channel = self.channel.lock();
        let before = self.edu.transfers();
        let mut response = Response::to(&request);

        if let Err(error) = self.run(&mut channel, request, &mut response) {
            response.fail(error);
        }
        response.head.transfers = self.edu.transfers().wrapping_sub(before);
        response
    }

    fn run(
        &self,
        channel: &mut Channel<'bound>,
        mut request: Request,
        response: &mut Response,
    ) -> Result {
        let deadline = Deadline::after(Delta::from_millis(request.head.timeout().into()));
        let (opcode, argument) = (request.opcode, request.head.argument);
        let data: &[u8] = match opcode {
            Opcode::Echo => &request.payload,
            _ => &[],
        };

        let message = channel.call(&self.edu, opcode, argument, data, &deadline)?;
        response.head.sequence = message.sequence();

        // Go by the message that came back from the device, not by the request.
        match message.opcode {
            Opcode::Identify => response.head.value = self.edu.identification().into_raw(),
            Opcode::Ping => response.head.value = self.edu.liveness(message.argument),
            Opcode::Factorial => {
                response.head.value = self.edu.factorial(message.argument, &deadline)?
            }
            Opcode::Echo => {
                channel.data(&message, &mut request.reply)?;
                response.set_body(request.reply, 0);
            }
            Opcode::Loopback => {
                let at = request.head.destination_offset.into();
                let body = payload::loop_back(self.dma, &self.edu, request, &deadline)?;
                response.set_body(body, at);
            }
        }

        // The values of registers are a result only if the device has answered.
        if !self.edu.answers() {
            return Err(EIO);
        }
        Ok(())
    }
}

impl Guarded for Mailbox<'_> {
    fn shutdown(&self) {
        self.queue.close();
        self.edu.events().abort();
    }
}

#[pinned_drop]
impl PinnedDrop for Mailbox<'_> {
    fn drop(self: Pin<&mut Self>) {
        // While the interrupt that ends a transfer still has its handler.
        self.edu.shut_down();
    }
}
