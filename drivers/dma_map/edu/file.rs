// SPDX-License-Identifier: GPL-2.0

//! Open files of the mailbox: `write()` takes a request, `read()` returns a response.

use crate::{
    queue::{
        Opener,
        Request, //
    },
    server::Server,
    uapi::{
        self,
        Opcode,
        HEADER, //
    },
};
use dma_map::miscdevice::{
    Access,
    Events,
    FileOperations, //
};
use kernel::{
    fs,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::{
        poll::PollCondVar,
        Arc,
        ArcBorrow, //
    }, //
};

/// An open file.
pub(crate) struct File {
    server: Arc<Server>,
    opener: Opener,
}

#[vtable]
impl FileOperations for File {
    type Device = Server;

    fn open(server: ArcBorrow<'_, Server>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        let file = Self {
            opener: server.queue().open()?,
            server: server.into(),
        };
        Ok(KBox::pin(file, GFP_KERNEL)?)
    }

    /// Takes one request.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: shorter than a header, or the payload is not as long as the header says.
    /// - `EFAULT`: the memory cannot be read.
    /// - Those of [`uapi::Request::check`] and [`Server::submit`], and `ENOMEM`.
    fn write(&self, access: &mut Access<'_>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let size = iov.len();
        let mut head = [0; HEADER];
        if size < HEADER {
            return Err(EINVAL);
        }
        if iov.copy_from_iter(&mut head) != HEADER {
            return Err(EFAULT);
        }
        let head: uapi::Request = zerocopy::transmute!(head);
        let opcode = head.check()?;
        let length = head.length();
        if size - HEADER != length {
            return Err(EINVAL);
        }

        let lead = usize::from(head.source_offset);
        let mut payload = VVec::zeroed(lead + length, GFP_KERNEL)?;
        let room = payload.get_mut(lead..).ok_or(EINVAL)?;
        if iov.copy_from_iter(room) != length {
            return Err(EFAULT);
        }
        let reply = match opcode {
            Opcode::Loopback => {
                VVec::zeroed(usize::from(head.destination_offset) + length, GFP_KERNEL)?
            }
            _ => VVec::with_capacity(length, GFP_KERNEL)?,
        };

        let request = Request {
            opener: self.opener,
            opcode,
            head,
            payload,
            reply,
        };
        self.server.as_arc_borrow().submit(request, access.wait())?;
        Ok(size)
    }

    /// Returns one response.
    ///
    /// # Errors
    ///
    /// - `EFAULT`: the memory cannot be written; the response is kept.
    /// - Those of [`Queue::receive`](crate::queue::Queue::receive).
    fn read(&self, access: &mut Access<'_>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let queue = self.server.queue();
        let response = queue.receive(self.opener, iov.len(), access.wait())?;

        let head: [u8; HEADER] = zerocopy::transmute!(response.head);
        let payload = response.payload();
        if iov.copy_to_iter(&head) != HEADER || iov.copy_to_iter(payload) != payload.len() {
            queue.put_back(response);
            return Err(EFAULT);
        }

        queue.received(self.opener);
        Ok(HEADER + payload.len())
    }

    /// Maps the memory of the mailbox: read-only, and until the device is unbound.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the device is gone.
    /// - `EINVAL`: a writable mapping.
    /// - Those of [`Mmap::mmap`](dma_map::Mmap::mmap).
    fn mmap(&self, _file: &fs::File, vma: &VmaNew) -> Result {
        vma.try_clear_maywrite()?;
        self.server.mmap(vma)
    }

    /// Returns the events that the file is ready for.
    fn poll(&self, _file: &fs::File) -> Events {
        self.server.queue().ready(self.opener)
    }

    /// Returns the wait queue. It lives as long as the server, which outlives the binding.
    fn poll_queue(&self) -> &PollCondVar {
        self.server.queue().changed()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.server.queue().release(self.opener);
    }
}
