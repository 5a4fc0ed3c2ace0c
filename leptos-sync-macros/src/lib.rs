//! `#[derive(Crdt)]`: a struct whose fields are CRDTs is a CRDT.
//!
//! Use it through `leptos_sync_core::Crdt` or `leptos_sync_web::Crdt`, which also document it; this crate exists
//! because derive macros need one of their own.

mod expand;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input, parse_quote};

/// Implements `Crdt` for a struct with named fields, and a trait of accessors for transactions and reactive nodes.
///
/// For `Board` the trait is `BoardFields`; it has a method for each field. A field's name is the name of its cells, so
/// renaming a field loses sight of its data: `#[crdt(rename = "old name")]` keeps the old name in the data.
#[proc_macro_derive(Crdt, attributes(crdt))]
pub fn derive_crdt(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input, &parse_quote!(::leptos_sync_core))
}

/// `#[derive(Crdt)]` for apps that depend on leptos-sync-web alone, which exports it under that name.
#[proc_macro_derive(CrdtThroughWeb, attributes(crdt))]
pub fn derive_crdt_through_web(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input, &parse_quote!(::leptos_sync_web::core))
}

fn derive(input: &DeriveInput, core: &syn::Path) -> TokenStream {
    record::Record::parse(input)
        .map(|record| expand::expand(&record, core))
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
