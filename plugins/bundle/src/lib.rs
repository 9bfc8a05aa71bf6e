//! The bundled components, built from source.
