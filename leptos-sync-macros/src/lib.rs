//! The derive macro `#[derive(Crdt)]`, which makes a struct of CRDTs a CRDT.
//!
//! Use it as `leptos_sync_core::Crdt` or `leptos_sync_web::Crdt`. It is a separate crate only
//! because Rust requires that for derive macros.

mod expand;
mod names;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input, parse_quote};

/// Derives `Crdt` for a struct with named fields, and generates a trait of accessors for
/// transactions and nodes.
///
/// For `Board`, the trait is `BoardFields`, with one method per field. It has the visibility of the
/// struct. Import it to use the accessors in another module.
///
/// The data of a field is stored under the field's name. To rename a field and keep its data, give
/// the old name in an attribute:
///
/// ```
/// use leptos_sync_core::{Crdt, LwwRegister};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Board {
///     #[crdt(rename = "name")]
///     title: LwwRegister<String>,
/// }
/// ```
///
/// # Errors
///
/// The macro rejects enums, unions, tuple structs and lifetimes. It also rejects two fields with
/// one name in the data, and the few names that collide with methods of every node or transaction,
/// such as `edit`.
#[proc_macro_derive(Crdt, attributes(crdt))]
pub fn derive_crdt(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input, &parse_quote!(::leptos_sync_core))
}

/// Derives `Crdt` in crates that depend on leptos-sync-web, which exports this macro as `Crdt`.
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
