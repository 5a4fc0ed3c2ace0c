use serde::{Serialize, ser};

use super::{
    fault::Fault,
    output::Output,
    serializer::Serializer,
    shape::{ElementShapes, FieldShapes, Shape},
};

/// An encoder of the elements of a sequence, or of the keys and values of a map.
pub(super) struct Elements<'a, 'o> {
    output: &'a mut Output<'o>,
    depth: usize,
    /// The position of the first byte of a whole value.
    begin: Option<usize>,
    shapes: ElementShapes,
    /// The number of declared elements that have not been encoded yet.
    left: usize,
    /// The position of the current element.
    start: usize,
}

/// An encoder of the fields of a tuple, a struct or a variant. The type fixes their number.
pub(super) struct Fields<'a, 'o> {
    pub(super) output: &'a mut Output<'o>,
    pub(super) depth: usize,
    /// The position of the first byte of a whole value.
    pub(super) begin: Option<usize>,
    pub(super) shapes: FieldShapes,
}

impl<'a, 'o> Elements<'a, 'o> {
    /// Encodes the length.
    #[inline]
    pub(super) fn begin(
        output: &'a mut Output<'o>,
        depth: usize,
        begin: Option<usize>,
        len: Option<usize>,
    ) -> Result<Self, Fault> {
        let Some(left) = len else {
            return Err(Fault::value(
                "a sequence or map does not know its length, as with #[serde(flatten)]; collect it first",
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

    /// Deducts the element that was encoded from the budget.
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

/// Returns the number of elements that an iterator will return, if it is known.
#[inline]
pub(super) fn exact_len(elements: &impl Iterator) -> Option<usize> {
    match elements.size_hint() {
        (low, Some(high)) if low == high => Some(low),
        _ => None,
    }
}

#[cold]
fn wrong_length() -> Fault {
    Fault::value("a sequence or map has another number of elements than it announced")
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

/// Implements serde's traits for tuples, which differ only in the name of one method.
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

/// Implements serde's traits for structs and struct variants, which differ only in their names.
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

/// Returns the error of a skipped field: the decoder expects every field at its position.
#[cold]
fn skipped(name: &str) -> Fault {
    Fault::value(format!(
        "field `{name}` is skipped, and the value could not be read back; remove skip_serializing_if"
    ))
}
