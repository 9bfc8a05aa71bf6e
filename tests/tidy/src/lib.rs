//! Rules of the tree that no compiler holds; they live in `tests/`. This library is empty on purpose.
