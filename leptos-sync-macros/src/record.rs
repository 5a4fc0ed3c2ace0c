use std::collections::HashSet;

use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Type,
    spanned::Spanned,
};

/// Bytes of the longest name of a field: a path of ordinary depth must stay within its limit.
const NAME_BYTES: usize = 64;

/// What the macro reads of a struct.
pub(crate) struct Record<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) parts: Vec<Part<'a>>,
}

/// One field.
pub(crate) struct Part<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// Its name in paths.
    pub(crate) name: LitStr,
    pub(crate) docs: Vec<&'a Attribute>,
}

impl<'a> Record<'a> {
    pub(crate) fn parse(input: &'a DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new(
                input.ident.span(),
                "only a struct can derive Crdt: put the enum into an `LwwRegister`",
            ));
        };
        let Fields::Named(fields) = &data.fields else {
            return Err(Error::new(
                input.ident.span(),
                "only a struct with named fields can derive Crdt: a field's name is the name of its data",
            ));
        };
        let parts = fields.named.iter().map(Part::parse);
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut names = HashSet::new();
        for part in &parts {
            if !names.insert(part.name.value()) {
                return Err(Error::new(
                    part.name.span(),
                    "two fields have this name in the data; each needs its own",
                ));
            }
        }
        Ok(Self { input, parts })
    }
}

impl<'a> Part<'a> {
    fn parse(field: &'a Field) -> Result<Self> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new(field.span(), "a field needs a name"))?;
        let plain = ident.to_string();
        let plain = plain.strip_prefix("r#").unwrap_or(&plain);
        let mut name = LitStr::new(plain, ident.span());
        for attribute in &field.attrs {
            if attribute.path().is_ident("crdt") {
                attribute.parse_nested_meta(|meta| {
                    if !meta.path.is_ident("rename") {
                        return Err(meta.error("unknown option; there is `rename = \"…\"`"));
                    }
                    name = meta.value()?.parse()?;
                    Ok(())
                })?;
            }
        }
        if name.value().is_empty() || name.value().len() > NAME_BYTES {
            return Err(Error::new(name.span(), "a field's name has 1 to 64 bytes"));
        }
        let docs = field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"));
        Ok(Self {
            ident,
            ty: &field.ty,
            name,
            docs: docs.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(input: &str) -> String {
        let input: DeriveInput = syn::parse_str(input).unwrap();
        Record::parse(&input).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn only_structs_with_named_fields_are_records() {
        assert!(refusal("enum E { A }").contains("put the enum into an `LwwRegister`"));
        assert!(refusal("struct S(u8);").contains("a field's name is the name of its data"));
        assert!(refusal("struct S;").contains("named fields"));
        assert!(refusal("union U { a: u8 }").contains("only a struct"));
    }

    #[test]
    fn a_name_is_used_once_and_has_a_length() {
        assert!(refusal(r#"struct S { a: A, #[crdt(rename = "a")] b: B }"#).contains("two fields"));
        assert!(refusal(r#"struct S { #[crdt(rename = "")] b: B }"#).contains("1 to 64 bytes"));
        let long = format!(
            r#"struct S {{ #[crdt(rename = "{}")] b: B }}"#,
            "x".repeat(65)
        );
        assert!(refusal(&long).contains("1 to 64 bytes"));
        assert!(refusal("struct S { #[crdt(name = \"x\")] b: B }").contains("rename"));
    }

    #[test]
    fn a_renamed_field_keeps_its_name_in_the_data_and_a_raw_one_loses_its_prefix() {
        let input: DeriveInput =
            syn::parse_str(r#"struct S { #[crdt(rename = "old")] new: A, r#type: B }"#).unwrap();
        let record = Record::parse(&input).unwrap();
        let names: Vec<String> = record.parts.iter().map(|part| part.name.value()).collect();
        assert_eq!(names, ["old", "type"]);
    }
}
