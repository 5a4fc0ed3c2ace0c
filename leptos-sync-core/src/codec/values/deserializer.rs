use serde::de::{self, Visitor};

use super::{
    access::{ElementsFrame, FieldsFrame, Variant},
    fault::Fault,
    input::Input,
    shape::{FieldShapes, Shape},
    tags,
};

/// A decoder of a value or a part of one. It stores the shape in the input.
pub(super) struct Deserializer<'a, 'de> {
    input: &'a mut Input<'de>,
    /// The number of compounds that enclose the value.
    depth: usize,
    /// Whether the value is a whole one, or the content of an option that is one.
    is_whole: bool,
}

impl<'a, 'de> Deserializer<'a, 'de> {
    #[inline]
    pub(super) const fn new(input: &'a mut Input<'de>) -> Self {
        Self {
            input,
            depth: 0,
            is_whole: true,
        }
    }

    /// Decodes a part at `depth`.
    #[inline]
    pub(super) const fn part(input: &'a mut Input<'de>, depth: usize) -> Self {
        Self {
            input,
            depth,
            is_whole: false,
        }
    }

    /// Enters a compound. Returns the depth inside and the first byte of a whole value.
    #[inline]
    fn enter(&mut self) -> Result<(usize, Option<u8>), Fault> {
        let depth = self.input.enter(self.depth)?;
        let tag = match self.is_whole {
            true => self.input.compound()?,
            false => None,
        };
        Ok((depth, tag))
    }

    #[inline]
    fn fields<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let (depth, tag) = self.enter()?;
        let mut frame = FieldsFrame::new(FieldShapes::record(), len);
        let value = visitor.visit_seq(frame.read(self.input, depth))?;
        let shape = frame.finish(self.input)?;
        self.input.close(tag, shape)?;
        Ok(value)
    }

    /// Returns the bytes of a string. Takes all remaining bytes if it is a whole value; otherwise
    /// reads its length.
    #[inline]
    fn text(&mut self) -> Result<&'de [u8], Fault> {
        match self.is_whole {
            true => Ok(self.input.take_all()),
            false => self.input.take_prefixed(),
        }
    }

    #[cold]
    fn not_self_describing(self) -> Fault {
        self.input.fault(
            "the type asks for the kind of the next value (untagged or tagged enum, flatten, dynamic \
             JSON), which the format does not store; derive it without these attributes",
        )
    }
}

/// Implements the methods for scalars. The first method decodes a whole value, the second a part.
macro_rules! scalars {
    ($($method:ident $visit:ident $shape:ident: $type:ty, $whole:ident, $part:ident;)+) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
                let value: $type = match self.is_whole {
                    true => self.input.$whole()?,
                    false => self.input.$part()?,
                };
                self.input.shape = Shape::$shape;
                visitor.$visit(value)
            }
        )+
    };
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = Fault;

    scalars!(
        deserialize_bool visit_bool BOOL: bool, boolean, get;
        deserialize_char visit_char CHAR: char, get, get;
        deserialize_f32 visit_f32 F32: f32, short_float, get;
        deserialize_f64 visit_f64 F64: f64, float, get;
        deserialize_i8 visit_i8 I8: i8, integer, get;
        deserialize_i16 visit_i16 SIGNED: i16, integer, signed;
        deserialize_i32 visit_i32 SIGNED: i32, integer, signed;
        deserialize_i64 visit_i64 SIGNED: i64, integer, signed;
        deserialize_i128 visit_i128 SIGNED: i128, integer, signed_wide;
        deserialize_u8 visit_u8 U8: u8, integer, get;
        deserialize_u16 visit_u16 UNSIGNED: u16, integer, unsigned;
        deserialize_u32 visit_u32 UNSIGNED: u32, integer, unsigned;
        deserialize_u64 visit_u64 UNSIGNED: u64, integer, unsigned;
        deserialize_u128 visit_u128 UNSIGNED: u128, natural, unsigned_wide;
    );

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let bytes = self.text()?;
        self.input.shape = Shape::TEXT;
        match std::str::from_utf8(bytes) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => Err(not_text(self.is_whole, bytes)),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_whole {
            self.input.expect(tags::BYTES)?;
        }
        let bytes = self.text()?;
        self.input.shape = Shape::BYTES;
        visitor.visit_borrowed_bytes(bytes)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let depth = self.input.enter(self.depth)?;
        let is_some = match self.is_whole {
            true => self.input.is_some()?,
            false => match self.input.get::<u8>()? {
                0 => false,
                1 => true,
                _ => return Err(self.input.fault("an option is neither 0 nor 1")),
            },
        };
        if !is_some {
            self.input.shape = Shape::NONE;
            return visitor.visit_none();
        }
        let value = visitor.visit_some(Deserializer {
            input: &mut *self.input,
            depth,
            is_whole: self.is_whole,
        })?;
        self.input.shape = self.input.shape.some();
        Ok(value)
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_whole {
            self.input.expect(tags::UNIT)?;
        }
        self.input.shape = Shape::UNIT;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
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
    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let (depth, tag) = self.enter()?;
        let mut frame = ElementsFrame::begin(self.input)?;
        let value = visitor.visit_seq(frame.read(self.input, depth))?;
        let shape = frame.finish(self.input)?.seq();
        self.input.close(tag, shape)?;
        Ok(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let (depth, tag) = self.enter()?;
        let mut frame = ElementsFrame::begin(self.input)?;
        let value = visitor.visit_map(frame.read(self.input, depth))?;
        let shape = frame.finish(self.input)?.map();
        self.input.close(tag, shape)?;
        Ok(value)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.fields(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fields(len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fields(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (depth, tag) = self.enter()?;
        let value = visitor.visit_enum(Variant {
            input: &mut *self.input,
            depth,
        })?;
        self.input.close(tag, self.input.shape)?;
        Ok(value)
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

#[cold]
fn not_text(is_whole: bool, bytes: &[u8]) -> Fault {
    match bytes.first() {
        Some(&first) if is_whole && std::str::from_utf8(&[first]).is_err() => {
            Fault::value(format!(
                "it was written as {} and is read as a string",
                tags::name(Some(first))
            ))
        }
        _ => Fault::value("value holds a string that is not UTF-8"),
    }
}
