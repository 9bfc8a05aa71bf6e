//! The pipeline: one file per arrow of the flow.
