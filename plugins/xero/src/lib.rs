//! The Xero connector.
