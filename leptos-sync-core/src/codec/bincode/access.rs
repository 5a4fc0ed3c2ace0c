use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};

use super::{deserializer::Deserializer, fault::Fault, input::Input};

/// Reads the elements of a sequence, or the keys and values of a map, whose number the bytes tell.
pub(super) struct Elements<'a, 'de> {
    input: &'a mut Input<'de>,
    depth: usize,
    left: usize,
    /// For how many elements memory may be reserved.
    reserve: usize,
    /// How many bytes were left before the current element.
    before: usize,
}

/// Reads the fields of a tuple, a struct or a variant, whose number the type knows.
pub(super) struct Fields<'a, 'de> {
    pub(super) input: &'a mut Input<'de>,
    pub(super) depth: usize,
    pub(super) left: usize,
}

/// Reads an enum.
pub(super) struct Variant<'a, 'de> {
    pub(super) input: &'a mut Input<'de>,
    pub(super) depth: usize,
}

impl<'a, 'de> Elements<'a, 'de> {
    /// Reads the length.
    #[inline]
    pub(super) fn begin(input: &'a mut Input<'de>, depth: usize) -> Result<Self, Fault> {
        let left = input.count()?;
        Ok(Self {
            reserve: input.reserve(left),
            before: input.remaining(),
            input,
            depth,
            left,
        })
    }

    #[inline]
    fn part<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Deserializer::part(self.input, self.depth))
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
        let element = self.next_key_seed(seed)?;
        if element.is_some() {
            self.spend()?;
        }
        Ok(element)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        MapAccess::size_hint(self)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
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
        let field = Deserializer::part(self.input, self.depth);
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
        seed.deserialize(Deserializer::part(self.input, self.depth))
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
