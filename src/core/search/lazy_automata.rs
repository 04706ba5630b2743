//! The automata of an expression, walked byte by byte.
//!
//! One automaton runs forwards and finds the end of the leftmost match. Another runs backwards from
//! that end and finds the start of the match. Their states are built when they are needed.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Anchored, Input, MatchKind, Span};
use regex_syntax::hir::Hir;

use super::match_range::Match;
use crate::core::error::{Error, Result};

/// Is called at each step with the offset of the search. An error that it returns ends the search.
pub type OnStep<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// The bytes of a step. A step takes some microseconds; for a few expressions with very many states
/// it takes a second.
const STEP: usize = 4 << 10;

/// The automata of an expression.
#[derive(Debug)]
pub struct LazyAutomata {
    forward: DFA,
    reverse: DFA,
    /// Finds the offsets at which a match may start. It is many times as fast as the automata, and
    /// absent where it would not be.
    prefilter: Option<Prefilter>,
    /// The bytes of a step.
    pub step: usize,
}

/// The states that the automata have built so far.
#[derive(Debug)]
pub struct Caches {
    forward: Cache,
    reverse: Cache,
}

impl LazyAutomata {
    /// Builds the automata, or returns the reason why they cannot be built.
    pub fn new(hir: &Hir) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let prefilter =
            Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, hir).filter(Prefilter::is_fast);
        let config = DFA::config()
            // A few states always fit. Where many are needed, they are built again.
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
            step: STEP,
        })
    }

    /// Returns empty caches.
    pub fn create_caches(&self) -> Caches {
        Caches {
            forward: self.forward.create_cache(),
            reverse: self.reverse.create_cache(),
        }
    }

    /// Returns the first match that starts at `from` or later.
    pub fn find(
        &self,
        caches: &mut Caches,
        haystack: &[u8],
        from: usize,
        on_step: OnStep<'_>,
    ) -> Result<Option<Match>> {
        let mut from = from;
        loop {
            let Some(end) = self.find_end(&mut caches.forward, haystack, from, on_step)? else {
                return Ok(None);
            };
            let start = if end == from {
                end
            } else {
                self.find_start(&mut caches.reverse, haystack, from, end, on_step)?
            };
            // As in JavaScript, there is no empty match between the bytes of a character.
            if start < end || is_character_boundary(haystack, end) {
                return Ok(Some(Match {
                    start,
                    end,
                    needle: 0,
                }));
            }
            from = end + 1;
        }
    }

    /// Returns the end of the first match that starts at `from` or later.
    fn find_end(
        &self,
        cache: &mut Cache,
        haystack: &[u8],
        from: usize,
        on_step: OnStep<'_>,
    ) -> Result<Option<usize>> {
        let automaton = &self.forward;
        let begin = |cache: &mut Cache, at: usize| {
            let input = Input::new(haystack).span(at..haystack.len());
            automaton
                .start_state_forward(cache, &input)
                .map_err(gave_up)
        };
        let mut state = begin(cache, from)?;
        let mut found = None;
        let mut at = from;
        while at < haystack.len() {
            on_step(at)?;
            let stop = haystack.len().min(at + self.step);
            while at < stop {
                if state.is_start()
                    && found.is_none()
                    && let Some(prefilter) = &self.prefilter
                {
                    let next = candidate(prefilter, haystack, at, stop);
                    if next > at {
                        at = next;
                        state = begin(cache, at)?;
                        continue;
                    }
                }
                state = automaton
                    .next_state(cache, state, haystack[at])
                    .map_err(gave_up)?;
                if state.is_match() {
                    // The automaton reports a match one byte after its end.
                    found = Some(at);
                } else if state.is_dead() {
                    return Ok(found);
                }
                at += 1;
            }
        }
        state = automaton.next_eoi_state(cache, state).map_err(gave_up)?;
        Ok(if state.is_match() {
            Some(haystack.len())
        } else {
            found
        })
    }

    /// Returns the start of the match that ends at `end`, if the search for it began at `from`.
    fn find_start(
        &self,
        cache: &mut Cache,
        haystack: &[u8],
        from: usize,
        end: usize,
        on_step: OnStep<'_>,
    ) -> Result<usize> {
        let automaton = &self.reverse;
        let input = Input::new(haystack).span(from..end).anchored(Anchored::Yes);
        let mut state = automaton
            .start_state_reverse(cache, &input)
            .map_err(gave_up)?;
        let mut found = end;
        let mut at = end;
        while at > from {
            on_step(end)?;
            let stop = from.max(at.saturating_sub(self.step));
            while at > stop {
                at -= 1;
                state = automaton
                    .next_state(cache, state, haystack[at])
                    .map_err(gave_up)?;
                if state.is_match() {
                    found = at + 1;
                } else if state.is_dead() {
                    return Ok(found);
                }
            }
        }
        state = last_step_backwards(automaton, cache, state, haystack, from)?;
        Ok(if state.is_match() { from } else { found })
    }
}

/// Makes the last step backwards, which reads the byte before the search.
fn last_step_backwards(
    automaton: &DFA,
    cache: &mut Cache,
    state: LazyStateID,
    haystack: &[u8],
    from: usize,
) -> Result<LazyStateID> {
    match from.checked_sub(1) {
        Some(before) => automaton
            .next_state(cache, state, haystack[before])
            .map_err(gave_up),
        None => automaton.next_eoi_state(cache, state).map_err(gave_up),
    }
}

/// Returns the first offset in `at..stop` at which a match may start, or `stop`.
fn candidate(prefilter: &Prefilter, haystack: &[u8], at: usize, stop: usize) -> usize {
    // A candidate that starts before `stop` may end after it.
    let end = stop
        .saturating_add(prefilter.max_needle_len())
        .min(haystack.len());
    let found = prefilter.find(haystack, Span { start: at, end });
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

fn is_character_boundary(haystack: &[u8], at: usize) -> bool {
    haystack.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// Returns the error for an automaton that gives up. Automata give up only if they are configured to,
/// and these are not.
fn gave_up(error: impl std::fmt::Display) -> Error {
    Error::rule(
        "ERR_INVALID_ARG_VALUE",
        format!("The expression can't be searched for: {error}"),
    )
}
