use serde::{Serialize, ser};

use super::{
    elements::{Elements, Fields},
    fault::Fault,
    output::{Output, enter},
};

/// Writes one value, or a part of it.
pub(super) struct Serializer<'a, 'o> {
    output: &'a mut Output<'o>,
    /// Compounds around this part; at 0 it is the whole value.
    depth: usize,
}

impl<'a, 'o> Serializer<'a, 'o> {
    #[inline]
    pub(super) const fn new(output: &'a mut Output<'o>) -> Self {
        Self { output, depth: 0 }
    }

    /// Writes a part at `depth`.
    #[inline]
    pub(super) const fn part(output: &'a mut Output<'o>, depth: usize) -> Self {
        Self { output, depth }
    }

    #[inline]
    fn fields(self) -> Result<Fields<'a, 'o>, Fault> {
        Ok(Fields {
            depth: enter(self.depth)?,
            output: self.output,
        })
    }

    #[inline]
    fn variant(self, index: u32) -> Result<Fields<'a, 'o>, Fault> {
        let fields = self.fields()?;
        fields.output.put(index)?;
        Ok(fields)
    }

    /// At the top a value's end is the end of the bytes: no length is needed.
    #[inline]
    fn text(self, bytes: &[u8]) -> Result<(), Fault> {
        if self.depth > 0 {
            self.output.put(bytes.len() as u64)?;
        }
        self.output.raw(bytes);
        Ok(())
    }
}

/// Scalars, as bincode spells them.
macro_rules! scalars {
    ($($method:ident: $type:ty),+) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), Fault> {
                self.output.put(value)
            }
        )+
    };
}

impl<'a, 'o> ser::Serializer for Serializer<'a, 'o> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Elements<'a, 'o>;
    type SerializeMap = Elements<'a, 'o>;
    type SerializeTuple = Fields<'a, 'o>;
    type SerializeTupleStruct = Fields<'a, 'o>;
    type SerializeTupleVariant = Fields<'a, 'o>;
    type SerializeStruct = Fields<'a, 'o>;
    type SerializeStructVariant = Fields<'a, 'o>;

    scalars!(
        serialize_bool: bool, serialize_char: char, serialize_f32: f32, serialize_f64: f64,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    );

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.text(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        self.text(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Fault> {
        enter(self.depth)?;
        self.output.put(0_u8)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        let mut content = self.fields()?;
        content.output.put(1_u8)?;
        content.field(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Fault> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Fault> {
        self.variant(index).map(drop)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.variant(index)?.field(value)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        Elements::begin(self.output, enter(self.depth)?, len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        Elements::begin(self.output, enter(self.depth)?, len)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Fields<'a, 'o>, Fault> {
        self.fields()
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'o>, Fault> {
        self.fields()
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
        self.fields()
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
