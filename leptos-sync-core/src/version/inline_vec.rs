use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
};

/// A list optimized for one element, which it stores inline. A second element moves both to a
/// vector.
///
/// Most documents have one writer, and otherwise every per-writer list would allocate. The list
/// dereferences to a slice. Two lists are equal if their elements are equal, in either
/// representation.
#[derive(Clone)]
pub(crate) enum InlineVec<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> InlineVec<T> {
    /// Creates an empty list. Allocates nothing.
    pub(crate) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    /// Creates an empty list with a capacity of `count`. Allocates only if `count` is at least two.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self::Many(Vec::with_capacity(if count > 1 { count } else { 0 }))
    }

    #[inline]
    pub(crate) fn push(&mut self, element: T) {
        match self {
            Self::Many(all) if all.capacity() == 0 => *self = Self::One(element),
            _ => self.insert(self.len(), element),
        }
    }

    /// Inserts `element` before the one at `at`. O(1) at the end.
    pub(crate) fn insert(&mut self, at: usize, element: T) {
        match self {
            Self::Many(all) if all.capacity() == 0 => *self = Self::One(element),
            Self::Many(all) => all.insert(at, element),
            Self::One(_) => {
                let mut all = Vec::with_capacity(2);
                if let Self::One(one) = std::mem::take(self) {
                    all.push(one);
                }
                all.insert(at, element);
                *self = Self::Many(all);
            }
        }
    }

    /// Removes the element at `at`. O(1) at the end.
    pub(crate) fn remove(&mut self, at: usize) {
        match self {
            Self::Many(all) => drop(all.remove(at)),
            Self::One(_) => *self = Self::default(),
        }
    }
}

impl<T> Deref for InlineVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(all) => all,
        }
    }
}

impl<T> DerefMut for InlineVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(all) => all,
        }
    }
}

impl<T> Default for InlineVec<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T: PartialEq> PartialEq for InlineVec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for InlineVec<T> {}

impl<T: fmt::Debug> fmt::Debug for InlineVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Hash> Hash for InlineVec<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn a_list_behaves_like_a_vector(inserts in vec((any::<u8>(), any::<usize>()), 0..6)) {
            let mut few = InlineVec::with_capacity(inserts.len());
            let mut pushed = InlineVec::new();
            let mut model = Vec::new();
            for (element, at) in inserts {
                let at = at % (model.len() + 1);
                few.insert(at, element);
                model.insert(at, element);
                prop_assert_eq!(&*few, &*model);
            }
            model.iter().for_each(|&element| pushed.push(element));
            prop_assert!(pushed == few);
        }
    }
}
