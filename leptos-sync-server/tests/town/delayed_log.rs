use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use leptos_sync_server::{Error, MemoryLog};
use tokio::time::sleep;

use crate::{
    boards::Random,
    common::{Call, Hook, HookedLog},
};

/// The longest time that a log takes before and after it does something, in milliseconds.
const DELAY_MS: u64 = 8;

/// A log whose answers are delayed, so that those of concurrent calls come in any order.
pub(super) type DelayedLog = HookedLog<Delays>;

#[derive(Clone)]
pub(super) struct Delays(Arc<Mutex<Random>>);

impl DelayedLog {
    pub(super) fn with_seed(log: Arc<MemoryLog>, seed: u64) -> Self {
        Self::new(log, Delays(Arc::new(Mutex::new(Random(seed | 1)))))
    }
}

impl Delays {
    async fn delay(&self) {
        let ms = self.0.lock().unwrap().below(DELAY_MS);
        sleep(Duration::from_millis(ms)).await;
    }
}

impl Hook for Delays {
    async fn run<T: Send>(
        self,
        _: Call,
        run: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.delay().await;
        let done = run.await;
        self.delay().await;
        done
    }
}
