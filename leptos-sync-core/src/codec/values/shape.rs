use super::tags;

/// A fingerprint of how a value is built: which scalars and compounds it holds, and where.
///
/// Writer and reader compute it from the calls that serde makes, and compare. It says nothing about
/// the values, and not how many elements a sequence has.
///
/// The fingerprint is a linear function modulo a prime, so that these changes always change it:
/// another kind of one scalar; the same other kind of all fields; two fields of different kinds,
/// less than 58 places apart, that change places. Elements of a sequence count once for each shape
/// among them, so that their number does not matter. Any other change is found with a probability
/// of 60/61.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u8);

/// The number of shapes: a prime, and as many as there are bytes to tell them.
const PRIME: u64 = 61;

/// A primitive root modulo [`PRIME`]: its powers are all residues but 0. Of the roots, this one
/// keeps the weight of the first field from returning for longest.
const ROOT: u64 = 26;

/// The codes of scalars are chosen so that few pairs and triples of common scalars have one shape.
impl Shape {
    pub(super) const BOOL: Self = Self(3);
    pub(super) const F64: Self = Self(4);
    pub(super) const NONE: Self = Self(6);
    pub(super) const UNIT: Self = Self(15);
    pub(super) const F32: Self = Self(17);
    pub(super) const U8: Self = Self(19);
    pub(super) const BYTES: Self = Self(28);
    pub(super) const TEXT: Self = Self(29);
    pub(super) const I8: Self = Self(39);
    pub(super) const UNSIGNED: Self = Self(44);
    pub(super) const CHAR: Self = Self(54);
    pub(super) const SIGNED: Self = Self(55);

    /// A variant without content.
    pub(super) const UNIT_VARIANT: Self = Self(43);

    const MAP: Self = Self(36);
    const SOME: Self = Self(43);
    const SEQ: Self = Self(50);
    const FIELDS_VARIANT: Self = Self(52);
    const NEWTYPE_VARIANT: Self = Self(53);
    const FIELDS: Self = Self(56);

    /// The shape of an option around this one.
    pub(super) fn some(self) -> Self {
        Self::SOME.plus(ROOT * self.number())
    }

    /// The shape of a variant that holds a value of this one.
    pub(super) fn newtype_variant(self) -> Self {
        Self::NEWTYPE_VARIANT.plus(ROOT * self.number())
    }

    /// The first byte of a compound of this shape.
    pub(super) const fn tag(self) -> u8 {
        tags::COMPOUND + self.0
    }

    fn number(self) -> u64 {
        self.0.into()
    }

    fn plus(self, sum: u64) -> Self {
        Self(((self.number() + sum) % PRIME) as u8)
    }
}

/// The shape of a tuple, a struct or a variant, from those of its fields.
pub(super) struct FieldShapes {
    of: Shape,
    sum: u64,
    /// The sum of all weights so far.
    reach: u64,
}

impl FieldShapes {
    /// A tuple or a struct.
    pub(super) const fn record() -> Self {
        Self::of(Shape::FIELDS)
    }

    /// A variant with fields.
    pub(super) const fn variant() -> Self {
        Self::of(Shape::FIELDS_VARIANT)
    }

    const fn of(of: Shape) -> Self {
        Self {
            of,
            sum: 0,
            reach: 0,
        }
    }

    /// Adds the next field. The weights are such that their sum is a power of the root, and so
    /// never 0.
    #[inline]
    pub(super) fn push(&mut self, field: Shape) {
        let next = match self.reach {
            0 => ROOT,
            reach => reach * ROOT % PRIME,
        };
        let weight = next + PRIME - self.reach;
        self.sum = (self.sum + weight * field.number()) % PRIME;
        self.reach = next;
    }

    pub(super) fn shape(&self) -> Shape {
        self.of.plus(self.sum)
    }
}

/// The shape of a sequence or a map, from those of its elements: each one that occurs counts once.
#[derive(Default)]
pub(super) struct ElementShapes {
    /// A bit for each shape.
    elements: u64,
    keys: u64,
}

impl ElementShapes {
    /// Adds an element of a sequence, or a value of a map.
    #[inline]
    pub(super) fn push(&mut self, element: Shape) {
        self.elements |= 1 << element.0;
    }

    /// Adds a key of a map.
    #[inline]
    pub(super) fn push_key(&mut self, key: Shape) {
        self.keys |= 1 << key.0;
    }

    /// The shape of a sequence of these elements.
    pub(super) fn seq(&self) -> Shape {
        Shape::SEQ.plus(ROOT * sum(self.elements))
    }

    /// The shape of a map of these keys and values.
    pub(super) fn map(&self) -> Shape {
        Shape::MAP.plus(ROOT * sum(self.keys) + ROOT * ROOT * sum(self.elements))
    }
}

/// The sum of the shapes whose bits are set.
fn sum(mut bits: u64) -> u64 {
    let mut sum = 0;
    while bits != 0 {
        sum += u64::from(bits.trailing_zeros());
        bits &= bits - 1;
    }
    sum
}
