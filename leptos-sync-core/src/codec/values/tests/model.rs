//! The meaning of a value without its Rust type, to compare a value of one type with the value of
//! another type that was read from its bytes.

use serde::{Serialize, ser};

use super::super::fault::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    Natural(u128),
    Negative(i128),
    Float(u64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Unit,
    None,
    Some(Box<Model>),
    Seq(Vec<Model>),
    Map(Vec<(Model, Model)>),
    Fields(Vec<Model>),
    Variant(u32, Box<Model>),
}

/// Returns the model of `value`. As a whole value, `Some(x)` equals `x`.
pub(super) fn model<T: Serialize>(value: &T) -> Model {
    whole(value.serialize(Modeller).ok().unwrap())
}

fn whole(model: Model) -> Model {
    match model {
        Model::Some(content) => match whole(*content) {
            content @ (Model::None | Model::Some(_)) => Model::Some(Box::new(content)),
            content => content,
        },
        model => model,
    }
}

struct Modeller;

/// The parts so far, with `variant` if they belong to one.
struct Parts {
    make: fn(Vec<Model>) -> Model,
    variant: Option<u32>,
    parts: Vec<Model>,
}

fn parts(make: fn(Vec<Model>) -> Model, variant: Option<u32>) -> Result<Parts, Fault> {
    Ok(Parts {
        make,
        variant,
        parts: Vec::new(),
    })
}

fn pairs(parts: Vec<Model>) -> Model {
    let pairs = parts
        .chunks_exact(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()));
    Model::Map(pairs.collect())
}

fn integer(value: i128) -> Model {
    u128::try_from(value).map_or(Model::Negative(value), Model::Natural)
}

macro_rules! integers {
    ($($method:ident $type:ty),+) => {
        $(fn $method(self, value: $type) -> Result<Model, Fault> {
            Ok(integer(value.into()))
        })+
    };
}

impl ser::Serializer for Modeller {
    type Ok = Model;
    type Error = Fault;
    type SerializeSeq = Parts;
    type SerializeMap = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    );

    fn serialize_u128(self, value: u128) -> Result<Model, Fault> {
        Ok(Model::Natural(value))
    }

    fn serialize_bool(self, value: bool) -> Result<Model, Fault> {
        Ok(Model::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Model, Fault> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Model, Fault> {
        Ok(Model::Float(value.to_bits()))
    }

    fn serialize_char(self, value: char) -> Result<Model, Fault> {
        Ok(Model::Text(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Model, Fault> {
        Ok(Model::Text(value.into()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Model, Fault> {
        Ok(Model::Bytes(value.into()))
    }

    fn serialize_none(self) -> Result<Model, Fault> {
        Ok(Model::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Model, Fault> {
        Ok(Model::Some(Box::new(value.serialize(self)?)))
    }

    fn serialize_unit(self) -> Result<Model, Fault> {
        Ok(Model::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Model, Fault> {
        Ok(Model::Unit)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<Model, Fault> {
        Ok(Model::Variant(index, Box::new(Model::Unit)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Model, Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Model, Fault> {
        Ok(Model::Variant(index, Box::new(value.serialize(self)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Fault> {
        parts(Model::Seq, None)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Fault> {
        parts(pairs, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Fault> {
        parts(Model::Fields, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        parts(Model::Fields, None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        parts(Model::Fields, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        parts(Model::Fields, Some(index))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        parts(Model::Fields, Some(index))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl Parts {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.parts.push(value.serialize(Modeller)?);
        Ok(())
    }

    fn finish(self) -> Result<Model, Fault> {
        let model = (self.make)(self.parts);
        Ok(match self.variant {
            Some(index) => Model::Variant(index, Box::new(model)),
            None => model,
        })
    }
}

macro_rules! unnamed {
    ($($trait:ident $method:ident),+) => {
        $(impl ser::$trait for Parts {
            type Ok = Model;
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<Model, Fault> {
                self.finish()
            }
        })+
    };
}

macro_rules! named {
    ($($trait:ident),+) => {
        $(impl ser::$trait for Parts {
            type Ok = Model;
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<Model, Fault> {
                self.finish()
            }
        })+
    };
}

unnamed!(
    SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);
named!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts {
    type Ok = Model;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.push(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.push(value)
    }

    fn end(self) -> Result<Model, Fault> {
        self.finish()
    }
}
