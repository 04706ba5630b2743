//! Regular expressions whose matches may be of any length, in steps.
//!
//! The engines of `regex-automata` answer when they have found a match, or have come to the end.
//! Where a match can be as long as the range, as of `a[^]*b`, that may take minutes, in which
//! nobody could stop them. So here the same automata are walked byte by byte, and at each step
//! the caller is told where the search is, and may end it.
//!
//! Forwards an automaton finds where the leftmost match ends; backwards from there another finds
//! where it starts.

use std::sync::Mutex;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Anchored, Input, MatchKind, Span};
use regex_syntax::hir::Hir;

use super::Match;
use crate::core::error::{Error, Result};
use crate::core::poison::IgnorePoison;

/// So many bytes take some microseconds; with a few expressions, which have very many states, a
/// second.
const STEP: usize = 4 << 10;

/// The automata of an expression.
#[derive(Debug)]
pub struct Stepwise {
    forward: DFA,
    reverse: DFA,
    /// Finds where a match may start, many times as quickly; only where it does.
    prefilter: Option<Prefilter>,
    /// What the automata remember of their states, of searches that are over.
    idle: Mutex<Vec<Caches>>,
    step: usize,
}

#[derive(Debug)]
struct Caches {
    forward: Cache,
    reverse: Cache,
}

/// Is told at each step where the search is. An error ends it.
pub type Watch<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

impl Stepwise {
    /// Makes the search ready, or says why it can't be.
    pub fn new(hir: &Hir) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let prefilter =
            Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, hir).filter(Prefilter::is_fast);
        let config = DFA::config()
            // A few states always fit; where many are needed they are made again.
            .skip_cache_capacity_check(true);
        let forward = DFA::builder()
            .configure(config.clone().specialize_start_states(prefilter.is_some()))
            .build_from_nfa(automaton(hir, false)?)?;
        let reverse = DFA::builder()
            .configure(config.match_kind(MatchKind::All))
            .build_from_nfa(automaton(hir, true)?)?;
        Ok(Self {
            forward,
            reverse,
            prefilter,
            idle: Mutex::new(Vec::new()),
            step: STEP,
        })
    }

    /// Calls `found` for every match that starts in `from..limit`, in order, until it answers
    /// false. The result is where the search would go on: it has looked behind the limit, and
    /// stands at the next match, or behind the end.
    pub fn scan(
        &self,
        hay: &[u8],
        from: usize,
        limit: usize,
        watch: Watch<'_>,
        mut found: impl FnMut(Match) -> bool,
    ) -> Result<usize> {
        let mut caches = self.take_caches();
        let mut at = from;
        while at < limit {
            let Some(one) = self.next(&mut caches, hay, at, watch)? else {
                at = hay.len() + 1;
                break;
            };
            if one.start >= limit {
                at = one.start;
                break;
            }
            at = one.next();
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
        idle.unwrap_or_else(|| Caches {
            forward: self.forward.create_cache(),
            reverse: self.reverse.create_cache(),
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Caches>> {
        self.idle.lock().ignore_poison()
    }

    fn next(
        &self,
        caches: &mut Caches,
        hay: &[u8],
        from: usize,
        watch: Watch<'_>,
    ) -> Result<Option<Match>> {
        let mut from = from;
        loop {
            let Some(end) = self.end(&mut caches.forward, hay, from, watch)? else {
                return Ok(None);
            };
            let start = if end == from {
                end
            } else {
                self.start(&mut caches.reverse, hay, from, end, watch)?
            };
            // As JavaScript has it, there is no empty match between the bytes of a character.
            if start < end || is_boundary(hay, end) {
                return Ok(Some(Match {
                    start,
                    end,
                    needle: 0,
                }));
            }
            from = end + 1;
        }
    }

    /// Where the first match that starts at `from` or later ends.
    fn end(
        &self,
        cache: &mut Cache,
        hay: &[u8],
        from: usize,
        watch: Watch<'_>,
    ) -> Result<Option<usize>> {
        let automaton = &self.forward;
        let begin = |cache: &mut Cache, at: usize| {
            let input = Input::new(hay).span(at..hay.len());
            automaton.start_state_forward(cache, &input).map_err(broken)
        };
        let mut state = begin(cache, from)?;
        let mut found = None;
        let mut at = from;
        while at < hay.len() {
            watch(at)?;
            let stop = hay.len().min(at + self.step);
            while at < stop {
                if state.is_start()
                    && found.is_none()
                    && let Some(prefilter) = &self.prefilter
                {
                    let next = candidate(prefilter, hay, at, stop);
                    if next > at {
                        at = next;
                        state = begin(cache, at)?;
                        continue;
                    }
                }
                state = automaton
                    .next_state(cache, state, hay[at])
                    .map_err(broken)?;
                if state.is_match() {
                    // The automaton tells of a match one byte late.
                    found = Some(at);
                } else if state.is_dead() {
                    return Ok(found);
                }
                at += 1;
            }
        }
        state = automaton.next_eoi_state(cache, state).map_err(broken)?;
        Ok(if state.is_match() {
            Some(hay.len())
        } else {
            found
        })
    }

    /// Where the match starts that ends at `end`, if the search for it began at `from`.
    fn start(
        &self,
        cache: &mut Cache,
        hay: &[u8],
        from: usize,
        end: usize,
        watch: Watch<'_>,
    ) -> Result<usize> {
        let automaton = &self.reverse;
        let input = Input::new(hay).span(from..end).anchored(Anchored::Yes);
        let mut state = automaton
            .start_state_reverse(cache, &input)
            .map_err(broken)?;
        let mut found = end;
        let mut at = end;
        while at > from {
            watch(end)?;
            let stop = from.max(at.saturating_sub(self.step));
            while at > stop {
                at -= 1;
                state = automaton
                    .next_state(cache, state, hay[at])
                    .map_err(broken)?;
                if state.is_match() {
                    found = at + 1;
                } else if state.is_dead() {
                    return Ok(found);
                }
            }
        }
        state = before(automaton, cache, state, hay, from)?;
        Ok(if state.is_match() { from } else { found })
    }
}

/// The last step backwards, which looks at what lies before the search.
fn before(
    automaton: &DFA,
    cache: &mut Cache,
    state: LazyStateID,
    hay: &[u8],
    from: usize,
) -> Result<LazyStateID> {
    match from.checked_sub(1) {
        Some(before) => automaton
            .next_state(cache, state, hay[before])
            .map_err(broken),
        None => automaton.next_eoi_state(cache, state).map_err(broken),
    }
}

/// The first place in `at..stop` where a match may start, or `stop`.
fn candidate(prefilter: &Prefilter, hay: &[u8], at: usize, stop: usize) -> usize {
    // One that starts before `stop` may end behind it.
    let end = stop
        .saturating_add(prefilter.max_needle_len())
        .min(hay.len());
    let found = prefilter.find(hay, Span { start: at, end });
    found.map_or(stop, |span| span.start.min(stop))
}

fn automaton(hir: &Hir, reverse: bool) -> std::result::Result<NFA, Box<thompson::BuildError>> {
    let config = thompson::Config::new()
        .utf8(true)
        .reverse(reverse)
        .which_captures(WhichCaptures::None)
        // The limit of the engine that has accepted the expression.
        .nfa_size_limit(Some(10 << 20));
    thompson::Compiler::new()
        .configure(config)
        .build_from_hir(hir)
        .map_err(Box::new)
}

fn is_boundary(hay: &[u8], at: usize) -> bool {
    hay.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// The automata give up only if told to, and that they aren't.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::rule(
        "ERR_INVALID_ARG_VALUE",
        format!("The expression can't be searched for: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex_automata::meta;
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

    fn all(stepwise: &Stepwise, hay: &[u8], from: usize, limit: usize) -> (Vec<Match>, usize) {
        let mut found = Vec::new();
        let next = stepwise.scan(hay, from, limit, &mut |_| Ok(()), |one| {
            found.push(one);
            true
        });
        (found, next.unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn steps_of_any_size_find_what_the_engine_finds(
            hay in prop::collection::vec(prop::sample::select(vec!["a", "b", "\n", "\r", "é", " "]), 0..40),
            step in 1_usize..50,
            from in 0_usize..10,
            spoil in prop::option::of(0_usize..40),
        ) {
            let mut hay = hay.concat().into_bytes();
            if let Some(byte) = spoil.and_then(|at| hay.get_mut(at)) {
                *byte = 0xff;
            }
            let from = from.min(hay.len());
            for (regex, hir) in &*BOTH {
                let mut stepwise = Stepwise::new(hir).unwrap();
                stepwise.step = step;
                let mut expected = Vec::new();
                let mut at = from;
                while at <= hay.len() {
                    let Some(one) = regex.search(&Input::new(&hay).span(at..hay.len())) else { break };
                    let one = Match { start: one.start(), end: one.end(), needle: 0 };
                    expected.push(one);
                    at = one.next();
                }
                let (found, next) = all(&stepwise, &hay, from, hay.len() + 1);
                prop_assert_eq!(&found, &expected, "{:?} in {:?} from {}", hir, &hay, from);
                prop_assert_eq!(next, hay.len() + 1);
            }
        }
    }

    fn of(expression: &str) -> Stepwise {
        Stepwise::new(&regex_syntax::parse(expression).unwrap()).unwrap()
    }

    #[test]
    fn a_search_stands_where_it_found_the_next_match_behind_its_limit() {
        assert_eq!(
            all(&of("(?s)b.*c"), b"aaaaaaaaaabbc", 0, 5),
            (Vec::new(), 10)
        );
        assert_eq!(all(&of("(?s)b.*c"), b"aaaaaaaaaa", 0, 5), (Vec::new(), 11));
        assert_eq!(all(&of("(?s)b.*?c"), b"bcbc", 0, 2).1, 2);
    }

    #[test]
    fn each_step_is_told_and_can_be_the_last() {
        let mut stepwise = of("(?s)a.*b");
        stepwise.step = 10;
        let mut hay = vec![b'a'; 100];
        let mut places = Vec::new();
        let watch = &mut |at| {
            places.push(at);
            Ok(())
        };
        assert_eq!(stepwise.scan(&hay, 0, 101, watch, |_| true).unwrap(), 101);
        assert_eq!(places, (0..100).step_by(10).collect::<Vec<_>>());

        hay.push(b'b');
        let ends = &mut |at| {
            if at < 50 {
                Ok(())
            } else {
                Err(Error::closed())
            }
        };
        assert!(stepwise.scan(&hay, 0, 102, ends, |_| true).is_err());
        // And backwards.
        let mut steps = 0;
        let ends = &mut |_| {
            steps += 1;
            if steps < 15 {
                Ok(())
            } else {
                Err(Error::closed())
            }
        };
        assert!(stepwise.scan(&hay, 0, 102, ends, |_| true).is_err());
    }
}
