use serde::{Serialize, ser};

use super::{fault::Fault, output::Output, serializer::Serializer};

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
    pub(super) output: &'a mut Output<'o>,
    pub(super) depth: usize,
}

impl<'a, 'o> Elements<'a, 'o> {
    /// Writes the length.
    #[inline]
    pub(super) fn begin(
        output: &'a mut Output<'o>,
        depth: usize,
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
            left,
        })
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
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
    pub(super) fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(Serializer::part(self.output, self.depth))
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
