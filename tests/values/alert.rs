//! From failures to alert classes: the vectors, errors and their causes, alerts as JSON, and input of any kind.

#[path = "alert/cause.rs"]
mod cause;
#[path = "alert/hostile.rs"]
mod hostile;
#[path = "alert/json.rs"]
mod json;
#[path = "alert/vectors.rs"]
mod vectors;
