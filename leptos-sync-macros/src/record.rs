use std::collections::HashSet;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, GenericParam, Generics, Ident, LitStr,
    Path, Result, Type, parse_quote, spanned::Spanned,
};

use crate::names;

/// The maximum size of a field's name in bytes, so that a path of ordinary depth stays within its
/// limit.
const NAME_BYTES: usize = 64;

/// The parts of a struct that the macro reads.
pub(crate) struct Record<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A field of a record.
pub(crate) struct Part<'a> {
    pub(crate) ident: &'a Ident,
    /// The field's type, with the struct's name in place of `Self`: in the trait of accessors,
    /// `Self` is another type.
    pub(crate) ty: Type,
    /// The field's name in paths.
    pub(crate) name: LitStr,
    pub(crate) docs: Vec<&'a Attribute>,
}

impl<'a> Record<'a> {
    pub(crate) fn parse(input: &'a DeriveInput) -> Result<Self> {
        let refuse = |text: &str| Err(Error::new(input.ident.span(), text));
        let Data::Struct(data) = &input.data else {
            return refuse(
                "only a struct can derive `Crdt`; keep an enum as the value of an `LwwRegister`",
            );
        };
        let Fields::Named(fields) = &data.fields else {
            return refuse(
                "only a struct with named fields can derive `Crdt`: the names of its fields are \
                 the names of its data",
            );
        };
        check_generics(input)?;
        let parts = fields.named.iter().map(|field| Part::parse(field, input));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut names = HashSet::new();
        for part in &parts {
            let name = part.name.value();
            if !names.insert(name.clone()) {
                return Err(Error::new(
                    part.name.span(),
                    format!("two fields are called `{name}` in the data; give one another name"),
                ));
            }
        }
        Ok(Self { input, parts })
    }

    /// Returns the struct's parameters with the bounds that the implementations need: the bounds of
    /// a CRDT for each parameter, and `Crdt` for the type of each field.
    pub(crate) fn generics(&self, core: &Path) -> Generics {
        let mut generics = self.input.generics.clone();
        if generics.type_params().next().is_none() {
            return generics;
        }
        for parameter in generics.type_params_mut() {
            let bounds: [syn::TypeParamBound; 5] = [
                parse_quote!(::core::clone::Clone),
                parse_quote!(::core::default::Default),
                parse_quote!(::core::marker::Send),
                parse_quote!(::core::marker::Sync),
                parse_quote!('static),
            ];
            parameter.bounds.extend(bounds);
        }
        let fields = self.parts.iter().map(|part| &part.ty);
        let predicates =
            fields.map(|ty| -> syn::WherePredicate { parse_quote!(#ty: #core::internal::Crdt) });
        generics.make_where_clause().predicates.extend(predicates);
        generics
    }
}

/// Rejects type parameters that a record cannot have.
fn check_generics(input: &DeriveInput) -> Result<()> {
    for parameter in &input.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            return Err(Error::new(
                lifetime.span(),
                "a struct that derives `Crdt` owns its data and has no lifetimes; use owned types \
                 such as `String`",
            ));
        }
    }
    Ok(())
}

impl<'a> Part<'a> {
    fn parse(field: &'a Field, input: &DeriveInput) -> Result<Self> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new(field.span(), "a field needs a name"))?;
        let plain = ident.to_string();
        let plain = plain.strip_prefix("r#").unwrap_or(&plain);
        if let Some(conflict) = names::conflict(plain) {
            return Err(Error::new(ident.span(), conflict));
        }
        let name = Self::name(field, LitStr::new(plain, ident.span()))?;
        let docs = field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"));
        Ok(Self {
            ident,
            ty: without_self(&field.ty, input)?,
            name,
            docs: docs.collect(),
        })
    }

    /// Returns the field's name in the data: the name in `#[crdt(rename = "…")]` if there is one,
    /// otherwise `plain`.
    fn name(field: &Field, plain: LitStr) -> Result<LitStr> {
        let mut name = plain;
        for attribute in &field.attrs {
            if attribute.path().is_ident("crdt") {
                attribute.parse_nested_meta(|meta| {
                    if !meta.path.is_ident("rename") {
                        return Err(meta.error("unknown option; the only one is `rename = \"…\"`"));
                    }
                    name = meta.value()?.parse()?;
                    Ok(())
                })?;
            }
        }
        let bytes = name.value().len();
        if bytes == 0 || bytes > NAME_BYTES {
            let text = format!("this name is {bytes} bytes; a field's name is 1 to {NAME_BYTES}");
            return Err(Error::new(name.span(), text));
        }
        Ok(name)
    }
}

/// Returns the type with the struct's own in place of `Self`.
fn without_self(ty: &Type, input: &DeriveInput) -> Result<Type> {
    let (name, arguments) = (&input.ident, input.generics.split_for_impl().1);
    syn::parse2(replace_self(
        ty.to_token_stream(),
        &quote!(#name #arguments),
    ))
}

fn replace_self(tokens: TokenStream, own: &TokenStream) -> TokenStream {
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => own.clone(),
        TokenTree::Group(group) => {
            let inner = replace_self(group.stream(), own);
            let mut replaced = Group::new(group.delimiter(), inner);
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        token => token.into(),
    });
    tokens.collect()
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
        assert!(refusal("enum E { A }").contains("the value of an `LwwRegister`"));
        assert!(refusal("struct S(u8);").contains("the names of its data"));
        assert!(refusal("struct S;").contains("named fields"));
        assert!(refusal("union U { a: u8 }").contains("only a struct"));
    }

    #[test]
    fn a_name_is_used_once_and_has_a_length() {
        assert!(refusal(r#"struct S { a: A, #[crdt(rename = "a")] b: B }"#).contains("two fields"));
        assert!(refusal(r#"struct S { #[crdt(rename = "")] b: B }"#).contains("1 to 64"));
        let long = format!(
            r#"struct S {{ #[crdt(rename = "{}")] b: B }}"#,
            "x".repeat(65)
        );
        assert!(refusal(&long).contains("1 to 64"));
        assert!(refusal("struct S { #[crdt(name = \"x\")] b: B }").contains("rename"));
    }

    #[test]
    fn a_field_that_hides_a_method_is_refused_also_under_another_name_in_the_data() {
        assert!(refusal("struct S { edit: A }").contains("`edit`, which is a method of every"));
        assert!(refusal(r#"struct S { #[crdt(rename = "x")] r#edit: A }"#).contains("`edit`"));
        let input: DeriveInput =
            syn::parse_str(r#"struct S { #[crdt(rename = "edit")] edits: A }"#).unwrap();
        assert!(Record::parse(&input).is_ok());
    }

    #[test]
    fn a_record_has_no_lifetimes() {
        assert!(refusal("struct S<'a> { a: A<'a> }").contains("owns its data"));
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
