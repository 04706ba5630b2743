//! The regions of a mapping: the one that is used now, and those that views may still be on.
//!
//! A mapping that has to grow beyond the room of its region gets another one. Both show the same
//! file, so views of the former stay true; its faults are faults of the mapping.

use std::sync::{Arc, Weak};

use crate::core::fault::record::Fault;
use crate::core::file::shared_file::SharedFile;
use crate::core::mapping::region::Region;

/// A region that the mapping itself has let go, and what is known of its faults. Its addresses
/// are there as long as a view is, and late accesses are still faults.
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

/// The pages of a mapping.
#[derive(Debug)]
pub struct RegionList {
    /// None where there are no bytes, and after closing.
    current: Option<Arc<Region>>,
    former: Vec<Former>,
    /// Kept for a mapping without bytes too, which may grow. Let go by closing.
    file: Option<Arc<SharedFile>>,
}

impl RegionList {
    /// Those of a mapping that was just opened.
    pub fn new(region: Option<Arc<Region>>, file: Option<Arc<SharedFile>>) -> Self {
        Self {
            current: region,
            former: Vec::new(),
            file,
        }
    }

    /// The region that is used now.
    pub fn current(&self) -> Option<&Arc<Region>> {
        self.current.as_ref()
    }

    /// The file.
    pub fn file(&self) -> Option<&Arc<SharedFile>> {
        self.file.as_ref()
    }

    /// Uses another region from now on. Views of the one before stay.
    pub fn replace(&mut self, region: Arc<Region>) {
        self.former
            .retain(|former| former.region.strong_count() > 0);
        if let Some(before) = self.current.replace(region) {
            self.former.push(Former::of(&before));
        }
    }

    /// Lets go of all regions and the file, and remembers the faults. Gives back what has to be
    /// revoked.
    pub fn close(&mut self) -> Vec<Arc<Region>> {
        self.file = None;
        let mut open = self.live();
        open.extend(self.current.take().inspect(|region| {
            self.former.push(Former::of(region));
        }));
        open
    }

    /// The former regions that views are still on.
    pub fn live(&self) -> Vec<Arc<Region>> {
        self.former
            .iter()
            .filter_map(|former| former.region.upgrade())
            .collect()
    }

    /// How many faults there were, in all of them.
    pub fn fault_count(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |now| now.fault_count());
        current + self.former.iter().map(Former::fault_count).sum::<u64>()
    }

    /// The first faults of each.
    pub fn faults(&self) -> Vec<Fault> {
        let mut all: Vec<Fault> = self.former.iter().flat_map(Former::faults).collect();
        all.extend(self.current.iter().flat_map(|now| now.faults()));
        all
    }
}
