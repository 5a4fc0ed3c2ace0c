//! The message below an input whose text was rejected. The text stays in the input, so that the
//! user can shorten it.

use leptos::prelude::*;
use leptos_sync_web::Error;

/// The reason why the text of an input was rejected. It is empty if the text was accepted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Problem(RwSignal<String>);

impl Problem {
    /// Shows the error of `result`, or removes the previous one. Returns whether there is no error.
    pub(crate) fn report(self, result: Result<(), Error>) -> bool {
        let text = match result {
            Ok(()) => String::new(),
            Err(error) => ["Not saved: ", &error.to_string()].concat(),
        };
        let is_fine = text.is_empty();
        self.0.set(text);
        is_fine
    }
}

/// Renders the message. The style sheet hides an empty one.
pub(crate) fn problem(problem: Problem) -> impl IntoView {
    view! { <p class="problem" data-testid="problem" role="alert">{move || problem.0.get()}</p> }
}
