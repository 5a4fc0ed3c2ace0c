use leptos_sync_core::VersionVector;

use super::random::Random;

/// A message between replicas, encoded as on a real network.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Delta(Vec<u8>),
    Snapshot(Vec<u8>),
    /// A request with the version of a receiver that has found a gap.
    Ask(VersionVector),
}

/// A message in flight.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) due: u64,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The operations that the message may contain.
    pub(crate) upto: VersionVector,
    pub(crate) message: Message,
}

/// A network that loses, duplicates, delays and reorders messages.
#[derive(Default)]
pub(crate) struct Network(Vec<Sent>);

impl Network {
    pub(crate) fn send(&mut self, random: &mut Random, now: u64, sent: Sent) {
        if random.chance(20) {
            return;
        }
        let copies = 1 + usize::from(random.chance(15));
        for _ in 0..copies {
            let delay = if random.chance(60) {
                random.below(20)
            } else {
                random.below(2_000)
            };
            self.0.push(Sent {
                due: now + delay,
                ..sent.clone()
            });
        }
    }

    /// Returns the messages that have arrived by `now`, in order of arrival.
    pub(crate) fn arrived(&mut self, now: u64) -> Vec<Sent> {
        let (mut arrived, on_the_way): (Vec<_>, Vec<_>) =
            self.0.drain(..).partition(|sent| sent.due <= now);
        self.0 = on_the_way;
        arrived.sort_by_key(|sent| sent.due);
        arrived
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Sent> {
        self.0.iter()
    }
}
