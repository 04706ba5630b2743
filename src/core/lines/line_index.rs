//! The number of lines, and an index of the offsets at which they begin.

use crate::core::cancel::CancelToken;
use crate::core::error::Result;
use crate::core::mapping::mapping::Mapping;
use crate::core::search::chunks::{CHUNK, in_chunks};
use crate::core::search::count_byte;

/// Counts the occurrences of a byte in a range.
pub fn count(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    byte: u8,
    threads: usize,
    token: &CancelToken,
) -> Result<u64> {
    let count = mapping.with_bytes(offset, length, |bytes| -> Result<u64> {
        let counts = in_chunks(bytes.len(), CHUNK, threads, token, |from, limit| {
            count_byte(&bytes[from..limit], byte)
        })?;
        Ok(counts.into_iter().sum())
    })??;
    mapping.check_file_covers(offset, length)?;
    Ok(count)
}

/// The number of lines in a block of the index.
const BLOCK: usize = 64;
/// The first word of the index, in the byte order of the machine that wrote it. A machine of the other
/// byte order reads another number and refuses the index.
const MAGIC: u64 = 0x3130_5849_4e4c_4d4d; // "MMLNIX01"

/// Builds an index of the lines of a range. Two loads find the offset at which a line begins.
///
/// The index consists of 64-bit words in the byte order of the machine: the magic number, the number
/// of lines, the number of indexed bytes, then two words for each block of 64 lines. The first is the
/// offset of the first line of the block. The second is the byte offset of the table of the block in
/// the index, times four, plus a code for the size of an entry (1: two bytes, 2: four bytes, 3: eight
/// bytes). The tables follow. The entries of a table are the offsets of the lines of the block, minus
/// the offset of its first line.
pub fn index(
    mapping: &Mapping,
    offset: u64,
    length: u64,
    threads: usize,
    token: &CancelToken,
) -> Result<Vec<u8>> {
    let starts =
        mapping.with_bytes(offset, length, |bytes| line_starts(bytes, threads, token))??;
    mapping.check_file_covers(offset, length)?;
    Ok(write_index(&starts, length))
}

fn line_starts(bytes: &[u8], threads: usize, token: &CancelToken) -> Result<Vec<u64>> {
    let chunks = in_chunks(bytes.len(), CHUNK, threads, token, |from, limit| {
        memchr::memchr_iter(b'\n', &bytes[from..limit])
            .map(|offset| offset as u32 + 1)
            .collect::<Vec<u32>>()
    })?;
    let mut starts = Vec::with_capacity(chunks.iter().map(Vec::len).sum::<usize>() + 1);
    if !bytes.is_empty() {
        starts.push(0);
    }
    for (number, chunk) in chunks.into_iter().enumerate() {
        let base = (number * CHUNK) as u64;
        starts.extend(chunk.into_iter().map(|start| base + u64::from(start)));
    }
    // The bytes after the last line feed are a line only if there are any.
    if starts.last() == Some(&(bytes.len() as u64)) {
        starts.pop();
    }
    Ok(starts)
}

fn write_index(starts: &[u64], length: u64) -> Vec<u8> {
    let blocks = starts.len().div_ceil(BLOCK);
    let mut head = vec![MAGIC, starts.len() as u64, length];
    let mut tables: Vec<u8> = Vec::with_capacity(starts.len() * 2);
    let table_base = (head.len() + blocks * 2) * 8;
    for block in starts.chunks(BLOCK) {
        let first = block.first().copied().unwrap_or(0);
        let span = block.last().map_or(0, |last| last - first);
        let width_code = match span {
            0..=0xffff => 1_u64,
            0x1_0000..=0xffff_ffff => 2,
            _ => 3,
        };
        let width = 1_usize << width_code;
        tables.resize(tables.len().next_multiple_of(width), 0);
        let at = (table_base + tables.len()) as u64;
        head.extend([first, (at * 4) | width_code]);
        for start in block {
            // The low bytes, in the byte order of the machine.
            let bytes = (start - first).to_le_bytes();
            if cfg!(target_endian = "little") {
                tables.extend_from_slice(&bytes[..width]);
            } else {
                tables.extend(bytes[..width].iter().rev());
            }
        }
    }
    let mut all: Vec<u8> = head.iter().flat_map(|word| word.to_ne_bytes()).collect();
    all.extend(tables);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(index: &[u8], line: usize) -> u64 {
        let word = |at: usize| u64::from_ne_bytes(index[at * 8..at * 8 + 8].try_into().unwrap());
        let (first, at) = (word(3 + line / BLOCK * 2), word(4 + line / BLOCK * 2));
        let width = 1 << (at & 3);
        let entry = (at >> 2) as usize + line % BLOCK * width;
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(&index[entry..entry + width]);
        first + u64::from_le_bytes(bytes)
    }

    #[test]
    fn the_index_finds_every_line() {
        for texts in [vec![], vec!["a"], vec!["", ""], vec!["abc"; 1000]] {
            for last_has_end in [true, false] {
                let mut text = texts.join("\n");
                if last_has_end && !texts.is_empty() {
                    text.push('\n');
                }
                let starts = line_starts(text.as_bytes(), 2, &CancelToken::default()).unwrap();
                let index = write_index(&starts, text.len() as u64);
                let mut expected = 0;
                for (number, line) in text.split_inclusive('\n').enumerate() {
                    assert_eq!(lookup(&index, number), expected);
                    expected += line.len() as u64;
                }
                assert_eq!(starts.len(), text.split_inclusive('\n').count());
            }
        }
    }

    #[test]
    fn lines_of_any_length_fit() {
        let starts: Vec<u64> = (0..300_u64)
            .map(|i| {
                if i < 100 {
                    i
                } else if i < 200 {
                    i << 12
                } else {
                    i << 34
                }
            })
            .collect();
        let index = write_index(&starts, 300 << 34);
        for (line, &start) in starts.iter().enumerate() {
            assert_eq!(lookup(&index, line), start);
        }
    }
}
