use super::tags;

/// A fingerprint of the structure of a value: its scalars and compounds, and their positions.
///
/// Encoder and decoder compute it from the calls that serde makes. It depends neither on numbers
/// and strings nor on the length of sequences.
///
/// # Method
///
/// The shape is a linear function of the shapes of all parts, modulo a prime. Therefore these
/// changes always change it:
///
/// - another kind of one scalar;
/// - another kind of all fields, if they have the same kind;
/// - an exchange of two fields of different kinds, less than 57 positions apart;
/// - a scalar field added at the end.
///
/// A sequence counts each shape that occurs among its elements once, so repeated elements never
/// cancel out. Any other change is detected with a probability of 60/61. Cost: a multiplication and
/// a division by a constant for each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u8);

/// The number of shapes: a prime that leaves 16 first bytes for other values.
const PRIME: u64 = 61;

/// A primitive root modulo [`PRIME`]: its powers are all residues except 0. Of all such roots, this
/// one gives the most fields a weight that differs from that of the first field.
const ROOT: u64 = 26;

/// A search found these numbers: with them, few small tuples and sequences of common scalars share
/// a shape.
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

    /// Returns the shape of `Some` with this content.
    pub(super) fn some(self) -> Self {
        Self::SOME.plus(ROOT * self.number())
    }

    /// Returns the shape of a newtype variant with this content.
    pub(super) fn newtype_variant(self) -> Self {
        Self::NEWTYPE_VARIANT.plus(ROOT * self.number())
    }

    /// Returns the first byte of a compound of this shape.
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

/// A builder that computes the shape of a tuple, a struct or a variant from those of its fields.
pub(super) struct FieldShapes {
    of: Shape,
    sum: u64,
    /// The sum of all weights so far: a power of the root.
    reach: u64,
}

impl FieldShapes {
    /// Starts a tuple or a struct.
    pub(super) const fn record() -> Self {
        Self::of(Shape::FIELDS)
    }

    /// Starts a variant with fields.
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

    /// Adds the next field. The sum of the weights is a power of the root, and therefore never 0.
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

/// A builder that computes the shape of a sequence or a map from the set of shapes among its
/// elements.
#[derive(Default)]
pub(super) struct ElementShapes {
    /// One bit for each shape.
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

    /// Returns the shape of a sequence with these elements.
    pub(super) fn seq(&self) -> Shape {
        Shape::SEQ.plus(ROOT * sum(self.elements))
    }

    /// Returns the shape of a map with these keys and values.
    pub(super) fn map(&self) -> Shape {
        Shape::MAP.plus(ROOT * sum(self.keys) + ROOT * ROOT * sum(self.elements))
    }
}

/// Returns the sum of the shapes whose bits are set.
fn sum(mut bits: u64) -> u64 {
    let mut sum = 0;
    while bits != 0 {
        sum += u64::from(bits.trailing_zeros());
        bits &= bits - 1;
    }
    sum
}
