//! Sets of bytes, as ranges.

use std::ops::Range;

/// A set of bytes, stored as sorted ranges that neither overlap nor touch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RangeSet(Vec<Range<u64>>);

impl RangeSet {
    /// Returns an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the bytes of a range.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let mut merged = range;
        self.0.retain(|old| {
            let apart = old.end < merged.start || merged.end < old.start;
            if !apart {
                merged = merged.start.min(old.start)..merged.end.max(old.end);
            }
            apart
        });
        let at = self.0.partition_point(|old| old.start < merged.start);
        self.0.insert(at, merged);
    }

    /// Removes the bytes of a range.
    pub fn remove(&mut self, range: &Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.0 = self
            .0
            .iter()
            .flat_map(|old| {
                [
                    old.start..old.end.min(range.start),
                    old.start.max(range.end)..old.end,
                ]
            })
            .filter(|rest| rest.start < rest.end)
            .collect();
    }

    /// Reports whether at least one byte of a range is in the set.
    #[must_use]
    pub fn overlaps(&self, range: &Range<u64>) -> bool {
        self.parts(range).next().is_some()
    }

    /// Returns the ranges of the set within `range`, in order.
    pub fn parts(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let range = range.clone();
        let first = self.0.partition_point(|held| held.end <= range.start);
        self.0[first..]
            .iter()
            .map(move |held| held.start.max(range.start)..held.end.min(range.end))
            .take_while(|part| part.start < part.end)
    }

    /// Returns the ranges within `range` that are not in the set, in order.
    #[must_use]
    pub fn gaps(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for part in self.parts(range) {
            gaps.push(at..part.start);
            at = part.end;
        }
        gaps.push(at..range.end);
        gaps.retain(|gap| gap.start < gap.end);
        gaps
    }

    /// Returns the ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Range<u64>> {
        self.0.iter()
    }

    /// Returns the number of bytes in the set.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_set_has_the_same_bytes_as_an_array_of_flags(
            steps in prop::collection::vec((0_u64..40, 0_u64..40, any::<bool>()), 0..30),
            start in 0_u64..80,
            length in 0_u64..20,
        ) {
            let mut set = RangeSet::new();
            let mut model = [false; 100];
            for (start, length, add) in steps {
                let range = start..start + length;
                model[start as usize..(start + length) as usize].fill(add);
                if add {
                    set.insert(range);
                } else {
                    set.remove(&range);
                }
                for (i, &expected) in model.iter().enumerate() {
                    prop_assert_eq!(set.overlaps(&(i as u64..i as u64 + 1)), expected);
                }
                prop_assert!(set.0.windows(2).all(|w| w[0].end < w[1].start));
                prop_assert_eq!(set.length() as usize, model.iter().filter(|&&held| held).count());
            }
            let range = start..start + length;
            let model: Vec<u64> = range.clone().filter(|&i| model[i as usize]).collect();
            let parts: Vec<u64> = set.parts(&range).flatten().collect();
            prop_assert_eq!(&parts, &model);
            let gaps: Vec<u64> = set.gaps(&range).into_iter().flatten().collect();
            let rest: Vec<u64> = range.filter(|i| !model.contains(i)).collect();
            prop_assert_eq!(gaps, rest);
        }
    }
}
