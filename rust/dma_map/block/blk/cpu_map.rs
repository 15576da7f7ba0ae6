// SPDX-License-Identifier: GPL-2.0

//! CPU maps: which hardware queue each CPU uses.

use crate::device::interrupts::Masks;
use kernel::{
    bindings,
    cpu::{
        nr_cpu_ids,
        CpuId, //
    }, //
};

/// Gives each CPU the queue whose vector it has; the vector of the first queue is `first`. Returns `false`,
/// and maps nothing, if not each queue has a vector with CPUs.
///
/// Not `blk_mq_map_hw_queues()`, which reads C's masks: they are freed with the vectors, at any time.
///
/// # Safety
///
/// `map` must have an element for each CPU.
pub(super) unsafe fn map_by(map: &bindings::blk_mq_queue_map, masks: &Masks, first: u32) -> bool {
    // CAST: To the wider type.
    let first = first as usize;
    // CAST: To the wider type, too.
    let queues = 0..map.nr_queues as usize;
    let mask = |queue| masks.get(first.checked_add(queue)?);

    if queues.clone().any(|queue| mask(queue).is_none()) {
        return false;
    }
    for queue in queues {
        let Some(mask) = mask(queue) else {
            continue;
        };
        for cpu in 0..nr_cpu_ids() {
            if CpuId::from_u32(cpu).is_some_and(|cpu| mask.test(cpu)) {
                // CAST: The number of a queue is what C has 32 bits for, and a CPU's is one of an array.
                let number = map.queue_offset.wrapping_add(queue as u32);
                // SAFETY: By the precondition of this function.
                unsafe { map.mq_map.add(cpu as usize).write(number) };
            }
        }
    }
    true
}
