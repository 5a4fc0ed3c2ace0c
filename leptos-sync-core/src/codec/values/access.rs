use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};

use super::{
    deserializer::Deserializer,
    fault::Fault,
    input::Input,
    shape::{ElementShapes, FieldShapes, Shape},
};

/// The state of a sequence or a map while its elements are decoded.
pub(super) struct ElementsFrame {
    left: usize,
    /// The number of elements for which to reserve memory.
    reserve: usize,
    shapes: ElementShapes,
}

/// A decoder of the elements of a sequence, or of the keys and values of a map. Their number is
/// encoded.
pub(super) struct Elements<'a, 'de> {
    frame: &'a mut ElementsFrame,
    input: &'a mut Input<'de>,
    depth: usize,
    /// The number of bytes left before the current element.
    before: usize,
}

impl ElementsFrame {
    /// Decodes the length.
    #[inline]
    pub(super) fn begin(input: &mut Input<'_>) -> Result<Self, Fault> {
        let left = input.count()?;
        Ok(Self {
            left,
            reserve: input.reserve(left),
            shapes: ElementShapes::default(),
        })
    }

    #[inline]
    pub(super) fn read<'a, 'de>(
        &'a mut self,
        input: &'a mut Input<'de>,
        depth: usize,
    ) -> Elements<'a, 'de> {
        Elements {
            frame: self,
            before: input.remaining(),
            input,
            depth,
        }
    }

    /// Returns the shapes of all elements. Fails if some were not decoded.
    #[inline]
    pub(super) fn finish(self, input: &Input<'_>) -> Result<ElementShapes, Fault> {
        match self.left {
            0 => Ok(self.shapes),
            _ => Err(unread(input)),
        }
    }
}

/// The state of a tuple, a struct or a variant while its fields are decoded.
pub(super) struct FieldsFrame {
    left: usize,
    shapes: FieldShapes,
}

/// A decoder of the fields of a tuple, a struct or a variant. The type fixes their number.
pub(super) struct Fields<'a, 'de> {
    frame: &'a mut FieldsFrame,
    input: &'a mut Input<'de>,
    depth: usize,
}

impl FieldsFrame {
    #[inline]
    pub(super) const fn new(shapes: FieldShapes, left: usize) -> Self {
        Self { left, shapes }
    }

    #[inline]
    pub(super) fn read<'a, 'de>(
        &'a mut self,
        input: &'a mut Input<'de>,
        depth: usize,
    ) -> Fields<'a, 'de> {
        Fields {
            frame: self,
            input,
            depth,
        }
    }

    /// Returns the shape of all fields. Fails if some were not decoded.
    #[inline]
    pub(super) fn finish(self, input: &Input<'_>) -> Result<Shape, Fault> {
        match self.left {
            0 => Ok(self.shapes.shape()),
            _ => Err(unread(input)),
        }
    }
}

#[cold]
fn unread(input: &Input<'_>) -> Fault {
    input.fault("the type reads fewer parts than the value has")
}

/// A decoder of an enum.
pub(super) struct Variant<'a, 'de> {
    pub(super) input: &'a mut Input<'de>,
    pub(super) depth: usize,
}

impl<'de> Elements<'_, 'de> {
    #[inline]
    fn part<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Deserializer::part(self.input, self.depth))
    }

    /// Counts down the elements. Returns whether there is another one.
    #[inline]
    fn next(&mut self) -> bool {
        let left = self.frame.left.checked_sub(1);
        self.frame.left = left.unwrap_or_default();
        left.is_some()
    }

    /// Deducts the element that was decoded from the budget.
    #[inline]
    fn spend(&mut self) -> Result<(), Fault> {
        self.frame.shapes.push(self.input.shape);
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
        if !self.next() {
            return Ok(None);
        }
        let element = self.part(seed)?;
        self.spend()?;
        Ok(Some(element))
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
        if !self.next() {
            return Ok(None);
        }
        let key = self.part(seed)?;
        self.frame.shapes.push_key(self.input.shape);
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let value = self.part(seed)?;
        self.spend()?;
        Ok(value)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.frame.left.min(self.frame.reserve))
    }
}

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(left) = self.frame.left.checked_sub(1) else {
            return Ok(None);
        };
        self.frame.left = left;
        let field = seed.deserialize(Deserializer::part(self.input, self.depth))?;
        self.frame.shapes.push(self.input.shape);
        Ok(Some(field))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.frame.left)
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
        self.input.shape = Shape::UNIT_VARIANT;
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let value = seed.deserialize(Deserializer::part(self.input, self.depth))?;
        self.input.shape = self.input.shape.newtype_variant();
        Ok(value)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let mut frame = FieldsFrame::new(FieldShapes::variant(), len);
        let value = visitor.visit_seq(frame.read(self.input, self.depth))?;
        self.input.shape = frame.finish(self.input)?;
        Ok(value)
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
