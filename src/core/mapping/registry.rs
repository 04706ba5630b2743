//! The ledger: every mapping of this process, of all its threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::core::mapping::region::Region;
use crate::core::poison::IgnorePoison;

/// What is known of a mapping from its opening on.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The file, as the user named it.
    pub path: Option<String>,
    /// A name that the user gave.
    pub label: Option<String>,
    /// The mode's letters.
    pub mode: &'static str,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// The thread of JavaScript that opened it.
    pub thread: u32,
    /// Whether the garbage collector ends it, by design.
    pub gc_owned: bool,
    /// Where it was opened, if that was asked for.
    pub stack: Option<String>,
}

/// A mapping's page in the ledger; it is there as long as anything holds it.
#[derive(Debug)]
pub struct Registration {
    /// A number that no other mapping of this process ever has.
    pub id: u64,
    /// What it is.
    pub description: Description,
    length: AtomicU64,
    /// More than one where it has grown.
    regions: Mutex<Vec<Weak<Region>>>,
    pins: AtomicI64,
    is_closed: AtomicBool,
}

/// A entry of the ledger.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The mapping's number.
    pub id: u64,
    /// What it is.
    pub description: Description,
    /// Array buffers over it that still exist.
    pub views: u64,
    /// Pins that hold it open.
    pub pins: i64,
    /// Whether it was closed, and only addresses are left of it.
    pub is_revoked: bool,
    /// Faults so far.
    pub faults: u64,
    /// Whether a flush of its file has failed.
    pub is_damaged: bool,
}

static REGISTRATIONS: Mutex<BTreeMap<u64, Weak<Registration>>> = Mutex::new(BTreeMap::new());

fn registrations() -> MutexGuard<'static, BTreeMap<u64, Weak<Registration>>> {
    REGISTRATIONS.lock().ignore_poison()
}

/// A number for the next mapping.
#[must_use]
pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Registration {
    /// Opens a page. `region` is none for a mapping of no bytes.
    #[must_use]
    pub fn open(id: u64, description: Description, region: Option<&Arc<Region>>) -> Arc<Self> {
        let entry = Arc::new(Self {
            id,
            length: AtomicU64::new(description.length),
            description,
            regions: Mutex::new(region.map(Arc::downgrade).into_iter().collect()),
            pins: AtomicI64::new(0),
            is_closed: AtomicBool::new(false),
        });
        registrations().insert(id, Arc::downgrade(&entry));
        entry
    }

    /// Notes that the mapping was closed.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Notes that pins were taken or given back.
    pub fn add_pins(&self, delta: i64) {
        self.pins.fetch_add(delta, Ordering::Relaxed);
    }

    /// Notes that the mapping became longer or shorter.
    pub fn set_length(&self, length: u64) {
        self.length.store(length, Ordering::Relaxed);
    }

    /// Notes that the mapping has one more region.
    pub fn add_region(&self, region: &Arc<Region>) {
        let mut regions = self.regions();
        regions.retain(|region| region.strong_count() > 0);
        regions.push(Arc::downgrade(region));
    }

    fn regions(&self) -> MutexGuard<'_, Vec<Weak<Region>>> {
        self.regions.lock().ignore_poison()
    }

    fn entry(&self) -> Entry {
        let regions: Vec<Arc<Region>> = self.regions().iter().filter_map(Weak::upgrade).collect();
        Entry {
            id: self.id,
            description: Description {
                length: self.length.load(Ordering::Relaxed),
                ..self.description.clone()
            },
            views: regions.iter().map(|region| region.views()).sum(),
            pins: self.pins.load(Ordering::Relaxed),
            is_revoked: self.is_closed.load(Ordering::Acquire),
            faults: regions.iter().map(|region| region.fault_count()).sum(),
            is_damaged: regions
                .iter()
                .filter_map(|region| region.file())
                .any(|file| file.damaged().is_some()),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        registrations().remove(&self.id);
    }
}

/// All lines, oldest first. A mapping that was closed is listed while its addresses are still
/// reserved, because a view of it exists.
#[must_use]
pub fn entries() -> Vec<Entry> {
    // The entries are taken out of the lock first: the last holder of one may let go while we
    // look at it, and its drop takes the lock.
    let all: Vec<Arc<Registration>> = registrations().values().filter_map(Weak::upgrade).collect();
    all.iter()
        .map(|registration| registration.entry())
        .filter(|entry| !entry.is_revoked || entry.views > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mapping::map_region::Anonymous;

    #[test]
    fn a_mapping_is_listed_from_opening_to_its_last_holder() {
        let region = Arc::new(Region::anonymous(&Anonymous::of(4096), 0).unwrap());
        let id = next_id();
        let description = Description {
            label: Some("x".into()),
            ..Description::default()
        };
        let registration = Registration::open(id, description, Some(&region));
        registration.add_pins(2);
        region.add_view();
        let find = || entries().into_iter().find(|entry| entry.id == id);
        let entry = find().unwrap();
        assert_eq!((entry.pins, entry.views, entry.is_revoked), (2, 1, false));
        registration.close();
        assert!(find().unwrap().is_revoked);
        region.remove_view();
        assert!(find().is_none());
        drop(registration);
        assert!(!registrations().contains_key(&id));
    }
}
