use serde::{Serialize, ser};

use super::{
    elements::{Elements, Fields, exact_len},
    fault::Fault,
    order,
    output::{Output, enter},
    scalars::short,
    shape::{FieldShapes, Shape},
    tags,
};

/// An encoder of a value or a part of one. It returns the shape.
pub(super) struct Serializer<'a, 'o> {
    pub(super) output: &'a mut Output<'o>,
    /// The number of compounds that enclose the value.
    depth: usize,
    /// Whether the value is a whole one, or the content of an option that is one.
    pub(super) is_whole: bool,
}

impl<'a, 'o> Serializer<'a, 'o> {
    #[inline]
    pub(super) const fn new(output: &'a mut Output<'o>) -> Self {
        Self {
            output,
            depth: 0,
            is_whole: true,
        }
    }

    /// Encodes a part at `depth`.
    #[inline]
    pub(super) const fn part(output: &'a mut Output<'o>, depth: usize) -> Self {
        Self {
            output,
            depth,
            is_whole: false,
        }
    }

    /// Reserves the first byte of a whole value.
    #[inline]
    fn begin(&mut self) -> Option<usize> {
        self.is_whole.then(|| self.output.begin())
    }

    #[inline]
    fn fields(mut self, shapes: FieldShapes) -> Result<Fields<'a, 'o>, Fault> {
        Ok(Fields {
            depth: enter(self.depth)?,
            begin: self.begin(),
            output: self.output,
            shapes,
        })
    }

    #[inline]
    fn variant(self, index: u32) -> Result<Fields<'a, 'o>, Fault> {
        let fields = self.fields(FieldShapes::variant())?;
        fields.output.put(index)?;
        Ok(fields)
    }

    #[inline]
    fn elements(mut self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        let (depth, begin) = (enter(self.depth)?, self.begin());
        Elements::begin(self.output, depth, begin, len)
    }
}

impl<'a, 'o> ser::Serializer for Serializer<'a, 'o> {
    type Ok = Shape;
    type Error = Fault;
    type SerializeSeq = Elements<'a, 'o>;
    type SerializeMap = Elements<'a, 'o>;
    type SerializeTuple = Fields<'a, 'o>;
    type SerializeTupleStruct = Fields<'a, 'o>;
    type SerializeTupleVariant = Fields<'a, 'o>;
    type SerializeStruct = Fields<'a, 'o>;
    type SerializeStructVariant = Fields<'a, 'o>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<Shape, Fault> {
        match self.is_whole {
            true => self.tag(if value { tags::TRUE } else { tags::FALSE }),
            false => self.output.put(value)?,
        }
        Ok(Shape::BOOL)
    }

    /// Encodes a character that is a whole value as a string of one character.
    #[inline]
    fn serialize_char(self, value: char) -> Result<Shape, Fault> {
        self.output.put(value)?;
        Ok(Shape::CHAR)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<Shape, Fault> {
        if self.is_whole {
            self.output.raw(&[tags::F32]);
        }
        self.output.put(self.output.f32(value))?;
        Ok(Shape::F32)
    }

    /// Encodes a float that is a whole value in 4 bytes if an `f32` can represent it.
    #[inline]
    fn serialize_f64(self, value: f64) -> Result<Shape, Fault> {
        let value = self.output.f64(value);
        if self.is_whole {
            if let Some(short) = short(value) {
                return self.serialize_f32(short);
            }
            self.output.raw(&[tags::F64]);
        }
        self.output.put(value)?;
        Ok(Shape::F64)
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<Shape, Fault> {
        if self.is_whole {
            return self.signed(value.into());
        }
        self.output.put(value)?;
        Ok(Shape::I8)
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<Shape, Fault> {
        self.signed(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<Shape, Fault> {
        self.signed(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<Shape, Fault> {
        self.signed(value)
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<Shape, Fault> {
        match self.is_whole {
            true if value < 0 => self
                .output
                .wide_integer(tags::NEGATIVE, (!value).cast_unsigned()),
            true => self
                .output
                .wide_integer(tags::NATURAL, value.cast_unsigned()),
            false => self.output.put(value)?,
        }
        Ok(Shape::SIGNED)
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<Shape, Fault> {
        match self.is_whole {
            true => self.output.integer(tags::NATURAL, value.into()),
            false => self.output.put(value)?,
        }
        Ok(Shape::U8)
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<Shape, Fault> {
        self.unsigned(value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<Shape, Fault> {
        self.unsigned(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<Shape, Fault> {
        self.unsigned(value)
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<Shape, Fault> {
        match self.is_whole {
            true => self.output.wide_integer(tags::NATURAL, value),
            false => self.output.put(value)?,
        }
        Ok(Shape::UNSIGNED)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<Shape, Fault> {
        if !self.is_whole {
            self.output.put(value.len() as u64)?;
        }
        self.output.raw(value.as_bytes());
        Ok(Shape::TEXT)
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<Shape, Fault> {
        match self.is_whole {
            true => self.output.raw(&[tags::BYTES]),
            false => self.output.put(value.len() as u64)?,
        }
        self.output.raw(value);
        Ok(Shape::BYTES)
    }

    #[inline]
    fn serialize_none(self) -> Result<Shape, Fault> {
        enter(self.depth)?;
        match self.is_whole {
            true => self.tag(tags::NONE),
            false => self.output.put(0_u8)?,
        }
        Ok(Shape::NONE)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape, Fault> {
        let depth = enter(self.depth)?;
        let start = self.output.len();
        if !self.is_whole {
            self.output.put(1_u8)?;
        }
        let content = Serializer {
            output: &mut *self.output,
            depth,
            is_whole: self.is_whole,
        };
        let shape = value.serialize(content)?;
        if self.is_whole {
            self.output.mark_some(start);
        }
        Ok(shape.some())
    }

    #[inline]
    fn serialize_unit(self) -> Result<Shape, Fault> {
        if self.is_whole {
            self.tag(tags::UNIT);
        }
        Ok(Shape::UNIT)
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<Shape, Fault> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<Shape, Fault> {
        enter(self.depth)?;
        let begin = self.begin();
        self.output.put(index)?;
        self.output.end(begin, Shape::UNIT_VARIANT);
        Ok(Shape::UNIT_VARIANT)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Fault> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Fault> {
        let (depth, begin) = (enter(self.depth)?, self.begin());
        self.output.put(index)?;
        let content = value.serialize(Serializer::part(self.output, depth))?;
        let shape = content.newtype_variant();
        self.output.end(begin, shape);
        Ok(shape)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        self.elements(len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        self.elements(len)
    }

    #[inline]
    fn collect_seq<I>(self, elements: I) -> Result<Shape, Fault>
    where
        I: IntoIterator<Item: Serialize>,
    {
        order::check::<I>()?;
        let mut elements = elements.into_iter();
        let mut seq = self.elements(exact_len(&elements))?;
        elements
            .try_for_each(|element| ser::SerializeSeq::serialize_element(&mut seq, &element))?;
        ser::SerializeSeq::end(seq)
    }

    #[inline]
    fn collect_map<K, V, I>(self, entries: I) -> Result<Shape, Fault>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        order::check::<I>()?;
        let mut entries = entries.into_iter();
        let mut map = self.elements(exact_len(&entries))?;
        entries.try_for_each(|(key, value)| {
            ser::SerializeMap::serialize_entry(&mut map, &key, &value)
        })?;
        ser::SerializeMap::end(map)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Fields<'a, 'o>, Fault> {
        self.fields(FieldShapes::record())
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'o>, Fault> {
        self.fields(FieldShapes::record())
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'a, 'o>, Fault> {
        self.variant(index)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'o>, Fault> {
        self.fields(FieldShapes::record())
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'a, 'o>, Fault> {
        self.variant(index)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
