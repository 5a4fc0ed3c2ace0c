use super::number;

/// The number of a step: an integer and digits after its point, each from 2 to 255.
///
/// The last digit is not 2, which is the digit zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Number {
    whole: i64,
    digits: Vec<u8>,
}

/// The digit zero. The bytes below it end the digits.
const ZERO: u8 = 2;

/// One step of a position, in a slot of the one before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) number: Number,
    /// The origin of its writer's ids.
    pub(super) origin: u64,
    /// The element of a run, if it is even; otherwise the slot to the left of the next one.
    pub(super) index: i64,
}

impl Step {
    /// Appends a step. `before` is the origin of the step before.
    pub(super) fn write(&self, before: Option<u64>, out: &mut Vec<u8>) -> Option<()> {
        number::write(self.number.whole, out)?;
        out.extend_from_slice(&self.number.digits);
        if before == Some(self.origin) {
            out.push(0);
        } else {
            out.push(1);
            out.extend_from_slice(&self.origin.to_be_bytes());
        }
        number::write(self.index, out)
    }

    /// Reads a step from the start of `bytes`. Returns the rest too.
    pub(super) fn read(bytes: &[u8], before: Option<u64>) -> Option<(Self, &[u8])> {
        let (whole, rest) = number::read(bytes)?;
        let end = rest.iter().position(|digit| *digit < ZERO)?;
        let (digits, rest) = rest.split_at_checked(end)?;
        let (is_other, rest) = rest.split_first()?;
        let (origin, rest) = match is_other {
            0 => (before?, rest),
            _ => {
                let (origin, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*origin), rest)
            }
        };
        // Each position has one encoding.
        if *is_other == 1 && before == Some(origin) || digits.last() == Some(&ZERO) {
            return None;
        }
        let (index, rest) = number::read(rest)?;
        let number = Number {
            whole,
            digits: digits.to_vec(),
        };
        let step = Self {
            number,
            origin,
            index,
        };
        Some((step, rest))
    }
}

impl Number {
    /// Returns a number between two others, of which `low` is less than `high`.
    pub(super) fn between(low: Option<&Self>, high: Option<&Self>) -> Self {
        let whole = |whole| Self {
            whole,
            digits: Vec::new(),
        };
        match (low, high) {
            (None, None) => whole(0),
            (Some(low), None) => whole(low.whole + 1),
            (None, Some(high)) => whole(high.whole - 1),
            (Some(low), Some(high)) if low.whole + 1 < high.whole => {
                whole((low.whole + high.whole).div_euclid(2))
            }
            (Some(low), Some(high)) if low.whole == high.whole => Self {
                whole: low.whole,
                digits: digits_between(&low.digits, Some(&high.digits)),
            },
            (Some(_), Some(high)) if !high.digits.is_empty() => whole(high.whole),
            (Some(low), Some(_)) => Self {
                whole: low.whole,
                digits: digits_between(&low.digits, None),
            },
        }
    }
}

/// Returns digits between `low` and `high`, or above `low`. O(digits).
fn digits_between(low: &[u8], high: Option<&[u8]>) -> Vec<u8> {
    let (mut found, mut high) = (Vec::new(), high);
    for at in 0.. {
        let one = low.get(at).copied().unwrap_or(ZERO);
        let other = high.and_then(|high| high.get(at).copied());
        let two = other.map_or(256, u16::from);
        if u16::from(one) + 1 < two {
            found.push(((u16::from(one) + two) / 2) as u8);
            break;
        }
        if u16::from(one) < two {
            if let Some(digit) = other.filter(|_| high.is_some_and(|high| high.len() > at + 1)) {
                found.push(digit);
                break;
            }
            // From here on, anything above `low` is below `high`.
            high = None;
        }
        found.push(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn numbers() -> impl Strategy<Value = Number> {
        let digits = vec(prop_oneof![2_u8..5, 253..=255_u8], 0..4);
        (-2_i64..3, digits).prop_map(|(whole, mut digits)| {
            while digits.last() == Some(&ZERO) {
                digits.pop();
            }
            Number { whole, digits }
        })
    }

    fn key(number: &Number) -> (i64, &[u8]) {
        (number.whole, &number.digits)
    }

    proptest! {
        #[test]
        fn there_is_a_number_between_any_two(one in numbers(), two in numbers()) {
            let (low, high) = if key(&one) < key(&two) { (&one, &two) } else { (&two, &one) };
            prop_assume!(low != high);
            let found = Number::between(Some(low), Some(high));
            prop_assert!(key(low) < key(&found) && key(&found) < key(high), "{:?}", found);
            prop_assert!(found.digits.last() != Some(&ZERO) && found.digits.iter().all(|digit| *digit >= ZERO));
            prop_assert!(key(&Number::between(None, Some(low))) < key(low));
            prop_assert!(key(&Number::between(Some(high), None)) > key(high));
        }
    }
}
