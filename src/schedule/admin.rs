//! Lenient reading of the admin API's update runs, update locations and scale unit nodes.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::operation::{Operation, OperationKind, OperationState};

/// Returns the operations that resources of the admin API describe; `parse_operations` has the table of assumptions.
pub(super) fn operations(resources: &[Map<String, Value>]) -> Vec<Operation> {
    let mut runs = Vec::new();
    let mut others = Vec::new();
    for resource in resources {
        let property = |name: &str| resource.get("properties").and_then(|properties| properties.get(name));
        let word = |name: &str| property(name).and_then(Value::as_str).unwrap_or_default();
        match kind(resource) {
            Kind::UpdateRun => {
                let mut run = operation(resource, OperationKind::Update, run_state(word("state")));
                run.name = update_name(resource).or(run.name);
                run.started = time(property("timeStarted"));
                runs.push(run);
            }
            Kind::UpdateLocation => others.extend(
                location_state(word("state")).map(|state| operation(resource, OperationKind::Update, state)),
            ),
            Kind::ScaleUnitNode => others.extend(
                node_state(word("scaleUnitNodeStatus"))
                    .map(|state| operation(resource, OperationKind::Fru, state)),
            ),
            Kind::Other => {}
        }
    }
    // A stamp runs one update at a time, so a later run that succeeded has completed what earlier ones left.
    let succeeded = runs.iter().filter(|run| run.state == OperationState::Succeeded);
    let succeeded = succeeded.filter_map(|run| run.started).max();
    for run in &mut runs {
        let is_over = match (run.started, succeeded) {
            (Some(started), Some(succeeded)) => started < succeeded,
            _ => false,
        };
        if is_over && matches!(run.state, OperationState::Failed | OperationState::Unknown(_)) {
            run.state = OperationState::Resolved;
        }
    }
    runs.extend(others);
    runs
}

enum Kind {
    UpdateRun,
    UpdateLocation,
    ScaleUnitNode,
    Other,
}

/// Decides by the type's last word, or by the last collection in the ID.
fn kind(resource: &Map<String, Value>) -> Kind {
    let text = |key: &str| resource.get(key).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let collection = match text("type") {
        Some(of_type) => of_type.rsplit('/').next().map(str::to_owned),
        None => text("id").and_then(|id| id.rsplit('/').nth(1).map(str::to_owned)),
    };
    match collection.as_deref() {
        Some("updateruns") => Kind::UpdateRun,
        Some("updatelocations") => Kind::UpdateLocation,
        Some("scaleunitnodes") => Kind::ScaleUnitNode,
        _ => Kind::Other,
    }
}

fn operation(resource: &Map<String, Value>, kind: OperationKind, state: OperationState) -> Operation {
    let name = resource.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    Operation { name: name.map(str::to_owned), ..Operation::new(kind, state) }
}

/// Returns the update's name, which says more than its run's, a GUID: `…/updates/<name>/updateRuns/<run>`.
fn update_name(resource: &Map<String, Value>) -> Option<String> {
    let mut names = resource.get("id")?.as_str()?.rsplit('/').skip(2);
    let name = names.next()?;
    (names.next()?.eq_ignore_ascii_case("updates") && !name.is_empty()).then(|| name.to_owned())
}

/// `UpdateRunState` of Microsoft.Update.Admin 2021-07-01.
fn run_state(word: &str) -> OperationState {
    match word {
        "InProgress" => OperationState::Running,
        "Failed" => OperationState::Failed,
        "Succeeded" => OperationState::Succeeded,
        other => OperationState::Unknown(other.to_owned()),
    }
}

/// `RegionUpdateState` of Microsoft.Update.Admin 2021-07-01.
fn location_state(word: &str) -> Option<OperationState> {
    Some(match word {
        "UpdateInProgress" => OperationState::Running,
        "UpdateFailed" | "NeedsAttention" => OperationState::Failed,
        "AppliedSuccessfully"
        | "AppliedUpdateAvailableSuccessfully"
        | "UpdateAvailable"
        | "PreparationInProgress"
        | "PreparationFailed" => return None,
        other => OperationState::Unknown(other.to_owned()),
    })
}

/// `ScaleUnitNodeStatus` of Microsoft.Fabric.Admin 2016-05-01.
fn node_state(word: &str) -> Option<OperationState> {
    Some(match word {
        "Maintenance" | "Repairing" | "Stopped" => OperationState::Running,
        "Running" => return None,
        other => OperationState::Unknown(other.to_owned()),
    })
}

/// Reads a time; the API writes the year 1 for none.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let time: Timestamp = value?.as_str()?.parse().ok()?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}
