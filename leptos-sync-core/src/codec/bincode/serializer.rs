use serde::{Serialize, ser};

use super::{
    fault::Fault,
    output::{Output, enter},
};

/// Writes one value, or a part of it.
pub(super) struct Serializer<'a, 'o> {
    output: &'a mut Output<'o>,
    /// Compounds around this part; at 0 it is the whole value.
    depth: usize,
}

/// Writes the elements of a sequence, or the keys and values of a map.
pub(super) struct Elements<'a, 'o> {
    output: &'a mut Output<'o>,
    depth: usize,
    /// Elements that were promised and are yet to come.
    left: usize,
    /// Where the current element begins.
    start: usize,
}

/// Writes the fields of a tuple, a struct or a variant, whose number the type knows.
pub(super) struct Fields<'a, 'o> {
    output: &'a mut Output<'o>,
    depth: usize,
}

impl<'a, 'o> Serializer<'a, 'o> {
    #[inline]
    pub(super) const fn new(output: &'a mut Output<'o>) -> Self {
        Self { output, depth: 0 }
    }

    #[inline]
    fn elements(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        let depth = enter(self.depth)?;
        let Some(left) = len else {
            return Err(Fault::value(
                "a sequence or map does not know its length (as with #[serde(flatten)]); collect it first",
            ));
        };
        self.output.put(left as u64)?;
        Ok(Elements {
            start: self.output.len(),
            output: self.output,
            depth,
            left,
        })
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
        self.elements(len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a, 'o>, Fault> {
        self.elements(len)
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

impl Elements<'_, '_> {
    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(Serializer {
            output: self.output,
            depth: self.depth,
        })
    }

    /// Accounts for an element that has been written.
    #[inline]
    fn next(&mut self) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or_else(wrong_length)?;
        self.output.spend(self.start)?;
        self.start = self.output.len();
        Ok(())
    }

    #[inline]
    fn finish(&self) -> Result<(), Fault> {
        if self.left == 0 {
            Ok(())
        } else {
            Err(wrong_length())
        }
    }
}

#[cold]
fn wrong_length() -> Fault {
    Fault::value("a sequence or map holds another number of elements than it announced")
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.part(value)?;
        self.next()
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.part(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.part(value)?;
        self.next()
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

impl Fields<'_, '_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(Serializer {
            output: self.output,
            depth: self.depth,
        })
    }
}

/// Tuples and their like differ in the name of one method.
macro_rules! tuples {
    ($($trait:ident $method:ident),+) => {
        $(
            impl ser::$trait for Fields<'_, '_> {
                type Ok = ();
                type Error = Fault;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                    self.field(value)
                }

                #[inline]
                fn end(self) -> Result<(), Fault> {
                    Ok(())
                }
            }
        )+
    };
}

/// Structs and variants like them differ in the name of the trait.
macro_rules! structs {
    ($($trait:ident),+) => {
        $(
            impl ser::$trait for Fields<'_, '_> {
                type Ok = ();
                type Error = Fault;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Fault> {
                    self.field(value)
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
                    Err(skipped(name))
                }

                #[inline]
                fn end(self) -> Result<(), Fault> {
                    Ok(())
                }
            }
        )+
    };
}

tuples!(SerializeTuple serialize_element, SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);
structs!(SerializeStruct, SerializeStructVariant);

/// A reader expects all fields in their places.
#[cold]
fn skipped(name: &str) -> Fault {
    Fault::value(format!(
        "field `{name}` is skipped for its value, and could not be read back; remove skip_serializing_if"
    ))
}
