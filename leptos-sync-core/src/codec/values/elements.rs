use serde::{Serialize, ser};

use super::{
    fault::Fault,
    output::Output,
    serializer::Serializer,
    shape::{ElementShapes, FieldShapes, Shape},
};

/// Writes the elements of a sequence, or the keys and values of a map.
pub(super) struct Elements<'a, 'o> {
    output: &'a mut Output<'o>,
    depth: usize,
    /// Where the value's first byte is, where it has one.
    begin: Option<usize>,
    shapes: ElementShapes,
    /// Elements that were promised and are yet to come.
    left: usize,
    /// Where the current element begins.
    start: usize,
}

/// Writes the fields of a tuple, a struct or a variant, whose number the type knows.
pub(super) struct Fields<'a, 'o> {
    pub(super) output: &'a mut Output<'o>,
    pub(super) depth: usize,
    /// Where the value's first byte is, where it has one.
    pub(super) begin: Option<usize>,
    pub(super) shapes: FieldShapes,
}

impl<'a, 'o> Elements<'a, 'o> {
    /// Writes the length.
    #[inline]
    pub(super) fn begin(
        output: &'a mut Output<'o>,
        depth: usize,
        begin: Option<usize>,
        len: Option<usize>,
    ) -> Result<Self, Fault> {
        let Some(left) = len else {
            return Err(Fault::value(
                "a sequence or map does not know its length (as with #[serde(flatten)]); collect it first",
            ));
        };
        output.put(left as u64)?;
        Ok(Self {
            start: output.len(),
            output,
            depth,
            begin,
            shapes: ElementShapes::default(),
            left,
        })
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Shape, Fault> {
        value.serialize(Serializer::part(self.output, self.depth))
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
    fn finish(self, shape: Shape) -> Result<Shape, Fault> {
        if self.left > 0 {
            return Err(wrong_length());
        }
        self.output.end(self.begin, shape);
        Ok(shape)
    }
}

#[cold]
fn wrong_length() -> Fault {
    Fault::value("a sequence or map holds another number of elements than it announced")
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = Shape;
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let shape = self.part(value)?;
        self.shapes.push(shape);
        self.next()
    }

    #[inline]
    fn end(self) -> Result<Shape, Fault> {
        let shape = self.shapes.seq();
        self.finish(shape)
    }
}

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = Shape;
    type Error = Fault;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let shape = self.part(key)?;
        self.shapes.push_key(shape);
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let shape = self.part(value)?;
        self.shapes.push(shape);
        self.next()
    }

    #[inline]
    fn end(self) -> Result<Shape, Fault> {
        let shape = self.shapes.map();
        self.finish(shape)
    }
}

impl Fields<'_, '_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let shape = value.serialize(Serializer::part(self.output, self.depth))?;
        self.shapes.push(shape);
        Ok(())
    }

    #[inline]
    fn finish(self) -> Shape {
        let shape = self.shapes.shape();
        self.output.end(self.begin, shape);
        shape
    }
}

/// Tuples and their like differ in the name of one method.
macro_rules! tuples {
    ($($trait:ident $method:ident),+) => {
        $(
            impl ser::$trait for Fields<'_, '_> {
                type Ok = Shape;
                type Error = Fault;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                    self.field(value)
                }

                #[inline]
                fn end(self) -> Result<Shape, Fault> {
                    Ok(self.finish())
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
                type Ok = Shape;
                type Error = Fault;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Fault> {
                    self.field(value)
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
                    Err(skipped(name))
                }

                #[inline]
                fn end(self) -> Result<Shape, Fault> {
                    Ok(self.finish())
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
