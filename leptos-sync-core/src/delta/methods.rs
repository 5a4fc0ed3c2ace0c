/// The methods that deltas and snapshots share: what can be said of any message's cells, and its bytes.
macro_rules! message_methods {
    ($type:ident) => {
        impl $type {
            /// The cells, tombstones included.
            pub fn cells(&self) -> $crate::codec::Cells<'_> {
                self.0.cells()
            }

            /// How many cells there are, tombstones included.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is no cell. The versions may say something all the same.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Bytes of the encoded cells, before the envelope and its compression.
            pub fn bytes(&self) -> usize {
                self.0.bytes()
            }

            /// This as one envelope, ready to store or send. O(bytes).
            pub fn encode(&self) -> Vec<u8> {
                let mut envelope = Vec::new();
                self.encode_into(&mut envelope);
                envelope
            }

            /// As [`encode`](Self::encode), appended to a buffer that may be used again.
            pub fn encode_into(&self, envelope: &mut Vec<u8>) {
                self.0.seal($crate::codec::envelope::Kind::$type, envelope);
            }

            /// As [`encode`](Self::encode), never compressed: for a transport or a storage that compresses by itself, and
            /// where time counts more than bytes. The command `cargo xtask bench compare` shows by how much.
            pub fn encode_uncompressed(&self) -> Vec<u8> {
                let mut envelope = Vec::new();
                self.0
                    .seal_uncompressed($crate::codec::envelope::Kind::$type, &mut envelope);
                envelope
            }

            pub(crate) fn body(&self) -> &Body {
                &self.0
            }
        }
    };
}

pub(super) use message_methods;
