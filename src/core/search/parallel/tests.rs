use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

/// Searches serially.
fn search_one_by_one(pattern: &Pattern, haystack: &[u8]) -> Vec<Match> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(found) = pattern.first(
        haystack,
        at,
        start_count(pattern, haystack),
        &CancelToken::default(),
    ) {
        all.push(found);
        at = found.next_start();
    }
    all
}

/// Searches chunks of a few bytes, and joins their results.
fn search_chunks(pattern: &Pattern, haystack: &[u8], chunk: usize) -> Vec<Match> {
    let starts = start_count(pattern, haystack);
    let token = &CancelToken::default();
    let mut all = Vec::new();
    let mut next = 0;
    for from in (0..starts).step_by(chunk) {
        let limit = starts.min(from + chunk);
        let mut own = Vec::new();
        let own_next = pattern.scan(haystack, from, limit, token, |found| {
            own.push(found);
            true
        });
        if next <= from {
            all.extend(own);
            next = own_next;
            continue;
        }
        let joined = join_chunk(pattern, haystack, (from, next, limit), token);
        all.extend(joined.serial);
        all.extend(&own[joined.wrong..]);
        next = joined.next.unwrap_or(own_next);
    }
    all
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let needles = |list: &[&str]| -> Pattern {
        let list: Vec<Vec<u8>> = list.iter().map(|n| n.as_bytes().to_vec()).collect();
        Pattern::of_needles(&list).unwrap()
    };
    let mut all = vec![
        needles(&[""]),
        needles(&["a"]),
        needles(&["aa"]),
        needles(&["aba"]),
        needles(&["ab"]),
        needles(&["ab", "b", "bab"]),
        needles(&["aab", "a", "ba"]),
    ];
    for expression in [
        "a*", "a+b", "b|ab", "(?s)a.*b", "a.*b", "^a", "(?m)^b", "b$", r"\ba", "", "a{2,3}", "x*",
    ] {
        all.push(Pattern::of_regex(expression).unwrap());
    }
    all
});

proptest! {
    #[test]
    fn chunks_of_any_size_have_the_matches_of_a_serial_search(
        haystack in prop::collection::vec(prop::sample::select(b"ab\n ".to_vec()), 0..120),
        chunk in 1_usize..40,
    ) {
        for pattern in &*PATTERNS {
            let expected = search_one_by_one(pattern, &haystack);
            if pattern.is_chunkable(&haystack, 0) {
                prop_assert_eq!(&search_chunks(pattern, &haystack, chunk), &expected, "{:?}", pattern);
            }
            let token = CancelToken::default();
            prop_assert_eq!(count(pattern, &haystack, 2, &token).unwrap(), expected.len() as u64);
            prop_assert_eq!(first(pattern, &haystack, 2, &token).unwrap(), expected.first().copied());
        }
    }
}

#[test]
fn a_large_range_has_the_same_matches_on_many_threads_as_on_one() {
    let haystack: Vec<u8> = (0..CHUNK * 3 + 77)
        .map(|i| if i % 7 < 4 { b'a' } else { b'b' })
        .collect();
    for needle in ["aa", "ab", "a", "aaaabbb"] {
        let pattern = Pattern::of_needles(&[needle.as_bytes().to_vec()]).unwrap();
        let token = CancelToken::default();
        let expected = search_one_by_one(&pattern, &haystack);
        assert_eq!(
            count(&pattern, &haystack, 4, &token).unwrap(),
            expected.len() as u64
        );
        assert_eq!(token.done(), haystack.len() as u64);
        let (mut all, mut next) = (Vec::new(), 0);
        while next < haystack.len() {
            let (more, at) = matches(
                &pattern,
                &haystack,
                (next, haystack.len()),
                4,
                &token,
                |one| one,
            )
            .unwrap();
            assert!(at > next);
            all.extend(more);
            next = at;
        }
        assert!(all == expected);
        assert_eq!(
            first(&pattern, &haystack, 4, &token).unwrap(),
            expected.first().copied()
        );
        let last_start = (0..haystack.len())
            .rev()
            .find(|&i| haystack[i..].starts_with(needle.as_bytes()));
        assert_eq!(
            last(&pattern, &haystack, 4, &token)
                .unwrap()
                .map(|m| m.start),
            last_start
        );
    }
}

#[test]
fn a_line_longer_than_chunks_is_searched_once_and_can_be_cancelled() {
    // Each `a` can begin a match that extends to the end of the line.
    let mut haystack = vec![b'a'; CHUNK * 2 + CHUNK / 4];
    haystack[CHUNK / 2] = b'\n';
    let pattern = Pattern::of_regex("a.*b").unwrap();
    let token = CancelToken::default();
    *haystack.last_mut().unwrap() = b'b';
    let expected = Match {
        start: CHUNK / 2 + 1,
        end: haystack.len(),
        needle: 0,
    };
    assert_eq!(count(&pattern, &haystack, 2, &token).unwrap(), 1);
    assert!(token.done() > CHUNK as u64 && token.done() <= haystack.len() as u64);
    let found = matches(&pattern, &haystack, (0, CHUNK), 2, &token, |one| one).unwrap();
    assert_eq!(found, (vec![expected], haystack.len()));
    token.cancel();
    assert!(count(&pattern, &haystack, 2, &token).is_err());
}

#[test]
fn a_cancelled_search_ends_with_an_error() {
    let token = CancelToken::default();
    token.cancel();
    let pattern = Pattern::of_needles(&[b"a".to_vec()]).unwrap();
    assert!(count(&pattern, &vec![b'a'; CHUNK * 4], 2, &token).is_err());
}
