//! Regular expressions whose matches can have any length, searched so that the search can be
//! interrupted.
//!
//! The engines of `regex-automata` return when they have found a match or have reached the end.
//! Where a match can be as long as the range, as of `a[^]*b`, that may take minutes, during which a
//! search could not be stopped. Therefore [`super::lazy_automata`] walks the same automata byte by
//! byte. At each step it calls the caller, which may end the search.

use std::sync::{Mutex, MutexGuard};

use regex_syntax::hir::Hir;

use super::lazy_automata::{Caches, LazyAutomata, OnStep};
use super::match_range::Match;
use crate::core::error::Result;
use crate::core::poison::IgnorePoison;

/// An expression, compiled for an interruptible search.
#[derive(Debug)]
pub struct InterruptibleRegex {
    automata: LazyAutomata,
    /// The caches of finished searches, for reuse.
    idle: Mutex<Vec<Caches>>,
}

impl InterruptibleRegex {
    /// Compiles an expression, or returns the reason why that is not possible.
    pub fn new(hir: &Hir) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        Ok(Self {
            automata: LazyAutomata::new(hir)?,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Calls `found` for every match that starts in `from..limit`, in order, until `found` returns
    /// false. Returns the offset at which the search would continue. The search has read the bytes
    /// after the limit, so that offset is the start of the next match or after the end of the
    /// haystack.
    pub fn scan(
        &self,
        haystack: &[u8],
        from: usize,
        limit: usize,
        on_step: OnStep<'_>,
        mut found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        let mut caches = self.take_caches();
        let mut at = from;
        while at < limit {
            let Some(one) = self.automata.find(&mut caches, haystack, at, on_step)? else {
                at = haystack.len() + 1;
                break;
            };
            if one.start >= limit {
                at = one.start;
                break;
            }
            at = one.next_start();
            if !found(one) {
                self.idle().push(caches);
                return Ok(at);
            }
        }
        self.idle().push(caches);
        Ok(at.max(limit))
    }

    fn take_caches(&self) -> Caches {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| self.automata.create_caches())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Caches>> {
        self.idle.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::Error;
    use proptest::prelude::*;
    use regex_automata::{Input, meta};
    use std::sync::LazyLock;

    const EXPRESSIONS: [&str; 24] = [
        "(?s)a.*b",
        "(?s)a.*?b",
        "(?s)ab.*",
        "(?s).*a",
        "(?s)a.*|b",
        "a*",
        "a+b",
        "b|ab",
        "^a",
        "(?m)^b",
        "(?m)a$",
        "b$",
        r"(?-u:\b)a",
        r"(?-u:\B)",
        "",
        "x*",
        "(?:é|a)+",
        "[^a]*",
        r"\Aa",
        "(?mR:^)",
        "(?s)ba(?:.*)a",
        "ab|(?s:a.*a)",
        "(?s)éa.*",
        "[[:^alpha:]]+",
    ];

    static BOTH: LazyLock<Vec<(meta::Regex, Hir)>> = LazyLock::new(|| {
        let parse = |source: &&str| {
            let mut parser = regex_syntax::ParserBuilder::new().utf8(false).build();
            let hir = parser.parse(source).unwrap();
            let config = meta::Config::new().utf8_empty(true);
            let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
            (regex.unwrap(), hir)
        };
        EXPRESSIONS.iter().map(parse).collect()
    });

    fn all(
        regex: &InterruptibleRegex,
        haystack: &[u8],
        from: usize,
        limit: usize,
    ) -> (Vec<Match>, usize) {
        let mut found = Vec::new();
        let next = regex.scan(haystack, from, limit, &mut |_| Ok(()), |one| {
            found.push(one);
            true
        });
        (found, next.unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn steps_of_any_size_find_what_the_engine_finds(
            haystack in prop::collection::vec(prop::sample::select(vec!["a", "b", "\n", "\r", "é", " "]), 0..40),
            step in 1_usize..50,
            from in 0_usize..10,
            spoil in prop::option::of(0_usize..40),
        ) {
            let mut haystack = haystack.concat().into_bytes();
            if let Some(byte) = spoil.and_then(|at| haystack.get_mut(at)) {
                *byte = 0xff;
            }
            let from = from.min(haystack.len());
            for (engine, hir) in &*BOTH {
                let mut regex = InterruptibleRegex::new(hir).unwrap();
                regex.automata.step = step;
                let mut expected = Vec::new();
                let mut at = from;
                while at <= haystack.len() {
                    let Some(one) = engine.search(&Input::new(&haystack).span(at..haystack.len())) else { break };
                    let one = Match { start: one.start(), end: one.end(), needle: 0 };
                    expected.push(one);
                    at = one.next_start();
                }
                let (found, next) = all(&regex, &haystack, from, haystack.len() + 1);
                prop_assert_eq!(&found, &expected, "{:?} in {:?} from {}", hir, &haystack, from);
                prop_assert_eq!(next, haystack.len() + 1);
            }
        }
    }

    fn of(expression: &str) -> InterruptibleRegex {
        InterruptibleRegex::new(&regex_syntax::parse(expression).unwrap()).unwrap()
    }

    #[test]
    fn a_search_continues_at_the_next_match_after_its_limit() {
        assert_eq!(
            all(&of("(?s)b.*c"), b"aaaaaaaaaabbc", 0, 5),
            (Vec::new(), 10)
        );
        assert_eq!(all(&of("(?s)b.*c"), b"aaaaaaaaaa", 0, 5), (Vec::new(), 11));
        assert_eq!(all(&of("(?s)b.*?c"), b"bcbc", 0, 2).1, 2);
    }

    #[test]
    fn the_callback_of_each_step_can_end_the_search() {
        let mut regex = of("(?s)a.*b");
        regex.automata.step = 10;
        let mut haystack = vec![b'a'; 100];
        let mut offsets = Vec::new();
        let on_step = &mut |at| {
            offsets.push(at);
            Ok(())
        };
        assert_eq!(
            regex.scan(&haystack, 0, 101, on_step, |_| true).unwrap(),
            101
        );
        assert_eq!(offsets, (0..100).step_by(10).collect::<Vec<_>>());

        haystack.push(b'b');
        let ends = &mut |at| {
            if at < 50 {
                Ok(())
            } else {
                Err(Error::closed())
            }
        };
        assert!(regex.scan(&haystack, 0, 102, ends, |_| true).is_err());
        // The search backwards can end as well.
        let mut steps = 0;
        let ends = &mut |_| {
            steps += 1;
            if steps < 15 {
                Ok(())
            } else {
                Err(Error::closed())
            }
        };
        assert!(regex.scan(&haystack, 0, 102, ends, |_| true).is_err());
    }
}
