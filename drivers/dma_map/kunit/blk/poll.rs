// SPDX-License-Identifier: GPL-2.0

//! Requests whose submitter polls for them.

use super::{
    io::*,
    life::SHORT,
    *, //
};
use kernel::sync::SetOnce;

/// A driver whose device completes what somebody polls for. The rest it completes at once.
struct Polled<'x> {
    script: Arc<Script>,
    tags: SetOnce<Arc<TagSet<PolledLt>>>,
    /// How often somebody polled.
    polls: Atomic<u32>,
    _dma: DmaDevice<'x>,
}

type PolledLt = ForLt!(Polled<'_>);

impl Guarded for Polled<'_> {
    fn shutdown(&self) {}
}

#[vtable]
impl<'x> blk::Operations for Polled<'x> {
    type Disk = ();
    type Command = Command;
    type Mark = Scripted;
    type Engine<'a>
        = &'a Scripted
    where
        Self: 'a;

    fn engine(&self, _queue: u32, _tag: u32) -> &Scripted {
        &self.script.engine
    }

    fn queue_rq(&self, request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        self.script.requests.add(1, Relaxed);
        if !request.is_polled() {
            request.end(Ok(()));
            return Ok(());
        }
        let at = (request.queue(), request.tag());
        self.script.commands.add(1, Relaxed);
        request.start(Command(self.script.clone()));
        let _ = self.script.started.lock().push(at, GFP_ATOMIC);
        Ok(())
    }

    fn poll(&self, queue: u32) -> u32 {
        self.polls.add(1, Relaxed);
        let started = { self.script.started.lock().pop() };
        let (Some((at, tag)), Some(tags)) = (started, self.tags.as_ref()) else {
            return 0;
        };
        if at != queue {
            return 0;
        }
        let ended = tags.take(at, tag, |claimed| claimed.end(Ok(())).is_ok());
        u32::from(ended == Some(true))
    }
}

/// What a case has.
struct Stand {
    script: Arc<Script>,
    gate: Arc<Gate<PolledLt>>,
    file: Opened,
    disk: Disk<PolledLt>,
}

impl Stand {
    fn new(probe: &Probe<'_, '_>, options: TagSetOptions) -> Result<Self> {
        let script = Script::new()?;
        let shared = script.clone();
        let gate = probe.gate::<PolledLt>(ALL, |dma| {
            let polled = Polled {
                script: shared,
                tags: SetOnce::new(),
                polls: Atomic::new(0),
                _dma: dma,
            };
            Ok(KBox::pin(polled, GFP_KERNEL)?)
        })?;
        let tags = TagSet::new(&gate, options)?;
        let inside = gate.try_access().ok_or(ENODEV)?;
        check!(inside.with(|polled| polled.tags.populate(tags.clone())));
        drop(inside);
        let name = name()?;
        let disk = Disk::add(probe.core(), tags, fmt!("{}", &*name), (), DISK)?;
        Ok(Self {
            script,
            gate,
            file: Opened::open(probe, &name)?,
            disk,
        })
    }

    fn polls(&self) -> Result<u32> {
        let inside = self.gate.try_access().ok_or(ENODEV)?;
        Ok(inside.with(|polled| polled.polls.load(Relaxed)))
    }
}

#[kunit_tests(dma_map_blk_poll)]
mod tests {
    use super::*;

    #[test]
    fn who_polls_finds_its_completion() -> Result {
        each_probe(|probe| {
            let stand = Stand::new(probe, TagSetOptions::new(1, DEPTH).poll_queues(1))?;
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let io = stand.file.start(READ | POLLED, 0, &mut buffer)?;
            let io = io.check_pending()?;
            check_eq!(stand.polls()?, 0);
            // Behind the queue with interrupts.
            check_eq!(stand.script.started.lock().first().map(|at| at.0), Some(1));
            check!(io.poll() > 0);
            io.end()?;
            check_eq!(stand.polls()?, 1);
            check_eq!(stand.script.commands.load(Relaxed), 0);
            // The others do not wait for anybody.
            stand.file.run(READ, 0, &mut buffer)?;
            check_eq!(stand.polls()?, 1);
            Ok(())
        })
    }

    #[test]
    fn without_queues_to_poll_nobody_polls() -> Result {
        each_probe(|probe| {
            let stand = Stand::new(probe, TagSetOptions::new(1, DEPTH))?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let io = stand.file.start(READ | POLLED, 0, &mut buffer)?;
            check_eq!(io.poll(), 0);
            check_err!(io.end(), EOPNOTSUPP);
            check_eq!(stand.polls()?, 0);
            Ok(())
        })
    }

    #[test]
    fn a_request_that_nobody_polls_for_times_out() -> Result {
        each_probe(|probe| {
            let stand = Stand::new(probe, SHORT.poll_queues(1))?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let io = stand.file.start(READ | POLLED, 0, &mut buffer)?;
            let io = io.check_pending()?;
            // The removal waits for that.
            drop(stand.disk);
            check_eq!(stand.script.commands.load(Relaxed), 0);
            // There is no disk that could be polled.
            check_eq!(io.poll(), 0);
            check_err!(io.end(), ETIMEDOUT);
            Ok(())
        })
    }
}
