use std::{thread, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{error::Error, limits};

/// The process's figures, as Prometheus reads them.
///
/// It is the recorder of the `metrics` façade, so everything that the process counts through that is in it, not only the relay's
/// figures. An app that has another recorder already has no need of it: the relay's figures are there.
#[derive(Clone)]
pub struct Prometheus(PrometheusHandle);

impl Prometheus {
    /// Becomes the process's recorder; what was made before is not counted. Histograms tell the quantiles 0.5, 0.95 and 0.99
    /// of about the last minute. A thread of its own keeps them from growing while nobody asks.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] where the process has a recorder; [`Error::is_unavailable`] where the thread cannot be started.
    pub fn install() -> Result<Self, Error> {
        let handle = PrometheusBuilder::new()
            .set_quantiles(&[0.5, 0.95, 0.99])
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| {
                let text = "figures cannot be kept for Prometheus, probably since the process has a recorder";
                Error::invalid(format!("{text} ({error}); ask that one for them"))
            })?;
        let kept = handle.clone();
        thread::Builder::new()
            .name("leptos-sync metrics".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(Duration::from_millis(limits::UPKEEP_MS));
                    kept.run_upkeep();
                }
            })
            .map_err(|error| Error::unavailable(format!("no thread for the metrics: {error}")))?;
        Ok(Self(handle))
    }

    /// All figures, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
