// SPDX-License-Identifier: GPL-2.0

//! [`flights`]: identifiers of commands, and which of them the controller has.

use crate::{
    check::*,
    nvme::driver::protocol::flights::{
        Flight,
        Flights,
        Lateness,
        TAGS_MAX, //
    }, //
};
use kernel::prelude::*;

/// How many generations an identifier can tell apart.
const GENERATIONS: usize = 64;

const TAGS: u32 = 5;

fn begin(flights: &Flights, tag: u32) -> Result<u16> {
    flights.next(tag).map(Flight::begin).ok_or(EINVAL)
}

/// Returns the identifiers of the commands that are late.
fn late(flights: &Flights) -> Result<KVec<u16>> {
    let mut all = KVec::new();
    for id in flights.late() {
        all.push(id, GFP_KERNEL)?;
    }
    Ok(all)
}

#[kunit_tests(dma_map_nvme_flights)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_1_to_1023_tags() -> Result {
        for (tags, error) in [
            (0, Some(EINVAL)),
            (1, None),
            (TAGS_MAX, None),
            (TAGS_MAX + 1, Some(EINVAL)),
            (u32::MAX, Some(EINVAL)),
        ] {
            check_eq!(Flights::new(tags).err(), error);
        }
        Ok(())
    }

    #[test]
    fn identifiers_repeat_after_all_generations() -> Result {
        let flights = Flights::new(TAGS_MAX)?;
        for tag in [0, 1, 511, 512, TAGS_MAX - 1] {
            let mut ids = KVec::new();
            for _ in 0..GENERATIONS {
                let id = begin(&flights, tag)?;
                check_eq!(u32::from(id) & TAGS_MAX, tag);
                check!(id != u16::MAX);
                check!(!ids.contains(&id));
                ids.push(id, GFP_KERNEL)?;
                check_eq!(flights.end(id), Ok(tag));
            }
            check_eq!(begin(&flights, tag)?, ids[0]);
        }
        check!(flights.next(TAGS_MAX).is_none());
        check!(flights.next(u32::MAX).is_none());
        Ok(())
    }

    #[test]
    fn only_what_is_under_way_ends() -> Result {
        let flights = Flights::new(TAGS)?;
        for tag in 0..TAGS {
            // Never begun, and of no tag.
            for id in [tag as u16, 1024 + tag as u16, TAGS as u16, 0x3ff, u16::MAX] {
                check_eq!(flights.end(id), Err(EBADMSG));
            }
            let old = begin(&flights, tag)?;
            check_eq!(flights.end(old), Ok(tag));
            // It comes twice.
            check_eq!(flights.end(old), Err(EBADMSG));

            let id = begin(&flights, tag)?;
            // It comes late, or another bit is wrong.
            check_eq!(flights.end(old), Err(EBADMSG));
            for bit in 0..16 {
                check_eq!(flights.end(id ^ 1 << bit), Err(EBADMSG));
            }
            check!(flights.is_busy(tag));
            check_eq!(flights.end(id), Ok(tag));
            check!(!flights.is_busy(tag));
        }
        check!(!flights.is_busy(TAGS));
        check!(flights.are_none());
        Ok(())
    }

    #[test]
    fn a_command_is_late_and_then_overdue() -> Result {
        let flights = Flights::new(TAGS)?;
        check_eq!(flights.expire(TAGS), Lateness::InTime);
        check_eq!(flights.expire(2), Lateness::InTime);
        let id = begin(&flights, 2)?;
        check_eq!(late(&flights)?.len(), 0);

        check_eq!(flights.expire(2), Lateness::Late);
        check_eq!(&late(&flights)?[..], &[id]);
        // It is aborted once.
        check_eq!(late(&flights)?.len(), 0);
        for _ in 0..3 {
            check_eq!(flights.expire(2), Lateness::Overdue);
            check_eq!(late(&flights)?.len(), 0);
        }
        check_eq!(flights.end(id), Ok(2));
        check_eq!(flights.expire(2), Lateness::InTime);

        // The next one has the whole time again.
        let next = begin(&flights, 2)?;
        check_eq!(flights.expire(2), Lateness::Late);
        check_eq!(&late(&flights)?[..], &[next]);
        check_eq!(flights.end(next), Ok(2));
        Ok(())
    }

    #[test]
    fn what_is_forgotten_is_told_once() -> Result {
        let flights = Flights::new(TAGS)?;
        let mut ids = [0; TAGS as usize];
        for tag in 0..TAGS - 1 {
            ids[tag as usize] = begin(&flights, tag)?;
        }
        flights.expire(1);
        flights.expire(2);
        flights.expire(2);
        check_eq!(flights.end(ids[3]), Ok(3));
        check!(!flights.are_none());

        let mut told = [None; TAGS as usize];
        flights.forget(|tag, lateness| told[tag as usize] = Some(lateness));
        let expected = [
            Some(Lateness::InTime),
            Some(Lateness::Late),
            Some(Lateness::Overdue),
            None,
            None,
        ];
        check!(told == expected);
        check!(flights.are_none());
        let mut again = 0;
        flights.forget(|_, _| again += 1);
        check_eq!(again, 0);
        // The controller answers nonetheless.
        for id in ids {
            check_eq!(flights.end(id), Err(EBADMSG));
        }
        Ok(())
    }
}
