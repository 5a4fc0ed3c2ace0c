//! The decoding of whole values. The first byte states the kind; the value ends at the end of the
//! bytes.

use super::{fault::Fault, input::Input, scalars::short, shape::Shape, tags};

impl<'de> Input<'de> {
    /// Returns the first byte, or `None` for an empty string.
    #[inline]
    pub(super) fn first(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Consumes the first byte, which must be `tag`.
    #[inline]
    pub(super) fn expect(&mut self, tag: u8) -> Result<(), Fault> {
        if self.first() != Some(tag) {
            return Err(self.of_another_kind());
        }
        self.advance(1);
        Ok(())
    }

    /// Consumes and returns the first byte of a compound.
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

    /// Stores the shape of the decoded compound, and checks it against the `tag` of a whole value.
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

    /// Decodes an integer that a `T` can hold.
    #[inline]
    pub(super) fn integer<T: TryFrom<i128>>(&mut self) -> Result<T, Fault> {
        let value = self.widest()?;
        T::try_from(value).map_err(|_| self.out_of_range())
    }

    /// Decodes any integer except `u128::MAX`.
    fn widest(&mut self) -> Result<i128, Fault> {
        let (is_negative, value) = self.sign_and_bytes()?;
        match i128::try_from(value) {
            Ok(value) if is_negative => Ok(!value),
            Ok(value) => Ok(value),
            Err(_) => Err(self.out_of_range()),
        }
    }

    /// Decodes an integer that is not negative.
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

    /// Decodes a float. Rejects 8 bytes for a float that has a short form.
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

    /// Returns whether the option has content, and consumes `None` or the mark of a nested option.
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
            "it was written as {found} and is read as another type"
        ))
    }

    #[cold]
    fn of_another_type(&self) -> Fault {
        self.fault("it was written as another type")
    }
}
