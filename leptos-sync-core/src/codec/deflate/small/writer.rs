use super::{END, LONGEST, distance_of, length_of};

/// The greatest distance of a match.
const WINDOW: usize = 1 << 15;
/// Fewer bytes than this are not looked for.
const SHORTEST: usize = 4;
/// How many places are looked at for a match.
const PLACES: usize = 16;
/// Bits of the hash of four bytes.
const HASH_BITS: u32 = 14;

/// `body` compressed to at most `room` bytes, if that is possible. About 20 ns a byte.
pub(crate) fn deflate(body: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut out = BitWriter {
        bytes: Vec::with_capacity(room),
        held: 0,
        count: 0,
    };
    // The last block, with fixed codes.
    out.put(0b011, 3);
    let mut matches = Matches::new(body);
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if out.bytes.len() > room {
            return None;
        }
        let (length, distance) = matches.longest(at);
        let next = if length < SHORTEST {
            out.symbol(u32::from(byte));
            at + 1
        } else {
            out.length(length as u32);
            out.distance(distance as u32);
            at + length
        };
        for at in at..next {
            matches.add(at);
        }
        at = next;
    }
    out.symbol(u32::from(END));
    // What is left of the last byte is zero.
    out.put(0, 7);
    (out.bytes.len() <= room).then_some(out.bytes)
}

/// Where four bytes stood before: the last place by hash, and the place before by place. Places count from 1.
struct Matches<'a> {
    body: &'a [u8],
    last: Vec<u32>,
    before: Vec<u32>,
}

impl<'a> Matches<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            last: vec![0; 1 << HASH_BITS],
            before: vec![0; WINDOW],
        }
    }

    fn hash(&self, at: usize) -> Option<usize> {
        let four = self.body.get(at..)?.first_chunk()?;
        let hash = u32::from_le_bytes(*four).wrapping_mul(0x9e37_79b1);
        Some((hash >> (32 - HASH_BITS)) as usize)
    }

    fn add(&mut self, at: usize) {
        if let Some(last) = self.hash(at).and_then(|hash| self.last.get_mut(hash))
            && let Some(before) = self.before.get_mut(at % WINDOW)
        {
            *before = *last;
            *last = at as u32 + 1;
        }
    }

    /// The longest match at a place and its distance.
    fn longest(&self, at: usize) -> (usize, usize) {
        let mut best = (0, 0);
        let ahead = self.body.get(at..).unwrap_or_default();
        let last = self.hash(at).and_then(|hash| self.last.get(hash));
        let mut place = last.map_or(0, |&last| last as usize);
        for _ in 0..PLACES {
            let Some(from) = place.checked_sub(1) else {
                break;
            };
            let distance = at - from;
            // A place that was overwritten names one that is not before it.
            if distance == 0 || distance > WINDOW {
                break;
            }
            let behind = self.body.get(from..).unwrap_or_default();
            let same = ahead.iter().zip(behind).take(LONGEST);
            let length = same.take_while(|(a, b)| a == b).count();
            if length > best.0 {
                best = (length, distance);
            }
            let before = self.before.get(from % WINDOW);
            let before = before.map_or(0, |&before| before as usize);
            if before >= place {
                break;
            }
            place = before;
        }
        best
    }
}

/// Writes bits into the lowest of each byte first.
struct BitWriter {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl BitWriter {
    fn put(&mut self, bits: u32, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// A code, which goes out from its first bit.
    fn code(&mut self, code: u32, bits: u32) {
        self.put(code.reverse_bits() >> (32 - bits), bits);
    }

    /// A literal, a length or the end, in its fixed code.
    fn symbol(&mut self, symbol: u32) {
        match symbol {
            0..144 => self.code(symbol + 0x30, 8),
            144..256 => self.code(symbol - 144 + 0x190, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(symbol - 280 + 0xc0, 8),
        }
    }

    fn length(&mut self, length: u32) {
        let symbol = last_of(length, length_of);
        if let Some((base, extra)) = length_of(symbol) {
            self.symbol(u32::from(END) + 1 + symbol);
            self.put(length - base, extra);
        }
    }

    fn distance(&mut self, distance: u32) {
        let symbol = last_of(distance, distance_of);
        if let Some((base, extra)) = distance_of(symbol) {
            self.code(symbol, 5);
            self.put(distance - base, extra);
        }
    }
}

/// The last symbol that stands for no more than `value`.
fn last_of(value: u32, of: fn(u32) -> Option<(u32, u32)>) -> u32 {
    let is_more = |symbol: &u32| of(symbol + 1).is_none_or(|(base, _)| base > value);
    (0..).find(is_more).unwrap_or_default()
}
