//! The message below an input whose text was rejected. The text stays in the input, so that the
//! user can shorten it.

use leptos::prelude::*;
use leptos_sync_web::Error;

/// The reason why the text of an input was rejected, if it was.
#[derive(Clone, Copy, Default)]
pub(crate) struct Problem(RwSignal<Option<String>>);

impl Problem {
    /// Shows the error of `result`, or removes the previous one. Returns whether there is no error.
    pub(crate) fn report(self, result: Result<(), Error>) -> bool {
        let error = result.err();
        let is_fine = error.is_none();
        self.0.set(error.map(|error| error.to_string()));
        is_fine
    }
}

/// Renders the message, if there is one.
pub(crate) fn problem(problem: Problem) -> impl IntoView {
    move || {
        let text = problem.0.get()?;
        Some(
            view! { <p class="problem" data-testid="problem" role="alert">"Not saved: " {text}</p> },
        )
    }
}
