/// Computes the fingerprint of a record's type from its fields: the name, the type as written, and
/// the fingerprint of that type.
///
/// Builds with equal fields have equal fingerprints. The names of types are hashed as written and
/// not resolved. The hash is the 64-bit FNV-1a by G. Fowler, L. C. Noll and K.-P. Vo. Each part
/// ends with a byte that no text contains.
pub const fn schema(fields: &[(&str, &str, u64)]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut rest = fields;
    while let [(name, ty, of), fields @ ..] = rest {
        hash = add(hash, name.as_bytes());
        hash = add(hash, ty.as_bytes());
        hash = add(hash, &of.to_le_bytes());
        rest = fields;
    }
    hash
}

const fn add(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut rest = bytes;
    while let [byte, bytes @ ..] = rest {
        hash = step(hash, *byte);
        rest = bytes;
    }
    step(hash, u8::MAX)
}

const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_fields_have_different_fingerprints() {
        let fields = [
            ("title", "LwwRegister<String>", 0),
            ("likes", "GCounter", 0),
        ];
        let same = schema(&fields);
        assert_eq!(schema(&fields), same);
        let others = [
            schema(&[]),
            schema(&fields[..1]),
            schema(&[fields[1], fields[0]]),
            schema(&[("title", "LwwRegister<String>", 1), fields[1]]),
            schema(&[("titleL", "wwRegister<String>", 0), fields[1]]),
        ];
        assert!(others.iter().all(|other| *other != same), "{others:?}");
    }
}
