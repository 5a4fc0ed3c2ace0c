//! The hosts of a relay and its replicas, on a simulated TCP network.

mod socket;

use std::{
    net::Ipv4Addr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use leptos_sync_server::{RelayOptions, router};
use turmoil::{Builder, Sim, net::TcpListener};

use crate::simulated::crew::Crew;
use socket::{Accepting, Socket};

/// The name and port of the relay's host.
const RELAY: &str = "relay";
const PORT: u16 = 80;

/// The granularity of message delivery, in milliseconds. Timers of hosts are exact.
const TICK_MS: u64 = 10;

/// The silence in milliseconds after which a connection is considered dead. A simulated connection
/// that has lost a packet delivers nothing more, and the replica must notice that soon after the
/// repairs.
pub(crate) const SILENCE_MS: u32 = 6_000;

/// The hosts, the network between them, and their state.
pub(crate) struct Cluster {
    pub(crate) crew: Rc<Crew>,
    sim: Sim<'static>,
    elapsed_ms: Arc<AtomicU64>,
}

fn name(at: usize) -> String {
    format!("replica-{at}")
}

impl Cluster {
    /// Creates one replica for each entry of `skews_ms`, which is the error of its clock. If
    /// `reader` is true, the last one may only read.
    pub(crate) fn new(seed: u64, reader: bool, skews_ms: &[i64]) -> Self {
        let elapsed_ms = Arc::new(AtomicU64::new(0));
        let elapsed = {
            let elapsed_ms = Arc::clone(&elapsed_ms);
            Arc::new(move || elapsed_ms.load(Ordering::Relaxed))
        };
        let crew = Rc::new(Crew::new(seed, elapsed, reader, skews_ms));
        let mut sim = Builder::new()
            .tick_duration(Duration::from_millis(TICK_MS))
            .simulation_duration(Duration::from_secs(3_600))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(50))
            .rng_seed(seed)
            .build();
        let served = Rc::clone(&crew);
        sim.host(RELAY, move || serve(Rc::clone(&served)));
        for at in 0..skews_ms.len() {
            let crew = Rc::clone(&crew);
            sim.host(name(at), move || {
                let running = crew.begin(at, Socket::connect);
                async move {
                    running.await;
                    Ok(())
                }
            });
        }
        Self {
            crew,
            sim,
            elapsed_ms,
        }
    }

    /// Lets time pass. A panic on a host fails the run.
    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(TICK_MS) {
            let finished = self.sim.step().unwrap();
            assert!(finished, "hosts run until they crash");
            let elapsed = self.sim.elapsed().as_millis() as u64;
            self.elapsed_ms.store(elapsed, Ordering::Relaxed);
        }
    }

    /// Crashes the process of the relay, whose log keeps its content. Returns whether the relay was
    /// running.
    pub(crate) fn crash_relay(&mut self) -> bool {
        let running = self.sim.is_host_running(RELAY);
        self.sim.crash(RELAY);
        running
    }

    /// Starts the relay unless it is running.
    pub(crate) fn start_relay(&mut self) {
        if !self.sim.is_host_running(RELAY) {
            self.sim.bounce(RELAY);
        }
    }

    /// Crashes the process of a replica, which keeps its saved data. Returns whether the replica
    /// was running.
    pub(crate) fn crash(&mut self, at: usize) -> bool {
        let running = self.sim.is_host_running(name(at));
        if running {
            self.sim.crash(name(at));
            self.crew.crash(at);
        }
        running
    }

    /// Starts a replica unless it is running.
    pub(crate) fn start(&mut self, at: usize) {
        if !self.sim.is_host_running(name(at)) {
            self.sim.bounce(name(at));
        }
    }

    /// Delays all packets between a replica and the relay until the network is repaired.
    pub(crate) fn hold(&self, at: usize) {
        self.sim.hold(name(at), RELAY);
    }

    /// Drops all packets between a replica and the relay.
    pub(crate) fn part(&self, at: usize) {
        self.sim.partition(name(at), RELAY);
    }

    /// Drops all packets in one direction between a replica and the relay.
    pub(crate) fn part_oneway(&self, at: usize, to_relay: bool) {
        match to_relay {
            true => self.sim.partition_oneway(name(at), RELAY),
            false => self.sim.partition_oneway(RELAY, name(at)),
        }
    }

    /// Repairs the network between a replica and the relay. Delayed packets arrive; dropped ones
    /// stay lost.
    pub(crate) fn mend(&self, at: usize) {
        self.sim.release(name(at), RELAY);
    }

    /// Sets the maximum latency between a replica and the relay.
    pub(crate) fn set_latency_ms(&self, at: usize, ms: u64) {
        let most = Duration::from_millis(ms);
        self.sim.set_link_max_message_latency(name(at), RELAY, most);
    }

    /// Starts all hosts and repairs the network.
    pub(crate) fn heal(&mut self) {
        self.start_relay();
        for at in 0..self.crew.replicas.len() {
            self.start(at);
            self.mend(at);
            self.set_latency_ms(at, 50);
        }
    }
}

/// Runs the relay in an axum app.
async fn serve(crew: Rc<Crew>) -> turmoil::Result {
    let relay = crew.relay(RelayOptions::default().silence_ms(SILENCE_MS));
    let app: Router = Router::new().nest("/sync", router(relay));
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    axum::serve(Accepting(listener), app).await?;
    Ok(())
}
