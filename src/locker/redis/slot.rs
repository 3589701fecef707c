//! Where in a Cluster a key belongs: each is in one of 16384 slots, and each slot is kept by one master.
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>, "Key distribution model".

use super::names::tag;

/// The number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeySlot(u16);

const SLOTS: u16 = 16384;

impl KeySlot {
    /// That of a key: keys with the same tag are in the same one.
    pub(super) fn of(key: &str) -> Self {
        Self(crc16(tag(key).unwrap_or(key).as_bytes()) % SLOTS)
    }
}

/// CRC16 as of XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let carried = crc & 0x8000 != 0;
            (crc << 1) ^ if carried { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::redis::names::LockNames;

    #[test]
    fn slots_are_as_in_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // What CLUSTER KEYSLOT says.
        assert_eq!(KeySlot::of("foo"), KeySlot(12182));
        assert_eq!(KeySlot::of("{foo}bar"), KeySlot(12182));
    }

    #[test]
    fn all_that_a_lock_has_is_in_one_slot() {
        for key in ["/locks/k", "x{t}y", "{k}", "a{}b{c}"] {
            let slots = LockNames::of(key).all().map(|name| KeySlot::of(&name));
            // Only what has braces, and no tag, is refused by a Cluster.
            let one = slots.iter().all(|&slot| slot == slots[0]);
            assert_eq!(one, key != "a{}b{c}", "{key}");
        }
    }
}
