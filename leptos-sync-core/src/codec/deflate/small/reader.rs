use super::{END, distance_of, length_of};

/// The greatest length of a code in bits.
const CODE_BITS: u32 = 15;

/// The `size` bytes to which `deflated`, all of it, inflates; `None` if it does not. Never holds more than those.
pub(crate) fn inflate(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut input = BitReader {
        rest: deflated,
        held: 0,
        count: 0,
    };
    let mut out = Vec::with_capacity(size);
    loop {
        let is_last = input.take(1)? == 1;
        match input.take(2)? {
            0 => input.copy_stored(&mut out, size)?,
            1 => {
                let (symbols, distances) = fixed_lengths();
                inflate_block(&mut input, &symbols, &distances, &mut out, size)?;
            }
            2 => {
                let (lengths, symbols) = read_lengths(&mut input)?;
                let (symbols, distances) = lengths.split_at_checked(symbols)?;
                inflate_block(&mut input, symbols, distances, &mut out, size)?;
            }
            _ => return None,
        }
        if is_last {
            break;
        }
    }
    (input.is_empty() && out.len() == size).then_some(out)
}

/// The lengths of the fixed codes of symbols and of distances.
fn fixed_lengths() -> ([u8; 288], [u8; 30]) {
    let mut symbols = [8; 288];
    for (symbol, length) in symbols.iter_mut().enumerate() {
        match symbol {
            144..256 => *length = 9,
            256..280 => *length = 7,
            _ => {}
        }
    }
    (symbols, [5; 30])
}

/// The code lengths of a block, those of distances behind those of symbols, and how many are of symbols.
fn read_lengths(input: &mut BitReader<'_>) -> Option<(Vec<u8>, usize)> {
    const ORDER: [u8; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let symbols = input.take(5)? as usize + 257;
    let distances = input.take(5)? as usize + 1;
    let given = input.take(4)? as usize + 4;
    let mut of_lengths = [0; ORDER.len()];
    for &at in ORDER.iter().take(given) {
        *of_lengths.get_mut(usize::from(at))? = input.take(3)? as u8;
    }
    let code = Code::new(&of_lengths)?;
    let mut lengths: Vec<u8> = Vec::with_capacity(symbols + distances);
    while lengths.len() < symbols + distances {
        let (length, times) = match input.symbol(&code)? {
            16 => (*lengths.last()?, input.take(2)? + 3),
            17 => (0, input.take(3)? + 3),
            18 => (0, input.take(7)? + 11),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times as usize));
    }
    (symbols <= 286 && lengths.len() == symbols + distances).then_some((lengths, symbols))
}

fn inflate_block(
    input: &mut BitReader<'_>,
    symbols: &[u8],
    distances: &[u8],
    out: &mut Vec<u8>,
    size: usize,
) -> Option<()> {
    let symbols = Code::new(symbols)?;
    let distances = Code::new(distances)?;
    loop {
        let symbol = input.symbol(&symbols)?;
        if symbol == END {
            return Some(());
        }
        if symbol < END {
            if out.len() == size {
                return None;
            }
            out.push(symbol as u8);
            continue;
        }
        let (base, extra) = length_of(u32::from(symbol - END - 1))?;
        let length = (base + input.take(extra)?) as usize;
        let (base, extra) = distance_of(u32::from(input.symbol(&distances)?))?;
        let distance = (base + input.take(extra)?) as usize;
        let mut from = out.len().checked_sub(distance)?;
        if length > size - out.len() {
            return None;
        }
        for _ in 0..length {
            out.push(*out.get(from)?);
            from += 1;
        }
    }
}

/// A Huffman code as a table: at each 15 bits, the symbol that they start with times 16, plus its length. Where no
/// code starts so, the length is 0.
struct Code(Vec<u16>);

impl Code {
    /// `None` where the lengths ask for more codes than there are.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut table = vec![0; 1 << CODE_BITS];
        let mut code = 0;
        for length in 1..=CODE_BITS {
            let step = 1 << length;
            for (symbol, _) in (0_u16..)
                .zip(lengths)
                .filter(|(_, at)| u32::from(**at) == length)
            {
                // Codes are counted up from their first bit, and read from their last.
                let reversed = (code << (CODE_BITS - length)) as u16;
                let first = usize::from(reversed.reverse_bits() >> 1);
                if code >= step {
                    return None;
                }
                for entry in table.iter_mut().skip(first).step_by(step) {
                    *entry = symbol << 4 | length as u16;
                }
                code += 1;
            }
            code <<= 1;
        }
        Some(Self(table))
    }
}

/// Reads bits from the lowest of each byte.
struct BitReader<'a> {
    rest: &'a [u8],
    held: u32,
    count: u32,
}

impl BitReader<'_> {
    fn fill(&mut self) {
        while self.count <= 24
            && let Some((&byte, rest)) = self.rest.split_first()
        {
            self.held |= u32::from(byte) << self.count;
            self.count += 8;
            self.rest = rest;
        }
    }

    /// The next bits, at most 16.
    fn take(&mut self, bits: u32) -> Option<u32> {
        self.fill();
        let taken = self.held & ((1 << bits) - 1);
        self.drop(bits)?;
        Some(taken)
    }

    fn drop(&mut self, bits: u32) -> Option<()> {
        self.count = self.count.checked_sub(bits)?;
        self.held >>= bits;
        Some(())
    }

    fn symbol(&mut self, code: &Code) -> Option<u16> {
        self.fill();
        let at = self.held & ((1 << CODE_BITS) - 1);
        let entry = *code.0.get(at as usize)?;
        let length = u32::from(entry & 15);
        (length > 0).then_some(())?;
        self.drop(length)?;
        Some(entry >> 4)
    }

    fn copy_stored(&mut self, out: &mut Vec<u8>, size: usize) -> Option<()> {
        self.drop(self.count % 8)?;
        let length = self.take(16)?;
        if self.take(16)? != length ^ 0xffff || length as usize > size - out.len() {
            return None;
        }
        for _ in 0..length {
            out.push(self.take(8)? as u8);
        }
        Some(())
    }

    /// Whether not a whole byte is left.
    fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.count < 8
    }
}
