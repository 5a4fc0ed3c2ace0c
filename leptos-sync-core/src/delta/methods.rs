/// Methods that deltas and snapshots share: access to their cells, and encoding.
macro_rules! message_methods {
    ($type:ident) => {
        impl $type {
            /// Returns the cells, including tombstones.
            pub fn cells(&self) -> $crate::codec::Cells<'_> {
                self.0.cells()
            }

            /// Returns the number of cells, including tombstones.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Returns whether there are no cells. The versions may still carry information.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Returns the size of the encoded cells in bytes, without envelope and compression.
            pub fn bytes(&self) -> usize {
                self.0.bytes()
            }

            /// Encodes this as one envelope, ready to store or send. O(bytes).
            pub fn encode(&self) -> Vec<u8> {
                let mut envelope = Vec::new();
                self.encode_into(&mut envelope);
                envelope
            }

            /// Encodes this like [`encode`](Self::encode), but appends the envelope to a reusable
            /// buffer.
            pub fn encode_into(&self, envelope: &mut Vec<u8>) {
                self.0.seal($crate::codec::envelope::Kind::$type, envelope);
            }

            /// Encodes this like [`encode`](Self::encode), but without compression. Use it for a
            /// transport or storage that does its own compression, or if time matters more than
            /// size. `cargo xtask bench compare` measures the difference.
            pub fn encode_uncompressed(&self) -> Vec<u8> {
                let mut envelope = Vec::new();
                self.0
                    .seal_uncompressed($crate::codec::envelope::Kind::$type, &mut envelope);
                envelope
            }
        }
    };
}

pub(super) use message_methods;
