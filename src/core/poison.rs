//! Locks that stay usable after a panic.

use std::sync::PoisonError;

/// Takes the guard out of a lock's result, also where a thread panicked while it held the lock.
///
/// The standard library marks such a lock as poisoned, because the thread may have left the data
/// half changed. The locks of this crate guard lists, counters and states that stay valid after each
/// single change, and foreign code that can panic runs inside `catch_unwind`. An error for every
/// later caller would turn one failed operation into a mapping that cannot even be closed.
pub trait IgnorePoison {
    /// The guard.
    type Guard;

    /// Returns the guard, whether or not the lock is poisoned.
    fn ignore_poison(self) -> Self::Guard;
}

impl<G> IgnorePoison for Result<G, PoisonError<G>> {
    type Guard = G;

    fn ignore_poison(self) -> G {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_lock_can_be_taken_after_a_panic_of_its_holder() {
        let mutex = Mutex::new(1);
        let panicked = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _held = mutex.lock();
                    panic!("expected by this test");
                })
                .join()
        });
        assert!(panicked.is_err() && mutex.is_poisoned());
        assert_eq!(*mutex.lock().ignore_poison(), 1);
    }
}
