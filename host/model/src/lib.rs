//! The nouns of the flow: no IO, no async.
