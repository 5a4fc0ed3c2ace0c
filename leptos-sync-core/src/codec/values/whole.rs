//! Reads what is a whole value and no compound: its kind is in its first byte, and its end is that
//! of the bytes.

use super::{fault::Fault, input::Input, serializer::short, shape::Shape, tags};

impl<'de> Input<'de> {
    /// The first byte of the value, `None` for an empty string.
    #[inline]
    pub(super) fn first(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Takes the first byte, which must be `tag`.
    #[inline]
    pub(super) fn expect(&mut self, tag: u8) -> Result<(), Fault> {
        if self.first() != Some(tag) {
            return Err(self.of_another_kind());
        }
        self.advance(1);
        Ok(())
    }

    /// Takes the first byte of a compound, which tells its shape.
    #[inline]
    pub(super) fn compound(&mut self) -> Result<Option<u8>, Fault> {
        match self.first() {
            Some(tag @ tags::COMPOUND..=tags::LAST_COMPOUND) => {
                self.advance(1);
                Ok(Some(tag))
            }
            _ => Err(self.of_another_kind()),
        }
    }

    /// Takes note of the shape of a compound that was read. That of a whole value must be as its
    /// first byte says.
    #[inline]
    pub(super) fn close(&mut self, tag: Option<u8>, shape: Shape) -> Result<(), Fault> {
        self.shape = shape;
        match tag {
            Some(tag) if tag != shape.tag() => Err(self.of_another_type()),
            _ => Ok(()),
        }
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.first() {
            Some(tag @ (tags::FALSE | tags::TRUE)) => {
                self.advance(1);
                Ok(tag == tags::TRUE)
            }
            _ => Err(self.of_another_kind()),
        }
    }

    /// An integer that a `T` can hold.
    #[inline]
    pub(super) fn integer<T: TryFrom<i128>>(&mut self) -> Result<T, Fault> {
        let (is_negative, value) = self.sign_and_bytes()?;
        let value = i128::try_from(value).ok();
        let value = value.map(|value| if is_negative { !value } else { value });
        value
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| self.out_of_range())
    }

    /// An integer that is not negative.
    pub(super) fn natural(&mut self) -> Result<u128, Fault> {
        match self.sign_and_bytes()? {
            (false, value) => Ok(value),
            (true, _) => Err(self.out_of_range()),
        }
    }

    fn sign_and_bytes(&mut self) -> Result<(bool, u128), Fault> {
        let is_negative = match self.first() {
            Some(tags::NATURAL) => false,
            Some(tags::NEGATIVE) => true,
            _ => return Err(self.of_another_kind()),
        };
        self.advance(1);
        let mut bytes = [0; 16];
        let given = self.take_all();
        if given.last() == Some(&0) {
            return Err(self.not_shortest());
        }
        match bytes.get_mut(..given.len()) {
            Some(low) => low.copy_from_slice(given),
            None => return Err(self.out_of_range()),
        }
        Ok((is_negative, u128::from_le_bytes(bytes)))
    }

    pub(super) fn short_float(&mut self) -> Result<f32, Fault> {
        self.expect(tags::F32)?;
        self.get()
    }

    /// A float, which is in its short form where it has one.
    pub(super) fn float(&mut self) -> Result<f64, Fault> {
        if self.first() == Some(tags::F64) {
            self.advance(1);
            let value = self.get()?;
            return match short(value) {
                None => Ok(value),
                Some(_) => Err(self.not_shortest()),
            };
        }
        let value = self.short_float()?;
        if value.is_nan() {
            return Err(self.of_another_type());
        }
        Ok(value.into())
    }

    /// Whether the content of an option follows, without the mark that an option has which is
    /// within another.
    pub(super) fn is_some(&mut self) -> Result<bool, Fault> {
        match self.first() {
            Some(tags::NONE) => {
                self.advance(1);
                Ok(false)
            }
            Some(tags::SOME) => {
                self.advance(1);
                match self.first() {
                    Some(tags::NONE | tags::SOME) => Ok(true),
                    _ => Err(self.of_another_type()),
                }
            }
            _ => Ok(true),
        }
    }

    #[cold]
    fn of_another_kind(&self) -> Fault {
        let found = tags::name(self.first());
        self.fault(&format!(
            "it was written as {found}, and is read as another type"
        ))
    }

    #[cold]
    fn of_another_type(&self) -> Fault {
        self.fault("it was written as another type")
    }
}
