//! The registry of all mappings of this process, in all its threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::core::mapping::region::Region;
use crate::core::poison::IgnorePoison;

/// The properties of a mapping that are known when it is opened.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The path of the file, as the user gave it.
    pub path: Option<String>,
    /// The label that the user gave the mapping.
    pub label: Option<String>,
    /// The letters of the mode.
    pub mode: &'static str,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The length in bytes.
    pub length: u64,
    /// The number of the JavaScript thread that opened it.
    pub thread: u32,
    /// Whether the mapping is meant to be closed by the garbage collector.
    pub gc_owned: bool,
    /// The stack of the call that opened it, if stacks are recorded.
    pub stack: Option<String>,
}

/// The registration of a mapping. The registry lists it until the last reference is dropped.
#[derive(Debug)]
pub struct Registration {
    /// A number that no other mapping of this process has or had.
    pub id: u64,
    /// The properties of the mapping.
    pub description: Description,
    length: AtomicU64,
    /// The regions; more than one if the mapping has grown.
    regions: Mutex<Vec<Weak<Region>>>,
    pins: AtomicI64,
    is_closed: AtomicBool,
}

/// An entry of the registry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The number of the mapping.
    pub id: u64,
    /// The properties of the mapping.
    pub description: Description,
    /// The number of array buffers over the mapping that still exist.
    pub views: u64,
    /// The number of pins that keep the mapping open.
    pub pins: i64,
    /// Whether the mapping was closed, so that only its addresses are still reserved.
    pub is_revoked: bool,
    /// The number of faults.
    pub faults: u64,
    /// Whether a flush of its file has failed.
    pub is_damaged: bool,
}

static REGISTRATIONS: Mutex<BTreeMap<u64, Weak<Registration>>> = Mutex::new(BTreeMap::new());

fn registrations() -> MutexGuard<'static, BTreeMap<u64, Weak<Registration>>> {
    REGISTRATIONS.lock().ignore_poison()
}

/// Returns a number for a new mapping.
#[must_use]
pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Registration {
    /// Adds a mapping to the registry. `region` is none for a mapping of length 0.
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

    /// Marks the mapping as closed.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Adds a number of pins, negative for pins that were released.
    pub fn add_pins(&self, delta: i64) {
        self.pins.fetch_add(delta, Ordering::Relaxed);
    }

    /// Sets the length of the mapping, in bytes.
    pub fn set_length(&self, length: u64) {
        self.length.store(length, Ordering::Relaxed);
    }

    /// Adds a region of the mapping.
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

/// Returns all entries, oldest first. A closed mapping is listed while a view of it exists, which
/// keeps its addresses reserved.
#[must_use]
pub fn entries() -> Vec<Entry> {
    // The registrations are collected first, and read after the lock is released. This function may
    // drop the last reference of one, which takes the lock.
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
    fn a_mapping_is_listed_from_opening_to_its_last_reference() {
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
