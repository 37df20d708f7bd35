//! A share in an object store, against moto (S3) and Azurite (Azure Blob).
#![cfg(all(unix, feature = "object-store"))]

#[path = "../common/mod.rs"]
mod common;
mod copies;
mod faults;
mod listings;
mod locks;
mod model;
mod opening;
mod site;
