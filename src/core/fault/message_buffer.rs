//! Messages in memory of fixed size, for signal handlers, which must not allocate memory.

/// A message in a buffer of fixed size. Text beyond its end is dropped.
pub(super) struct MessageBuffer {
    bytes: [u8; 1024],
    length: usize,
}

impl MessageBuffer {
    /// Makes an empty message.
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; 1024],
            length: 0,
        }
    }

    /// Appends text.
    pub(super) fn text(&mut self, text: &[u8]) -> &mut Self {
        let room = &mut self.bytes[self.length..];
        let count = text.len().min(room.len());
        room[..count].copy_from_slice(&text[..count]);
        self.length += count;
        self
    }

    /// Appends a number in decimal digits.
    pub(super) fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[start..])
    }

    /// Returns the text.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_numbers_and_drops_text_that_does_not_fit() {
        let mut message = MessageBuffer::new();
        message.text(b"a").number(0).text(b" ").number(u64::MAX);
        assert_eq!(message.bytes(), b"a0 18446744073709551615");
        message.text(&[b'x'; 2000]);
        assert_eq!(message.bytes().len(), 1024);
    }
}
