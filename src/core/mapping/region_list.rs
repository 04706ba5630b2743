//! The regions of a mapping: the current one, and former ones that views may still use.
//!
//! A mapping that grows beyond the capacity of its region gets a new region. Both map the same
//! file, so views of the former region stay valid. Faults of a former region are faults of the
//! mapping.

use std::sync::{Arc, Weak};

use crate::core::fault::record::Fault;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::region::Region;

/// A region that the mapping no longer uses, with a copy of its faults. Its addresses stay reserved
/// as long as a view exists, and accesses in that time can still be faults.
#[derive(Debug)]
struct Former {
    region: Weak<Region>,
    count: u64,
    faults: Vec<Fault>,
}

impl Former {
    fn of(region: &Arc<Region>) -> Self {
        Self {
            region: Arc::downgrade(region),
            count: region.fault_count(),
            faults: region.faults(),
        }
    }

    fn fault_count(&self) -> u64 {
        self.region
            .upgrade()
            .map_or(self.count, |region| region.fault_count())
    }

    fn faults(&self) -> Vec<Fault> {
        self.region
            .upgrade()
            .map_or_else(|| self.faults.clone(), |region| region.faults())
    }
}

/// The regions of a mapping, and its file.
#[derive(Debug)]
pub struct RegionList {
    /// None for a mapping of length 0, and after closing.
    current: Option<Arc<Region>>,
    former: Vec<Former>,
    /// The file, which a mapping of length 0 has too, because it may grow. None after closing.
    file: Option<Arc<SharedFile>>,
}

impl RegionList {
    /// Makes the list of a mapping that was just opened.
    pub fn new(region: Option<Arc<Region>>, file: Option<Arc<SharedFile>>) -> Self {
        Self {
            current: region,
            former: Vec::new(),
            file,
        }
    }

    /// Returns the current region.
    pub fn current(&self) -> Option<&Arc<Region>> {
        self.current.as_ref()
    }

    /// Returns the file.
    pub fn file(&self) -> Option<&Arc<SharedFile>> {
        self.file.as_ref()
    }

    /// Replaces the current region. Views of the former region stay valid.
    pub fn replace(&mut self, region: Arc<Region>) {
        self.former
            .retain(|former| former.region.strong_count() > 0);
        if let Some(before) = self.current.replace(region) {
            self.former.push(Former::of(&before));
        }
    }

    /// Releases all regions and the file, and keeps a copy of the faults. Returns the regions that
    /// the caller must revoke.
    pub fn close(&mut self) -> Vec<Arc<Region>> {
        self.file = None;
        let mut open = self.live();
        open.extend(self.current.take().inspect(|region| {
            self.former.push(Former::of(region));
        }));
        open
    }

    /// Returns the former regions that views still use.
    pub fn live(&self) -> Vec<Arc<Region>> {
        self.former
            .iter()
            .filter_map(|former| former.region.upgrade())
            .collect()
    }

    /// Returns the number of faults in all regions.
    pub fn fault_count(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |now| now.fault_count());
        current + self.former.iter().map(Former::fault_count).sum::<u64>()
    }

    /// Returns the recorded faults of all regions, the current region last.
    pub fn faults(&self) -> Vec<Fault> {
        let mut all: Vec<Fault> = self.former.iter().flat_map(Former::faults).collect();
        all.extend(self.current.iter().flat_map(|now| now.faults()));
        all
    }
}
