// SPDX-License-Identifier: GPL-2.0

//! Queue of the requests and responses of all open files.
//!
//! One lock and one wait queue for a device are enough: its engine does ten transfers a second.

use crate::uapi::{
    self,
    Opcode,
    HEADER,
    OPEN_MAX, //
};
use dma_map::miscdevice::{
    Events,
    Wait, //
};
use kernel::{
    error::Error,
    new_mutex,
    new_poll_condvar,
    prelude::*,
    sync::{
        poll::PollCondVar,
        Arc,
        Mutex, //
    }, //
};

/// How many requests of all open files together may wait for the device.
const PENDING_MAX: usize = 64;

/// The ID of an open file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opener(u64);

/// A request that was checked, with all the memory that its response needs.
pub(crate) struct Request {
    pub(crate) opener: Opener,
    pub(crate) opcode: Opcode,
    pub(crate) head: uapi::Request,
    /// The payload, behind `source_offset` bytes.
    pub(crate) payload: VVec<u8>,
    /// The memory for the response's payload.
    pub(crate) reply: VVec<u8>,
}

/// A response.
pub(crate) struct Response {
    opener: Opener,
    pub(crate) head: uapi::Response,
    body: VVec<u8>,
    /// Where in `body` the payload starts.
    start: usize,
}

impl Response {
    /// Returns an empty response to `request`.
    pub(crate) fn to(request: &Request) -> Self {
        Self {
            opener: request.opener,
            head: uapi::Response {
                opcode: request.head.opcode,
                length: 0,
                cookie: request.head.cookie,
                status: 0,
                value: 0,
                sequence: 0,
                transfers: 0,
            },
            body: VVec::new(),
            start: 0,
        }
    }

    /// Makes the bytes of `body` from `start` on the payload.
    pub(crate) fn set_body(&mut self, body: VVec<u8>, start: usize) {
        self.body = body;
        self.start = start;
        // CAST: At most `LOOPBACK_MAX`.
        self.head.length = self.payload().len() as u32;
    }

    /// Makes this a response with an error and no result.
    pub(crate) fn fail(&mut self, error: Error) {
        self.head.status = error.to_errno();
        self.head.value = 0;
        self.set_body(VVec::new(), 0);
    }

    /// Returns the payload.
    pub(crate) fn payload(&self) -> &[u8] {
        self.body.get(self.start..).unwrap_or_default()
    }

    /// Returns the size of header and payload in bytes.
    fn size(&self) -> usize {
        HEADER + self.payload().len()
    }
}

/// The responses of one open file.
struct Inbox {
    opener: Opener,
    /// Requests that wait or run, and responses that are not read. At most [`OPEN_MAX`].
    under_way: usize,
    /// Has room for [`OPEN_MAX`], so that delivering does not fail.
    responses: KVec<Response>,
}

struct State {
    /// The device is gone.
    closed: bool,
    last: u64,
    inboxes: KVec<Inbox>,
    pending: KVec<Request>,
}

impl State {
    fn inbox(&mut self, opener: Opener) -> Option<&mut Inbox> {
        self.inboxes.iter_mut().find(|inbox| inbox.opener == opener)
    }

    /// Delivers `response` to the open file of its request, or drops it if that was closed.
    fn deliver(&mut self, response: Response) {
        if let Some(inbox) = self.inbox(response.opener) {
            // There is room, see `Inbox::responses`.
            let _ = inbox.responses.push_within_capacity(response);
        }
    }

    /// Returns whether `opener` may add a request.
    fn takes(&mut self, opener: Opener) -> bool {
        self.pending.len() < PENDING_MAX
            && self
                .inbox(opener)
                .is_some_and(|inbox| inbox.under_way < OPEN_MAX)
    }
}

/// The queue of one device.
#[pin_data]
pub(crate) struct Queue {
    #[pin]
    state: Mutex<State>,
    /// Woken at every change of `state`.
    #[pin]
    changed: PollCondVar,
}

impl Queue {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let pending = KVec::with_capacity(PENDING_MAX, GFP_KERNEL)?;

        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(State {
                    closed: false,
                    last: 0,
                    inboxes: KVec::new(),
                    pending,
                }, "dma_map_edu::Queue"),
                changed <- new_poll_condvar!("dma_map_edu::Queue"),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds an open file.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device is gone, and `ENOMEM`.
    pub(crate) fn open(&self) -> Result<Opener> {
        let responses = KVec::with_capacity(OPEN_MAX, GFP_KERNEL)?;
        let mut state = self.state.lock();
        if state.closed {
            return Err(ENODEV);
        }

        let opener = Opener(state.last);
        state.inboxes.push(
            Inbox {
                opener,
                under_way: 0,
                responses,
            },
            GFP_KERNEL,
        )?;
        state.last += 1;
        Ok(opener)
    }

    /// Removes an open file, with its pending requests and its responses. A running request goes on.
    pub(crate) fn release(&self, opener: Opener) {
        let mut state = self.state.lock();

        state.inboxes.retain(|inbox| inbox.opener != opener);
        state.pending.retain(|request| request.opener != opener);
        self.changed.notify_all();
    }

    /// Adds a request.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the device is gone.
    /// - `EAGAIN`: there is no room, and the caller does not want to sleep.
    /// - `ERESTARTSYS`: a signal came first.
    pub(crate) fn push(&self, request: Request, wait: Wait) -> Result {
        let mut state = self.state.lock();

        loop {
            if state.closed {
                return Err(ENODEV);
            }
            if state.takes(request.opener) {
                break;
            }
            if wait == Wait::No {
                return Err(EAGAIN);
            }
            if self.changed.wait_interruptible(&mut state) {
                return Err(ERESTARTSYS);
            }
        }

        if let Some(inbox) = state.inbox(request.opener) {
            inbox.under_way += 1;
        }
        // There is room, see `takes()`.
        let _ = state.pending.push_within_capacity(request);
        Ok(())
    }

    /// Takes out the oldest request.
    pub(crate) fn pop(&self) -> Option<Request> {
        let request = self.state.lock().pending.remove(0).ok()?;

        // There is room for another one.
        self.changed.notify_all();
        Some(request)
    }

    /// Delivers a response.
    pub(crate) fn deliver(&self, response: Response) {
        self.state.lock().deliver(response);
        self.changed.notify_all();
    }

    /// Takes out the oldest response for `opener`, if it is no longer than `room` bytes.
    ///
    /// # Errors
    ///
    /// - `EMSGSIZE`: it is longer; it stays in the queue.
    /// - `ENODEV`: no response, and the device is gone.
    /// - `EAGAIN`: no response, and the caller does not want to sleep.
    /// - `ERESTARTSYS`: a signal came first.
    pub(crate) fn receive(&self, opener: Opener, room: usize, wait: Wait) -> Result<Response> {
        let mut state = self.state.lock();

        loop {
            let closed = state.closed;
            let inbox = state.inbox(opener).ok_or(ENODEV)?;
            if let Some(response) = inbox.responses.first() {
                if response.size() > room {
                    return Err(EMSGSIZE);
                }
                return inbox.responses.remove(0).map_err(|_| EAGAIN);
            }
            if closed {
                return Err(ENODEV);
            }
            if wait == Wait::No {
                return Err(EAGAIN);
            }
            if self.changed.wait_interruptible(&mut state) {
                return Err(ERESTARTSYS);
            }
        }
    }

    /// Counts a received response as read.
    pub(crate) fn received(&self, opener: Opener) {
        if let Some(inbox) = self.state.lock().inbox(opener) {
            inbox.under_way -= 1;
        }
        self.changed.notify_all();
    }

    /// Puts back a received response that could not be copied to user space, as the next one.
    pub(crate) fn put_back(&self, response: Response) {
        if let Some(inbox) = self.state.lock().inbox(response.opener) {
            // There is room, since it is still counted as under way.
            let _ = inbox.responses.insert_within_capacity(0, response);
        }
        self.changed.notify_all();
    }

    /// Answers all requests with `ENODEV`, and takes no more.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();

        state.closed = true;
        for request in core::mem::take(&mut state.pending) {
            let mut response = Response::to(&request);
            response.fail(ENODEV);
            state.deliver(response);
        }
        self.changed.notify_all();
    }

    /// Returns the wait queue, which is woken at every change.
    pub(crate) fn changed(&self) -> &PollCondVar {
        &self.changed
    }

    /// Returns the events that `opener` is ready for.
    pub(crate) fn ready(&self, opener: Opener) -> Events {
        let mut state = self.state.lock();

        let mut events = Events::NONE;
        if state
            .inbox(opener)
            .is_some_and(|inbox| !inbox.responses.is_empty())
        {
            events |= Events::READ;
        }
        if state.closed {
            events |= Events::ERROR | Events::HANG_UP;
        } else if state.takes(opener) {
            events |= Events::WRITE;
        }
        events
    }
}
