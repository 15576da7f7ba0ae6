// SPDX-License-Identifier: GPL-2.0

//! Completion of a command: by MSI, by INTx, or by polling.

use crate::{
    engine::Edu,
    module_parameters, //
};
use dma_map::{
    gate::Scope,
    irq::{
        Interrupt,
        VectorOptions,
        Vectors, //
    }, //
};
use kernel::{
    fmt,
    irq::{
        self,
        IrqReturn, //
    },
    pci::IrqType,
    prelude::*,
    sync::Arc, //
};

/// How the driver learns that a command is done.
#[derive(Clone, Copy)]
pub(crate) enum Completion {
    Msi,
    Intx,
    Polling,
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Completion::Msi => "MSI",
            Completion::Intx => "INTx",
            Completion::Polling => "polling",
        })
    }
}

/// Returns what the module parameter `irq` allows, in the order in which it is tried.
fn candidates() -> Result<&'static [Completion]> {
    use Completion::*;

    match module_parameters::irq.value() {
        0 => Ok(&[Msi, Intx, Polling]),
        1 => Ok(&[Msi]),
        2 => Ok(&[Intx]),
        3 => Ok(&[Polling]),
        _ => Err(EINVAL),
    }
}

struct Handler<'bound> {
    edu: Arc<Edu<'bound>>,
}

impl irq::Handler for Handler<'_> {
    fn handle(&self) -> IrqReturn {
        if self.edu.acknowledge() {
            IrqReturn::Handled
        } else {
            IrqReturn::None
        }
    }
}

/// The device's interrupt.
pub(crate) struct Irq<'bound>(#[expect(dead_code)] Interrupt<'bound, Handler<'bound>>);

impl<'bound> Irq<'bound> {
    /// Sets up the first kind of completion that works, of those that the module parameter allows.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the parameter has no meaning.
    /// - The error of the last kind, if none works.
    pub(crate) fn set_up(
        scope: Scope<'bound>,
        edu: &Arc<Edu<'bound>>,
    ) -> Result<(Completion, Option<Self>)> {
        let mut error = EINVAL;

        for &completion in candidates()? {
            let kind = match completion {
                Completion::Msi => IrqType::Msi,
                Completion::Intx => IrqType::Intx,
                Completion::Polling => return Ok((completion, None)),
            };

            match Self::new(scope, edu.clone(), kind)
                .and_then(|irq| edu.try_interrupt().map(|()| irq))
            {
                Ok(irq) => return Ok((completion, Some(irq))),
                Err(err) => error = err,
            }
            dev_info!(scope.device(), "no {}: {:?}\n", completion, error);
        }

        Err(error)
    }

    fn new(scope: Scope<'bound>, edu: Arc<Edu<'bound>>, kind: IrqType) -> Result<Self> {
        let vectors = Vectors::alloc(scope, VectorOptions::new(1, 1).only(kind))?;

        Ok(Self(vectors.request(
            0,
            fmt!("dma_map_edu"),
            Handler { edu },
        )?))
    }
}
