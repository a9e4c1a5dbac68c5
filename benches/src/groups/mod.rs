//! What is measured.

pub mod cliff;
pub mod deflate;
pub mod echo;
pub mod frames;
pub mod kernels;
pub mod tokio_echo;

use crate::timing::Group;

/// How the ids of some tables begin, and what a reader of them has to know.
pub const NOTES: [(&str, &str); 3] =
    [("deflate", deflate::NOTE), ("echo/blocking", echo::NOTE), ("echo/tokio", crate::echo::NOTE)];

/// A group that is built when its turn comes, so that the buffers and threads of
/// one do not weigh on another.
pub struct Build {
    id: String,
    make: Box<dyn FnOnce(&str) -> Group>,
}

impl Build {
    pub(crate) fn new(id: impl Into<String>, make: impl FnOnce(&str) -> Group + 'static) -> Self {
        Self { id: id.into(), make: Box::new(make) }
    }

    /// The group's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn make(self) -> Group {
        (self.make)(&self.id)
    }
}

/// Everything, in the order of a report.
pub fn all() -> Vec<Build> {
    let mut groups = kernels::groups();
    groups.extend(frames::receiving());
    groups.extend(frames::in_place());
    groups.extend(frames::sending());
    groups.extend(cliff::groups());
    groups.extend(deflate::groups());
    groups.extend(echo::groups());
    groups.extend(tokio_echo::groups());
    groups
}
