// SPDX-License-Identifier: GPL-2.0

//! The DMA of a card reader, which walks a table of scattered memory.

use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    endian::Le,
    pci::BusMaster,
    sg::SgSource,
    state::Shared,
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    Engine,
    FromDevice,
    Gfp,
    Piece,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::{
    device::Bound,
    dma::DmaMask,
    io::{
        io_project,
        io_write,
        Io, //
    },
    pci,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc, //
    },
};

/// An entry of the table has 32 bits for an address, and the reader takes 64 KiB at a time.
pub const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<32>()).max_segment_size(0x10000);

/// Entries in the table.
const ENTRIES: usize = 384;

/// Registers.
const TABLE: usize = 0x08;
const CONTROL: usize = 0x0c;
const INTERRUPTS: usize = 0x14;

/// `CONTROL`: start, with a table; the direction; stop.
const START: u32 = 1 << 31 | 2 << 26;
const TO_MEMORY: u32 = 1 << 29;
const STOP: u32 = 1 << 28;

/// `INTERRUPTS`: the transfer has ended, well or not.
const ENDED: u32 = 3 << 28;

/// An entry of the table: valid, data; and the last one.
const DATA: u64 = 0x21;
const END: u64 = 0x02;

/// The reader.
pub struct Reader<'bound> {
    // Dropped first: its drop ends the reader's DMA.
    master: BusMaster<'bound>,
    bar: pci::Bar<'bound, 0x20>,
    /// Whether the reader has no transfer, as far as it has told us.
    is_idle: Atomic<bool>,
}

// SAFETY: The interrupt comes after the last access of a transfer, and the handler sets the flag with
// `Release`, only while a transfer is under way. Without bus mastering the reader has no access. `new()`
// makes the one `BusMaster`, after an old command was stopped, and nobody enables it again. Only `start()`
// tells the reader of memory: of a table with the mark of this engine, whose entries are pieces with it.
unsafe impl Engine for Reader<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.is_idle.load(Acquire)
    }

    fn quiesce(&self) -> Result {
        self.bar.write32(STOP, CONTROL);
        self.master.disable();
        // The read returns after all earlier writes of the reader are in memory.
        let _ = self.bar.read32(CONTROL);
        self.is_idle.store(true, Release);
        Ok(())
    }
}

impl<'bound> Reader<'bound> {
    /// Maps the registers, stops an old command, and enables DMA.
    pub fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: pci::Bar<'bound, 0x20> = pdev.iomap_region_sized(0, c"card_reader")?;

        bar.write32(STOP, CONTROL);
        let reader = Self {
            master: BusMaster::new(pdev),
            bar,
            is_idle: Atomic::new(true),
        };
        Ok(Arc::new(reader, GFP_KERNEL)?)
    }

    fn start<D: Direction>(&self, table: Piece<'_, D, Self>, way: u32) -> Result {
        let table = table.address().try_into()?;

        self.is_idle.store(false, Relaxed);
        self.bar.write32(table, TABLE);
        self.bar.write32(START | way, CONTROL);
        Ok(())
    }

    /// Takes note of the interrupts that are raised. Returns whether a transfer has ended.
    ///
    /// Context: hard IRQ.
    pub fn handle_interrupt(&self) -> bool {
        let raised = self.bar.read32(INTERRUPTS);
        self.bar.write32(raised, INTERRUPTS);

        // All ones: the reader is gone.
        let has_ended = raised != u32::MAX && raised & ENDED != 0;
        if has_ended {
            self.is_idle.store(true, Release);
        }
        has_ended
    }
}

/// The side of the reader that moves data: one transfer at a time, because it has the only table.
pub struct Data<'bound> {
    reader: Arc<Reader<'bound>>,
    table: DmaCoherent<'bound, [Le<u64>], Shared<Arc<Reader<'bound>>>>,
}

impl<'bound> Data<'bound> {
    /// Allocates the table.
    pub fn new(dma: DmaDevice<'bound>, reader: Arc<Reader<'bound>>) -> Result<Self> {
        let table = DmaCoherent::<[Le<u64>]>::zeroed_slice(dma, ENTRIES, Gfp::Kernel)?;
        Ok(Self {
            table: table.give(reader.clone()),
            reader,
        })
    }

    /// Reads from the card to `room`, and returns it. `wait` waits for the interrupt, up to a time limit.
    pub fn read<B: SgSource>(&mut self, room: B, wait: impl FnOnce() -> Result) -> Result<B>
    where
        FromDevice: Carries<B::Element>,
    {
        self.run(room, FromDevice, TO_MEMORY, wait)
    }

    /// Writes `data` to the card.
    pub fn write<B: SgSource>(&mut self, data: B, wait: impl FnOnce() -> Result) -> Result<B>
    where
        ToDevice: Carries<B::Element>,
    {
        self.run(data, ToDevice, 0, wait)
    }

    fn run<B: SgSource, D: Carries<B::Element>>(
        &mut self,
        data: B,
        direction: D,
        way: u32,
        wait: impl FnOnce() -> Result,
    ) -> Result<B> {
        let dma = self.table.device();
        let data = SgMapping::map(dma, data, direction, &*self.reader, Gfp::Kernel)?;

        // More entries than the table has are `ERANGE`, before the reader is told of anything.
        let transfer = Transfer::start((&self.table, data), |(table, data)| {
            let mut count = 0;
            let mut data = data.peekable();
            while let Some(piece) = data.next() {
                let end = if data.peek().is_none() { END } else { 0 };
                io_write!(table.view(), [try: count], entry(piece, end).into());
                count += 1;
            }
            self.reader
                .start(io_project!(table, [try: ..count]).piece()?, way)
        })?;

        match wait() {
            // `EBUSY`, and a reader that was stopped, if the interrupt was that of something else.
            Ok(()) => Ok(transfer.complete()?.1.unmap()),
            Err(error) => {
                transfer.cancel()?;
                Err(error)
            }
        }
    }
}

/// Returns the entry for `piece`.
fn entry<D: Direction>(piece: Piece<'_, D, Reader<'_>>, end: u64) -> u64 {
    piece.address() << 32 | (piece.len() as u64) << 12 | DATA | end
}
