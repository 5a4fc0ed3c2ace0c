use super::exchange::Exchange;
use crate::sync::message::Channel;

/// The documents of a client by channel. There are few, so this is a list, which takes the least
/// code in a page. A look-up is O(documents).
pub(super) struct Exchanges<D>(Vec<(Channel, Exchange<D>)>);

impl<D> Exchanges<D> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a document under an unused channel.
    pub(super) fn insert(&mut self, channel: Channel, exchange: Exchange<D>) {
        self.0.push((channel, exchange));
    }

    pub(super) fn remove(&mut self, channel: Channel) -> Option<Exchange<D>> {
        let at = self.0.iter().position(|(known, _)| *known == channel)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn get_mut(&mut self, channel: Channel) -> Option<&mut Exchange<D>> {
        let mut all = self.0.iter_mut();
        all.find_map(|(known, exchange)| (*known == channel).then_some(exchange))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Exchange<D>> {
        self.0.iter().map(|(_, exchange)| exchange)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Exchange<D>> {
        self.0.iter_mut().map(|(_, exchange)| exchange)
    }

    /// Returns the channels of the exchanges for which `is` returns true.
    pub(super) fn channels(&self, is: impl Fn(&Exchange<D>) -> bool) -> Vec<Channel> {
        let mut channels = Vec::new();
        for (channel, exchange) in &self.0 {
            if is(exchange) {
                channels.push(*channel);
            }
        }
        channels
    }
}
