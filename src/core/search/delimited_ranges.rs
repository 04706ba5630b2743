//! Where pieces are, from where their separators are.

/// How pieces end.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Bytes of a separator.
    pub width: f64,
    /// A piece ends behind its separator, not before it.
    pub keep: bool,
}

/// Writes where the pieces of a part begin, and how long they are. The first begins with the part,
/// each other one behind a separator, of which `places` has the first bytes.
///
/// `base` is added to where they begin. With `bytes`, those of the part, a carriage return before
/// a separator belongs to it.
pub fn delimited_ranges(
    places: &[u32],
    Ends { width, keep }: Ends,
    base: f64,
    bytes: Option<&[u8]>,
    starts: &mut [f64],
    lengths: &mut [f64],
) {
    let out = places.iter().zip(starts.iter_mut().zip(lengths));
    match bytes {
        _ if keep => write(out, width, base, |_, place| f64::from(place) + width),
        None => write(out, width, base, |_, place| f64::from(place)),
        Some(bytes) => write(out, width, base, |start, place| {
            let end = f64::from(place);
            let has_return = end > start && bytes.get(place as usize - 1) == Some(&b'\r');
            if has_return { end - 1.0 } else { end }
        }),
    }
}

// Doubles hold every one of these numbers, and are what is wanted.
fn write<'a>(
    out: impl Iterator<Item = (&'a u32, (&'a mut f64, &'a mut f64))>,
    width: f64,
    base: f64,
    end: impl Fn(f64, u32) -> f64,
) {
    let mut start = 0.0;
    for (&place, (begin, length)) in out {
        *begin = base + start;
        *length = end(start, place) - start;
        start = f64::from(place) + width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delimited_ranges_are_those_of_a_split(
            pieces in prop::collection::vec("[ab\r]{0,3}", 1..40),
            separator in prop::sample::select(vec!["\n", "\n\n", ";;;"]),
            base in 0_u32..1000,
            (keep, drop) in any::<(bool, bool)>(),
        ) {
            let text: String = pieces.iter().flat_map(|piece| [piece, separator]).collect();
            let width = separator.len();
            let (mut places, mut expected, mut start) = (Vec::new(), Vec::new(), 0);
            for piece in &pieces {
                let length = if keep {
                    piece.len() + width
                } else if drop {
                    piece.strip_suffix('\r').unwrap_or(piece).len()
                } else {
                    piece.len()
                };
                places.push((start + piece.len()) as u32);
                expected.push((f64::from(base) + start as f64, length as f64));
                start += piece.len() + width;
            }
            let (mut starts, mut lengths) = (vec![0.0; pieces.len()], vec![0.0; pieces.len()]);
            let bytes = drop.then_some(text.as_bytes());
            let ends = Ends { width: width as f64, keep };
            delimited_ranges(&places, ends, f64::from(base), bytes, &mut starts, &mut lengths);
            let found: Vec<_> = starts.into_iter().zip(lengths).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
