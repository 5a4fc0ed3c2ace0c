use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::{fault::Fault, input::Input};

/// Reads one value, or a part of it.
pub(super) struct Deserializer<'a, 'de> {
    input: &'a mut Input<'de>,
    /// Compounds around this part; at 0 it is the whole value.
    depth: usize,
}

/// Reads the elements of a sequence, or the keys and values of a map, whose number the bytes tell.
struct Elements<'a, 'de> {
    input: &'a mut Input<'de>,
    depth: usize,
    left: usize,
    /// For how many elements memory may be reserved.
    reserve: usize,
    /// How many bytes were left before the current element.
    before: usize,
}

/// Reads the fields of a tuple, a struct or a variant, whose number the type knows.
struct Fields<'a, 'de> {
    input: &'a mut Input<'de>,
    depth: usize,
    left: usize,
}

/// Reads an enum.
struct Variant<'a, 'de> {
    input: &'a mut Input<'de>,
    depth: usize,
}

impl<'a, 'de> Deserializer<'a, 'de> {
    #[inline]
    pub(super) const fn new(input: &'a mut Input<'de>) -> Self {
        Self { input, depth: 0 }
    }

    #[inline]
    fn elements(self) -> Result<Elements<'a, 'de>, Fault> {
        let depth = self.input.enter(self.depth)?;
        let left = self.input.count()?;
        Ok(Elements {
            reserve: self.input.reserve(left),
            before: self.input.remaining(),
            input: self.input,
            depth,
            left,
        })
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
            "its type asks the bytes what they are (untagged or tagged enum, flatten, dynamic JSON), which bincode \
             cannot tell; use another Codec for it",
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
        deserialize_i128 visit_i128 signed: i128,
        deserialize_u8 visit_u8 get: u8,
        deserialize_u16 visit_u16 unsigned: u16,
        deserialize_u32 visit_u32 unsigned: u32,
        deserialize_u64 visit_u64 unsigned: u64,
        deserialize_u128 visit_u128 unsigned: u128
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
        visitor.visit_seq(self.elements()?)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self.elements()?)
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

impl<'de> Elements<'_, 'de> {
    #[inline]
    fn part<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Deserializer {
            input: self.input,
            depth: self.depth,
        })
    }

    /// Accounts for an element that has been read.
    #[inline]
    fn spend(&mut self) -> Result<(), Fault> {
        self.input.spend(self.before)?;
        self.before = self.input.remaining();
        Ok(())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let element = self.part(seed)?;
        self.spend()?;
        Ok(Some(element))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reserve))
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        self.part(seed).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let value = self.part(seed)?;
        self.spend()?;
        Ok(value)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reserve))
    }
}

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let field = Deserializer {
            input: self.input,
            depth: self.depth,
        };
        seed.deserialize(field).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let index = self.input.unsigned::<u32>()?;
        let variant = seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(index))?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Deserializer {
            input: self.input,
            depth: self.depth,
        })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Fields {
            input: self.input,
            depth: self.depth,
            left: len,
        })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.tuple_variant(fields.len(), visitor)
    }
}
