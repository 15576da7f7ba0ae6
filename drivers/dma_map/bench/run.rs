// SPDX-License-Identifier: GPL-2.0

//! Run of an operation: all of its columns, in turns.

use crate::{
    columns::Column,
    operation::{
        Opened,
        Prepared, //
    },
    request::Request,
    sections,
    threads::{
        self,
        Span, //
    }, //
};
use dma_map::DmaDevice;
use kernel::{
    current,
    prelude::*,
    str::CString, //
};

/// The time of one turn of one column.
pub(crate) struct Turn {
    pub(crate) column: Column,
    pub(crate) round: usize,
    pub(crate) span: Span,
}

/// The figures of a run.
pub(crate) struct Figures {
    pub(crate) operation: CString,
    /// The loops of a thread in a turn.
    pub(crate) loops: usize,
    pub(crate) turns: KVVec<Turn>,
    /// The longest section with interrupts off, of a pool.
    pub(crate) longest: Option<u64>,
}

/// Runs each column once to warm up, and then as often as there are rounds, in turns.
///
/// A signal ends it.
///
/// # Errors
///
/// - `EOPNOTSUPP`: no column has the operation, or none can do it as requested.
/// - `EINTR`: a signal.
/// - Those of the operation, and of starting threads.
pub(crate) fn run(dev: DmaDevice<'_>, request: &Request<'_>) -> Result<Figures> {
    let mut opened = KVec::new();
    for column in Column::ALL {
        if let Some(shared) = able(column.open(request.operation, dev, request.live))? {
            opened.push((*column, shared), GFP_KERNEL)?;
        }
    }
    let mut players = KVec::new();
    for (column, shared) in &opened {
        if let Some(all) = able(prepare(&**shared, request.threads))? {
            players.push((*column, all), GFP_KERNEL)?;
        }
    }
    if players.is_empty() {
        return Err(EOPNOTSUPP);
    }

    for (_, all) in players.iter_mut() {
        threads::run(all, request.loops)?;
    }

    let mut turns = KVVec::new();
    for round in 0..request.rounds {
        for (column, all) in players.iter_mut() {
            if current!().signal_pending() {
                return Err(EINTR);
            }
            let span = threads::run(all, request.loops)?;
            let turn = Turn {
                column: *column,
                round,
                span,
            };
            turns.push(turn, GFP_KERNEL)?;
        }
    }

    Ok(Figures {
        operation: CString::try_from_fmt(fmt!("{}", request.operation))?,
        loops: request.loops,
        turns,
        longest: sections::longest(dev, request)?,
    })
}

/// Turns `EOPNOTSUPP` into `None`: that column is left out.
pub(crate) fn able<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(EOPNOTSUPP) => Ok(None),
        result => result.map(Some),
    }
}

/// Makes the states of `threads` threads.
pub(crate) fn prepare<'s>(
    shared: &'s (dyn Opened + 's),
    threads: usize,
) -> Result<KVec<KBox<dyn Prepared + 's>>> {
    let mut all = KVec::with_capacity(threads, GFP_KERNEL)?;
    for _ in 0..threads {
        all.push(shared.prepare()?, GFP_KERNEL)?;
    }
    Ok(all)
}
