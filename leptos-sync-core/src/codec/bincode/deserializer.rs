use serde::de::{self, Visitor};

use super::{
    access::{Elements, Fields, Variant},
    fault::Fault,
    input::Input,
};

/// Reads one value, or a part of it.
pub(super) struct Deserializer<'a, 'de> {
    input: &'a mut Input<'de>,
    /// Compounds around this part; at 0 it is the whole value.
    depth: usize,
}

impl<'a, 'de> Deserializer<'a, 'de> {
    #[inline]
    pub(super) const fn new(input: &'a mut Input<'de>) -> Self {
        Self { input, depth: 0 }
    }

    /// Reads a part at `depth`.
    #[inline]
    pub(super) const fn part(input: &'a mut Input<'de>, depth: usize) -> Self {
        Self { input, depth }
    }

    #[inline]
    fn fields(self, len: usize) -> Result<Fields<'a, 'de>, Fault> {
        Ok(Fields {
            depth: self.input.enter(self.depth)?,
            input: self.input,
            left: len,
        })
    }

    /// At the top, everything; else what its length says.
    #[inline]
    fn text(self) -> Result<&'de [u8], Fault> {
        if self.depth == 0 {
            Ok(self.input.take_all())
        } else {
            self.input.take_prefixed()
        }
    }

    #[cold]
    fn not_self_describing(self) -> Fault {
        self.input.fault(
            "its type asks the bytes what they are (untagged or tagged enum, flatten, dynamic JSON), which this \
             format cannot tell; derive it without these attributes",
        )
    }
}

/// Scalars, as bincode spells them.
macro_rules! scalars {
    ($($method:ident $visit:ident $get:ident: $type:ty),+) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
                visitor.$visit(self.input.$get::<$type>()?)
            }
        )+
    };
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = Fault;

    scalars!(
        deserialize_bool visit_bool get: bool,
        deserialize_char visit_char get: char,
        deserialize_f32 visit_f32 get: f32,
        deserialize_f64 visit_f64 get: f64,
        deserialize_i8 visit_i8 get: i8,
        deserialize_i16 visit_i16 signed: i16,
        deserialize_i32 visit_i32 signed: i32,
        deserialize_i64 visit_i64 signed: i64,
        deserialize_i128 visit_i128 signed_wide: i128,
        deserialize_u8 visit_u8 get: u8,
        deserialize_u16 visit_u16 unsigned: u16,
        deserialize_u32 visit_u32 unsigned: u32,
        deserialize_u64 visit_u64 unsigned: u64,
        deserialize_u128 visit_u128 unsigned_wide: u128
    );

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match std::str::from_utf8(self.text()?) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => Err(Fault::value("value holds a string that is not UTF-8")),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_bytes(self.text()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let depth = self.input.enter(self.depth)?;
        match self.input.get::<u8>()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(Deserializer {
                input: self.input,
                depth,
            }),
            _ => Err(self.input.fault("an option is neither 0 nor 1")),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let depth = self.input.enter(self.depth)?;
        visitor.visit_seq(Elements::begin(self.input, depth)?)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let depth = self.input.enter(self.depth)?;
        visitor.visit_map(Elements::begin(self.input, depth)?)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields(len)?)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields(len)?)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields(fields.len())?)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Variant {
            depth: self.input.enter(self.depth)?,
            input: self.input,
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(self.not_self_describing())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(self.not_self_describing())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(self.not_self_describing())
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
