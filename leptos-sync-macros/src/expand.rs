use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::Path;

use crate::record::{Part, Record};

/// Generates the implementations of `Crdt` and `Root`, and the trait of accessors.
pub(crate) fn expand(record: &Record<'_>, core: &Path) -> TokenStream {
    let implementation = implementation(record, core);
    let accessors = accessors(record, core);
    quote!(#implementation #accessors)
}

fn implementation(record: &Record<'_>, core: &Path) -> TokenStream {
    let name = &record.input.ident;
    let generics = record.generics(core);
    let (generics, arguments, bounds) = generics.split_for_impl();
    let group = group(record, core);
    let down = downward(record, core);
    let along = alongside(record, core);
    let schema = schema(record, core);
    quote! {
        #[automatically_derived]
        impl #generics #core::internal::Root for #name #arguments #bounds {}

        #[automatically_derived]
        #[allow(deprecated)]
        impl #generics #core::internal::Crdt for #name #arguments #bounds {
            #schema
            #group
            #down
            #along
        }
    }
}

/// Generates the fingerprint of the type.
fn schema(record: &Record<'_>, core: &Path) -> TokenStream {
    let fields = record.parts.iter().map(|Part { name, ty, .. }| {
        // Compilers differ in the spaces of a printed type, so remove them.
        let mut text = quote!(#ty).to_string();
        text.retain(|part| !part.is_whitespace());
        quote!((#name, #text, <#ty as #core::internal::Crdt>::SCHEMA))
    });
    quote!(const SCHEMA: u64 = #core::internal::schema(&[#(#fields),*]);)
}

/// A function that generates the match arm of a field. The literal is the field's name in the data.
type Arm<'a> = &'a dyn Fn(&Part<'_>, Literal) -> TokenStream;

fn arms(record: &Record<'_>, arm: Arm<'_>) -> TokenStream {
    let arms = record
        .parts
        .iter()
        .map(|part| arm(part, Literal::byte_string(part.name.value().as_bytes())));
    arms.collect()
}

/// Generates the method that joins a group of cells. The path of the group leads to one field.
fn group(record: &Record<'_>, core: &Path) -> TokenStream {
    let each = |arm: Arm<'_>| arms(record, arm);
    let cells = each(
        &|Part { ident, .. }, name| quote!(#name => #core::internal::Crdt::apply_cell(&mut self.#ident, group, cell, out),),
    );
    let groups = each(
        &|Part { ident, .. }, name| quote!(::core::option::Option::Some(#name) => #core::internal::Crdt::apply_group(&mut self.#ident, rest, group, out),),
    );
    quote! {
        fn apply_group(
            &mut self,
            mut rest: #core::internal::Segments<'_>,
            group: &#core::internal::Group<'_>,
            out: &mut #core::internal::Applied<'_>,
        ) {
            match ::core::iter::Iterator::next(&mut rest) {
                ::core::option::Option::None => {
                    for cell in group.cells() {
                        match cell.key {
                            #cells
                            _ => out.unknown(group, cell),
                        }
                    }
                }
                #groups
                ::core::option::Option::Some(_) => out.unknown_group(group),
            }
        }
    }
}

/// Generates the methods that follow a path to one cell.
fn downward(record: &Record<'_>, core: &Path) -> TokenStream {
    let each = |arm: Arm<'_>| arms(record, arm);
    let looks = each(
        &|Part { ident, .. }, name| quote!(::core::option::Option::Some(#name) => #core::internal::Crdt::cell_at(&self.#ident, rest, value),),
    );
    let writes = each(
        &|Part { ident, .. }, name| quote!(::core::option::Option::Some(#name) => #core::internal::Crdt::write_stamped(&self.#ident, rest, path, stamp, out),),
    );
    let restores = each(
        &|Part { ident, .. }, name| quote!(::core::option::Option::Some(#name) => #core::internal::Crdt::restore(&mut self.#ident, rest, old),),
    );
    quote! {
        fn write_stamped(
            &self,
            mut rest: #core::internal::Segments<'_>,
            path: #core::internal::Path<'_>,
            stamp: #core::internal::Stamp,
            out: &mut #core::internal::CellWriter,
        ) {
            match ::core::iter::Iterator::next(&mut rest) {
                #writes
                _ => {}
            }
        }

        fn cell_at<'leptos_sync>(
            &self,
            mut rest: #core::internal::Segments<'_>,
            value: &'leptos_sync mut ::std::vec::Vec<u8>,
        ) -> ::core::option::Option<#core::internal::OldCell<'leptos_sync>> {
            match ::core::iter::Iterator::next(&mut rest) {
                #looks
                _ => ::core::option::Option::None,
            }
        }

        fn restore(
            &mut self,
            mut rest: #core::internal::Segments<'_>,
            old: ::core::option::Option<#core::internal::OldCell<'_>>,
        ) {
            match ::core::iter::Iterator::next(&mut rest) {
                #restores
                _ => {}
            }
        }
    }
}

/// Generates the methods that treat every field alike.
fn alongside(record: &Record<'_>, core: &Path) -> TokenStream {
    let each = |call: &dyn Fn(&Part<'_>) -> TokenStream| {
        record.parts.iter().map(call).collect::<TokenStream>()
    };
    let merges = each(
        &|Part { ident, .. }| quote!(#core::internal::Crdt::merge(&mut self.#ident, &other.#ident);),
    );
    let writes = each(
        &|Part { ident, name, .. }| quote!(path.within(#name, |path| #core::internal::Crdt::write_cells(&self.#ident, path, since, out));),
    );
    let joins = each(
        &|Part { ident, name, .. }| quote!(join.within(#name, |join| #core::internal::Crdt::join(&mut self.#ident, &other.#ident, join));),
    );
    let forgets = each(
        &|Part { ident, .. }| quote!(#core::internal::Crdt::forget_tombstones(&mut self.#ident, stable);),
    );
    let counts =
        each(&|Part { ident, .. }| quote!(+ #core::internal::Crdt::tombstones(&self.#ident)));
    let takes = each(
        &|Part { ident, name, .. }| quote!(path.within(#name, |path| #core::internal::Crdt::take_tombstones(&mut self.#ident, path, out));),
    );
    let asserts =
        each(&|Part { ident, .. }| quote!(#core::internal::Crdt::assert_invariants(&self.#ident);));
    quote! {
        fn merge(&mut self, other: &Self) {
            #merges
        }

        fn write_cells(
            &self,
            path: &mut #core::internal::PathBuf,
            since: &#core::internal::VersionVector,
            out: &mut #core::internal::CellWriter,
        ) {
            #writes
        }

        fn join(&mut self, other: &Self, join: &mut #core::internal::Join<'_>) {
            #joins
        }

        fn forget_tombstones(&mut self, stable: #core::internal::Stable<'_>) {
            #forgets
        }

        fn tombstones(&self) -> usize {
            0 #counts
        }

        fn take_tombstones(
            &mut self,
            path: &mut #core::internal::PathBuf,
            out: &mut dyn ::core::ops::FnMut(#core::internal::PathBuf, #core::Stamp),
        ) {
            #takes
        }

        fn assert_invariants(&self) {
            #asserts
        }
    }
}

/// Generates the trait that narrows a transaction or a node to a field.
///
/// Its methods take `self` by value, so they take precedence over methods that take a reference,
/// such as those of leptos' traits.
fn accessors(record: &Record<'_>, core: &Path) -> TokenStream {
    let name = &record.input.ident;
    let fields = format_ident!("{name}Fields");
    let visibility = &record.input.vis;
    let all = record.generics(core);
    let (generics, arguments, bounds) = all.split_for_impl();
    let methods = record.parts.iter().map(
        |Part {
             ident,
             ty,
             name,
             docs,
         }| {
            let doc = format!("The field `{ident}`.");
            let docs = if docs.is_empty() {
                quote!(#[doc = #doc])
            } else {
                quote!(#(#docs)*)
            };
            quote! {
                #docs
                fn #ident(self) -> Self::At<#ty> {
                    #core::internal::Focus::focus_field(self, #core::internal::Field {
                        name: #name,
                        get: |record| &record.#ident,
                        get_mut: |record| &mut record.#ident,
                    })
                }
            }
        },
    );
    let doc = format!("The fields of a [`{name}`], as methods of its transaction or node.");
    let mut blanket = all.clone();
    // Named after the struct, since any fixed name may be the struct's.
    let focus = format_ident!("{name}Focus");
    blanket
        .params
        .push(syn::parse_quote!(#focus: #core::internal::Focus<Record = #name #arguments>));
    let (blanket, _, _) = blanket.split_for_impl();
    quote! {
        #[doc = #doc]
        #[allow(deprecated, non_snake_case)]
        #visibility trait #fields #generics: #core::internal::Focus<Record = #name #arguments> #bounds {
            #(#methods)*
        }

        #[automatically_derived]
        impl #blanket #fields #arguments for #focus #bounds {}
    }
}
