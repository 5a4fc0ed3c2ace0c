use super::message::Channel;

/// The exchanges of a client by channel. There are few, so this is a list, which takes the least
/// code in a page. A look-up is O(exchanges).
pub(super) struct Exchanges<E>(Vec<(Channel, E)>);

impl<E> Exchanges<E> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an exchange under an unused channel.
    pub(super) fn insert(&mut self, channel: Channel, exchange: E) {
        self.0.push((channel, exchange));
    }

    pub(super) fn remove(&mut self, channel: Channel) -> Option<E> {
        let at = self.0.iter().position(|(known, _)| *known == channel)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn get_mut(&mut self, channel: Channel) -> Option<&mut E> {
        let mut all = self.0.iter_mut();
        all.find_map(|(known, exchange)| (*known == channel).then_some(exchange))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &E> {
        self.0.iter().map(|(_, exchange)| exchange)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.0.iter_mut().map(|(_, exchange)| exchange)
    }

    /// Returns the channels of the exchanges for which `is` returns true.
    pub(super) fn channels(&self, is: impl Fn(&E) -> bool) -> Vec<Channel> {
        let mut channels = Vec::new();
        for (channel, exchange) in &self.0 {
            if is(exchange) {
                channels.push(*channel);
            }
        }
        channels
    }
}
