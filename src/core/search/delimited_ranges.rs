//! The ranges between delimiters, computed from the offsets of the delimiters.

/// How ranges end.
#[derive(Debug, Clone, Copy)]
pub struct RangeEnd {
    /// The bytes of a delimiter.
    pub delimiter_length: f64,
    /// Whether a range includes the delimiter at its end.
    pub keeps_delimiter: bool,
}

/// Writes the start and the length of each delimited range of a batch. The first range begins with
/// the batch, and each other range after a delimiter. `delimiters` has the offsets of the delimiters
/// within the batch.
///
/// `base` is added to the starts. If `bytes` has the bytes of the batch, a carriage return before a
/// delimiter belongs to the delimiter.
pub fn delimited_ranges(
    delimiters: &[u32],
    range_end: RangeEnd,
    base: f64,
    bytes: Option<&[u8]>,
    starts: &mut [f64],
    lengths: &mut [f64],
) {
    let out = delimiters.iter().zip(starts.iter_mut().zip(lengths));
    let width = range_end.delimiter_length;
    match bytes {
        _ if range_end.keeps_delimiter => write(out, width, base, |_, at| f64::from(at) + width),
        None => write(out, width, base, |_, at| f64::from(at)),
        Some(bytes) => write(out, width, base, |start, at| {
            let end = f64::from(at);
            let has_return = end > start && bytes.get(at as usize - 1) == Some(&b'\r');
            if has_return { end - 1.0 } else { end }
        }),
    }
}

// All numbers are doubles, which represent them exactly, because JavaScript receives doubles.
fn write<'a>(
    out: impl Iterator<Item = (&'a u32, (&'a mut f64, &'a mut f64))>,
    width: f64,
    base: f64,
    end: impl Fn(f64, u32) -> f64,
) {
    let mut start = 0.0;
    for (&delimiter, (begin, length)) in out {
        *begin = base + start;
        *length = end(start, delimiter) - start;
        start = f64::from(delimiter) + width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delimited_ranges_are_those_of_a_split(
            items in prop::collection::vec("[ab\r]{0,3}", 1..40),
            delimiter in prop::sample::select(vec!["\n", "\n\n", ";;;"]),
            base in 0_u32..1000,
            (keep, drop) in any::<(bool, bool)>(),
        ) {
            let text: String = items.iter().flat_map(|item| [item, delimiter]).collect();
            let width = delimiter.len();
            let (mut delimiters, mut expected, mut start) = (Vec::new(), Vec::new(), 0);
            for item in &items {
                let length = if keep {
                    item.len() + width
                } else if drop {
                    item.strip_suffix('\r').unwrap_or(item).len()
                } else {
                    item.len()
                };
                delimiters.push((start + item.len()) as u32);
                expected.push((f64::from(base) + start as f64, length as f64));
                start += item.len() + width;
            }
            let (mut starts, mut lengths) = (vec![0.0; items.len()], vec![0.0; items.len()]);
            let bytes = drop.then_some(text.as_bytes());
            let range_end = RangeEnd { delimiter_length: width as f64, keeps_delimiter: keep };
            delimited_ranges(&delimiters, range_end, f64::from(base), bytes, &mut starts, &mut lengths);
            let found: Vec<_> = starts.into_iter().zip(lengths).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
