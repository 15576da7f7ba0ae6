// SPDX-License-Identifier: GPL-2.0

//! The DMA of a controller with channels, each of which follows a chain of descriptors.

use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    endian::Le,
    error::Busy,
    pci::BusMaster,
    sg::SgSource,
    state::{
        Device,
        Shared, //
    },
    DmaDevice,
    DmaLimits,
    DmaPool,
    Engine,
    Gfp,
    PoolBlock,
    SgMapping,
    Transfer, //
};
use kernel::{
    device::Bound,
    dma::DmaMask,
    io::{
        io_write,
        Io, //
    },
    pci,
    prelude::*,
    sync::Arc,
    time::{
        delay::udelay,
        Delta, //
    },
};

/// Addresses have 32 bits, and those of descriptors are multiples of 4.
pub const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<32>());

/// The most that one descriptor moves: whole words.
const MOST: usize = 0x7fc;

/// Registers of all channels: 4 bits in the one and 2 in the other for each channel.
const CONTROL: usize = 0x00;
const STATUS: usize = 0x10;
/// `NEXT` of channel 0. Those of the others follow, 16 bytes apart.
const NEXT: usize = 0x2c;

/// `CONTROL`, for one channel: how it works, and to where; and what leaves the others as they are.
const CHAIN: u32 = 1;
const FROM_MEMORY: u32 = 4;
const UNCHANGED: u32 = 0x3333_3333;

/// The low bits of an address in `Descriptor::next`.
const END_WITH_INTERRUPT: u32 = 1;
const FOLLOW: u32 = 2;

/// What the controller reads, and nothing else.
#[repr(C)]
#[derive(FromBytes, IntoBytes)]
pub struct Descriptor {
    device: Le<u32>,
    memory: Le<u32>,
    size: Le<u32>,
    next: Le<u32>,
}

/// The controller. Its drop ends all DMA.
pub struct Controller<'bound> {
    _master: BusMaster<'bound>,
    bar: pci::Bar<'bound, 0xe0>,
}

impl<'bound> Controller<'bound> {
    /// Maps the registers, stops all channels, and enables DMA.
    pub fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: pci::Bar<'bound, 0xe0> = pdev.iomap_region_sized(1, c"dma_chain")?;

        bar.write32(0, CONTROL);
        let _master = BusMaster::new(pdev);
        Ok(Arc::new(Self { _master, bar }, GFP_KERNEL)?)
    }
}

/// The pool of all channels' descriptors.
pub type Pool<'bound> = Arc<DmaPool<'bound, Descriptor>>;

/// Makes the pool, in `probe`.
pub fn pool<'bound>(dma: DmaDevice<'bound>) -> Result<Pool<'bound>> {
    Ok(Arc::new(DmaPool::new(dma, c"chain")?, GFP_KERNEL)?)
}

/// One of channels 0 to 7. The engine of its descriptors and of the data that they name.
#[derive(Clone)]
pub struct Channel<'bound> {
    controller: Arc<Controller<'bound>>,
    number: u32,
}

impl<'bound> Channel<'bound> {
    /// Returns channel `number`. `EINVAL`: there is none.
    pub fn new(controller: Arc<Controller<'bound>>, number: u32) -> Result<Self> {
        (number < 8)
            .then_some(Self { controller, number })
            .ok_or(EINVAL)
    }

    /// Sets the mode of this channel, and leaves the others as they are.
    fn set_mode(&self, mode: u32) {
        let shift = 4 * self.number;
        let others = UNCHANGED & !(0xf << shift);
        self.controller.bar.write32(others | mode << shift, CONTROL);
    }

    /// Lets the channel follow a chain from `first` on.
    fn run<D: Direction>(&self, first: &PoolBlock<Pool<'bound>, Shared<Self>>) -> Result {
        let to = if D::DEVICE_WRITES { 0 } else { FROM_MEMORY };
        let next = u32::try_from(first.dma_address())?;

        let bar = &self.controller.bar;
        bar.try_write32(next, NEXT + 16 * self.number as usize)?;
        self.set_mode(CHAIN | to);
        Ok(())
    }
}

// SAFETY: The two bits of a channel in `STATUS` are 0 when it has no descriptor, and it takes none before
// `run()` sets its mode. A controller that is gone reads as all ones. `quiesce()` waits for these bits after
// the mode was cleared. Only `run()` tells a channel of memory: of blocks and pieces whose handles carry it.
unsafe impl Engine for Channel<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.controller.bar.read32(STATUS) >> (16 + 2 * self.number) & 3 == 0
    }

    fn quiesce(&self) -> Result {
        self.set_mode(0);
        for _ in 0..100 {
            if self.is_idle() {
                return Ok(());
            }
            udelay(Delta::from_micros(10));
        }
        Err(ETIMEDOUT)
    }
}

/// The chain of one command: a block of the pool for each descriptor.
type Chain<'bound> = KVec<PoolBlock<Pool<'bound>, Shared<Channel<'bound>>>>;

/// A command under way: the data, and the chain that says where they are.
pub struct Job<'bound, B: SgSource<Element = u32>, D: Carries<u32>> {
    data: Transfer<SgMapping<'bound, B, D, Device<Channel<'bound>>>>,
    chain: Chain<'bound>,
}

impl<'bound, B: SgSource<Element = u32>, D: Carries<u32>> Job<'bound, B, D> {
    /// Lets `channel` move `data` from or to the register of a device at bus address `register`.
    ///
    /// Context: any.
    pub fn start(
        pool: &Pool<'bound>,
        channel: &Channel<'bound>,
        register: u32,
        data: B,
        direction: D,
    ) -> Result<Self> {
        if !channel.is_idle() {
            return Err(EBUSY);
        }
        let data = SgMapping::map(pool.device(), data, direction, channel.clone(), Gfp::Atomic)?;
        let mut chain = Chain::new();

        let data = Transfer::start(data, |mut data| {
            while let Some(piece) = data.cut(MOST) {
                let descriptor = Descriptor {
                    device: register.into(),
                    memory: u32::try_from(piece.address())?.into(),
                    size: u32::try_from(piece.len())?.into(),
                    next: END_WITH_INTERRUPT.into(),
                };
                let block = PoolBlock::new(pool.clone(), descriptor, Gfp::Atomic)?;
                let block = block.give(channel.clone());
                if let Some(last) = chain.last() {
                    let next = u32::try_from(block.dma_address())?;
                    io_write!(last, .next, (next | FOLLOW).into());
                }
                chain.push(block, GFP_ATOMIC)?;
            }
            channel.run::<D>(chain.first().ok_or(EINVAL)?)
        })?;
        Ok(Self { data, chain })
    }

    /// Returns the data when the channel is done. `EBUSY`, with the job, before.
    pub fn complete(self) -> Result<B, Busy<Self>> {
        let Self { data, chain } = self;
        match data.complete() {
            Ok(data) => Ok(data.unmap()),
            Err(Busy(data)) => Err(Busy(Self { data, chain })),
        }
    }
}
