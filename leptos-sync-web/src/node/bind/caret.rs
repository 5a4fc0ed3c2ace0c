//! The position of a caret after the text around it has changed.

/// A replacement of one part of a text. Positions are in UTF-16 code units, as in browsers.
pub(super) struct Replacement {
    start: u32,
    removed: u32,
    inserted: u32,
}

impl Replacement {
    /// Returns the smallest replacement that turns `old` into `new`. O(length).
    pub(super) fn between(old: &str, new: &str) -> Self {
        let same = |(a, b): &(char, char)| a == b;
        let prefix = old.chars().zip(new.chars()).take_while(same);
        let prefix: usize = prefix.map(|(char, _)| char.len_utf8()).sum();
        let start = units(old.get(..prefix).unwrap_or_default());
        let (old, new) = (rest(old, prefix), rest(new, prefix));
        let suffix = old.chars().rev().zip(new.chars().rev()).take_while(same);
        let suffix: u32 = suffix.map(|(char, _)| char.len_utf16() as u32).sum();
        Self {
            start,
            removed: units(old) - suffix,
            inserted: units(new) - suffix,
        }
    }

    /// Returns the position of a selection of the old text in the new text. Text that is inserted
    /// at the start of the selection does not become part of it.
    pub(super) fn select(&self, start: u32, end: u32) -> (u32, u32) {
        let is_pushed = start < end && start == self.start && self.removed == 0;
        let moved = match is_pushed {
            true => start + self.inserted,
            false => self.moved(start),
        };
        (moved, self.moved(end))
    }

    /// Maps an offset in the old text to the new text: an offset before the replacement stays, one
    /// after it shifts, and one inside it moves to its end.
    fn moved(&self, offset: u32) -> u32 {
        if offset <= self.start {
            return offset;
        }
        let removed_end = self.start + self.removed;
        self.start + self.inserted + offset.saturating_sub(removed_end)
    }
}

fn rest(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

fn units(text: &str) -> u32 {
    text.encode_utf16().count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves the caret, which `|` marks in `old`, and returns `new` with the caret.
    fn shown(old: &str, new: &str) -> String {
        let (before, after) = old.split_once('|').unwrap();
        let replacement = Replacement::between(&[before, after].concat(), new);
        let offset = replacement.moved(units(before)) as usize;
        let new: Vec<u16> = new.encode_utf16().collect();
        let (before, after) = new.split_at(offset);
        let text = |units| String::from_utf16(units).unwrap();
        [text(before), text(after)].join("|")
    }

    #[test]
    fn a_caret_before_a_change_stays_and_one_behind_it_moves_along() {
        assert_eq!(shown("buy| milk", "buy oat milk"), "buy| oat milk");
        assert_eq!(shown("buy milk|", "buy oat milk"), "buy oat milk|");
        assert_eq!(shown("buy oat mi|lk", "buy milk"), "buy mi|lk");
        assert_eq!(shown("|milk", "oat milk"), "|oat milk");
        assert_eq!(shown("milk|", "milk and eggs"), "milk| and eggs");
    }

    #[test]
    fn a_caret_inside_of_what_was_replaced_goes_to_its_end() {
        assert_eq!(shown("one tw|o three", "one 2 three"), "one 2| three");
        assert_eq!(shown("a wo|rd", ""), "|");
        assert_eq!(shown("|", "a word"), "|a word");
    }

    #[test]
    fn a_selection_keeps_its_words() {
        let select = |old, new| Replacement::between(old, new).select(4, 8);
        assert_eq!(select("buy milk", "buy oat milk"), (8, 12));
        assert_eq!(select("buy milk", "buy milks"), (4, 8));
        assert_eq!(select("buy milk", "buy eggs"), (4, 8));
        assert_eq!(select("buy milk", "buy"), (3, 3));
    }

    #[test]
    fn a_repeated_letter_is_not_counted_twice() {
        assert_eq!(shown("aa|a", "aaaa"), "aa|aa");
        assert_eq!(shown("aaaa|", "aa"), "aa|");
    }

    #[test]
    fn a_caret_never_comes_to_stand_inside_of_a_character() {
        // Both emoji start with the same UTF-16 code unit.
        assert_eq!(shown("a\u{1F600}|b", "a\u{1F601}b"), "a\u{1F601}|b");
        assert_eq!(shown("a|\u{1F600}b", "a\u{1F601}b"), "a|\u{1F601}b");
        assert_eq!(shown("\u{1F600}x|", "y\u{1F600}x"), "y\u{1F600}x|");
    }
}
