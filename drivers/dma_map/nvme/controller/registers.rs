// SPDX-License-Identifier: GPL-2.0

//! Changes of the controller's state, by its registers, and the wait for each.

use crate::regs::{
    Bar,
    CAP_HIGH,
    CAP_LOW,
    CC,
    CSTS,
    VS, //
};
use kernel::{
    io::{
        poll::read_poll_timeout,
        Io, //
    },
    prelude::*,
    time::Delta, //
};

/// The time between two reads of a register that is waited for.
const POLL: Delta = Delta::from_millis(1);

/// What the controller can do.
#[derive(Clone, Copy)]
pub(super) struct Capabilities {
    pub(super) low: CAP_LOW,
    pub(super) high: CAP_HIGH,
}

impl Capabilities {
    /// Returns how long the controller takes at most to become ready, or disabled.
    pub(super) fn timeout(self) -> Delta {
        // One more: the controller's clock is not ours.
        let units = i64::from(u8::from(self.low.timeout())).saturating_add(1);
        Delta::from_millis(units.saturating_mul(500))
    }
}

/// The registers of a controller that may be gone.
pub(super) struct Registers<'a, 'bound>(pub(super) &'a Bar<'bound>);

impl Registers<'_, '_> {
    /// Reads the status.
    ///
    /// # Errors
    ///
    /// `ENODEV`: the controller does not answer. Registers read as all ones then on some machines, and
    /// as 0 on others, which would look like a disabled controller.
    pub(super) fn status(&self) -> Result<CSTS> {
        let status = self.0.read(CSTS);
        match self.0.read(VS).into_raw() {
            0 | u32::MAX => Err(ENODEV),
            _ => Ok(status),
        }
    }

    /// Returns whether the controller is there, and disabled.
    pub(super) fn is_disabled(&self) -> bool {
        !self.0.read(CC).enable() && self.status().is_ok_and(|status| !status.ready())
    }

    /// Waits until the status is as `done` wants it.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT`.
    /// - `ENODEV`: the controller does not answer.
    pub(super) fn wait(&self, limit: Delta, done: impl Fn(CSTS) -> bool) -> Result<CSTS> {
        read_poll_timeout(|| self.status(), |&status| done(status), POLL, limit)
    }

    /// Disables the controller, and waits until it is.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub(super) fn disable(&self, limit: Delta) -> Result {
        let config = self.0.read(CC);
        if config.enable() {
            // The specification does not say what a change of the bit means before the last one was done.
            // A controller that never gets ready is disabled all the same.
            match self.wait(limit, |status| status.ready() || status.fatal()) {
                Err(error) if error != ETIMEDOUT => return Err(error),
                _ => {}
            }
            self.0
                .write_reg(config.with_enable(false).with_const_shutdown::<0>());
        }
        self.wait(limit, |status| !status.ready()).map(|_| ())
    }
}
