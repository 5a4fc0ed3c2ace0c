use std::{thread, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{error::Error, limits};

/// The metrics of the process in Prometheus' format.
///
/// It is a recorder of the `metrics` crate, so it contains all metrics of the process, not only the
/// relay's. If an app already has another recorder, that one receives the relay's metrics.
#[derive(Clone)]
pub struct Prometheus(PrometheusHandle);

impl Prometheus {
    /// Installs the recorder of the process. It does not record metrics that were created before
    /// this call. Histograms are reported as the quantiles 0.5, 0.95 and 0.99 of about the last
    /// minute. A background thread compacts them.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if the process already has a recorder, and [`Error::is_unavailable`]
    /// if the thread cannot be started.
    pub fn install() -> Result<Self, Error> {
        let handle = PrometheusBuilder::new()
            .set_quantiles(&[0.5, 0.95, 0.99])
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| {
                Error::invalid(format!(
                    "cannot install a metrics recorder ({error}); if the process has one already, use \
                     that one"
                ))
            })?;
        let upkeep = handle.clone();
        thread::Builder::new()
            .name("leptos-sync metrics".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(Duration::from_millis(limits::UPKEEP_MS));
                    upkeep.run_upkeep();
                }
            })
            .map_err(|error| {
                Error::unavailable(format!("cannot start a thread for the metrics: {error}"))
            })?;
        Ok(Self(handle))
    }

    /// Returns all metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
