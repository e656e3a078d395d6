//! What one core hands over, and how that of several becomes one batch.

use crate::batch::Batch;
use crate::crew::Common;
use crate::records::Buffers;
use std::sync::Arc;
use transitproof_flow::certificates::Certificate;
use transitproof_flow::observation::Observation;
use transitproof_flow::{Core, Said};

#[derive(Default)]
pub struct Part {
    records: Vec<u8>,
    tunnels: Vec<u8>,
    associations: Vec<u8>,
    so_far: Vec<u8>,
    certificates: Vec<Arc<Certificate>>,
    /// If they were wanted.
    observations: Option<Vec<Observation>>,
    /// What it heard of DNS, where the cores go on meanwhile.
    pub said: Said,
}

impl Part {
    /// What has come about since the last one. `observations`: also if there are few.
    pub fn of(core: &mut Core, buffers: &Buffers, observations: bool) -> Self {
        let told = core.take_told();
        let wanted = observations || core.many_observations();
        Self {
            records: core.swap_records(buffers.spare()),
            tunnels: core.take_tunnels(),
            associations: told.associations,
            so_far: told.tunnels,
            certificates: core.take_certificates(),
            observations: wanted.then(|| core.take_observations()),
            said: Said::default(),
        }
    }
}

impl Batch {
    /// Of the parts of all cores, in their order.
    pub fn of(parts: Vec<Part>, common: Option<&mut Common>, buffers: &Buffers) -> Self {
        let mut whole = Part::default();
        let mut records = Vec::with_capacity(parts.len());
        for part in parts {
            records.push(part.records);
            whole.tunnels.extend(part.tunnels);
            whole.associations.extend(part.associations);
            whole.so_far.extend(part.so_far);
            whole.certificates.extend(part.certificates);
            match (&mut whole.observations, part.observations) {
                (Some(all), Some(more)) => all.extend(more),
                // As they are: mostly there is one core.
                (none, observations) => *none = none.take().or(observations),
            }
        }
        if let Some(common) = common {
            whole.certificates = common.new_certificates(&whole.certificates);
            if let Some(observations) = &mut whole.observations {
                common.watch().take(observations);
            }
        }
        let Part { tunnels, associations, so_far, certificates, observations, .. } = whole;
        let observations = observations.unwrap_or_default();
        Self { records: buffers.written(records), tunnels, associations, so_far, certificates, observations }
    }
}
