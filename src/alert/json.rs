//! Alerts as the admin API writes them: reading, classifying, writing.
//!
//! The resource is that of Microsoft.InfrastructureInsights.Admin, api-version 2016-05-01, as systems of 2020 and 2021
//! return it. Between them `faultHash` and `faultId` swapped places, and titles differ from the documentation, so only
//! `faultTypeId` tells alerts apart. A title counts only if there is nothing else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::classification::{Classification, Collector};
use super::evidence::Evidence;
use super::fault_type;
use super::finding::Form;
use super::kind::AlertKind;
use super::profile::Profile;
use super::remedy::Context;
use super::text::TextClassifier;
use crate::{Error, ErrorKind, Result};

/// An alert resource of the admin API. Unknown content survives reading and writing.
///
/// ```
/// use azs_backup::alert::{Alert, Context, Profile, classify_ntstatus};
///
/// let class = classify_ntstatus(0xC000_006D, Profile::Refined);
/// let context = Context::new("1bf27b63-5013-4b6f-8bb8-818080620a18", "2026-11-23T02:00:00Z".parse().unwrap())
///     .share(r"\\fileserver01.contoso.com\AzSBackups")
///     .account(r"CONTOSO\azsbackup");
/// let alert = Alert::new(&class, &context);
/// assert_eq!(alert.title(), Some("Backup failed due to authentication issue."));
/// assert_eq!(alert.classify(Profile::Refined).kind(), class.kind());
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Alert(Map<String, Value>);

impl Alert {
    /// Creates an active alert for this failure.
    #[must_use]
    pub fn new(classification: &Classification, context: &Context) -> Self {
        let kind = classification.kind();
        let (id, location, now) = (&context.id, &context.location, context.now.to_string());
        let group = format!("/subscriptions/{NO_SUBSCRIPTION}/resourceGroups/System.{location}/providers");
        let steps = classification.remedy(context);
        let mut remediation = Vec::with_capacity(2 * steps.len());
        for (at, step) in steps.iter().enumerate() {
            if at > 0 {
                remediation.push(json!({ "type": "NewLine" }));
            }
            remediation.push(json!({ "text": format!("{}. {step}", at + 1), "type": "Text" }));
        }
        let evidence: Vec<String> = classification.evidence().iter().map(ToString::to_string).collect();
        let mut properties = Map::new();
        let mut property = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                properties.insert(name.into(), value.into());
            }
        };
        property("externalSharePath", context.share.as_deref());
        property("path", context.path.as_deref());
        property("account", context.account.as_deref());
        property("operation", context.operation.as_deref());
        property("kind", Some(kind.code()));
        property("documentedKind", Some(kind.documented().code()));
        property("confidence", Some(classification.confidence().code()));
        property("evidence", Some(&evidence.join("; ")).filter(|text| !text.is_empty()).map(String::as_str));
        property("retry", Some(classification.retry().when.code()));
        let alert = json!({
            "id": format!("{group}/Microsoft.InfrastructureInsights.Admin/regionHealths/{location}/alerts/{id}"),
            "name": format!("{location}/{id}"),
            "type": "Microsoft.InfrastructureInsights.Admin/regionHealths/alerts",
            "location": location,
            "tags": {},
            "properties": {
                "closedTimestamp": "",
                "createdTimestamp": now,
                "description": [{ "text": classification.describe(context), "type": "Text" }],
                "faultHash": "",
                "faultId": id,
                "alertId": id,
                "faultTypeId": kind.fault_type_id(),
                "lastUpdatedTimestamp": now,
                "alertProperties": properties,
                "remediation": remediation,
                "severity": kind.severity().as_str(),
                "state": "Active",
                "title": kind.title(),
                "impactedResourceId": format!("{group}/Microsoft.Backup.Admin/"),
                "impactedResourceDisplayName": "Infrastructure backup",
                "preview": "False",
                "hasValidRemediationAction": false,
                "remediationHistory": {},
            },
        });
        match alert {
            Value::Object(object) => Self(object),
            _ => Self(Map::new()),
        }
    }

    /// Reads one alert.
    ///
    /// # Errors
    /// `MALFORMED` for anything but a JSON object, or for an incomplete one; `LIMIT_EXCEEDED` above 16 MiB.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self> {
        read(json.as_ref())
    }

    /// Reads the alerts of a listing (`{"value": […]}`), an array, or one alert.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_list(json: impl AsRef<[u8]>) -> Result<Vec<Self>> {
        match read(json.as_ref())? {
            Value::Array(items) => items.into_iter().map(Self::of_value).collect(),
            Value::Object(mut object) => match object.get_mut("value").map(Value::take) {
                Some(Value::Array(items)) => items.into_iter().map(Self::of_value).collect(),
                Some(other) => {
                    object.insert("value".into(), other);
                    Ok(vec![Self(object)])
                }
                None => Ok(vec![Self(object)]),
            },
            other => Self::of_value(other).map(|alert| vec![alert]),
        }
    }

    fn of_value(value: Value) -> Result<Self> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            _ => {
                Err(Error::new(ErrorKind::Malformed, "an alert must be a JSON object; this is another value"))
            }
        }
    }

    /// Returns its kind, by `faultTypeId` or else by title; `None` if neither is known.
    #[must_use]
    pub fn kind(&self) -> Option<AlertKind> {
        let by_type = self.fault_type_id().and_then(AlertKind::from_fault_type_id);
        by_type.or_else(|| AlertKind::from_title(self.title()?))
    }

    /// Classifies the alert. If its fault type and title are unknown, it is [`General`](AlertKind::General) with low
    /// confidence.
    #[must_use]
    pub fn classify(&self, profile: Profile) -> Classification {
        let mut collector = Collector::new(profile);
        self.collect(&mut collector);
        collector.finish()
    }

    fn collect(&self, collector: &mut Collector) {
        let profile = collector.profile;
        let by_type = self.fault_type_id().map(AlertKind::from_fault_type_id);
        match (by_type, self.title().and_then(AlertKind::from_title)) {
            (Some(Some(kind)), _) => collector.found(Form::FaultType, 0, fault_type::row(kind)),
            (_, Some(kind)) => {
                collector.add(Evidence::new(Form::Wording, 0, fault_type::row(kind), profile).weighing(30));
            }
            (Some(None), None) => {
                let unknown = &fault_type::UNKNOWN;
                collector.add(Evidence::new(Form::Wording, 0, unknown, profile));
            }
            (None, None) => {}
        }
    }

    /// Returns the whole resource.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns a property of the alert by its name in the API, in any letter case: PowerShell's objects have the
    /// properties at the top and in another letter case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        let inner = get(&self.0, "properties").and_then(Value::as_object);
        inner.and_then(|properties| get(properties, name)).or_else(|| get(&self.0, name))
    }

    /// Returns `faultTypeId`.
    #[must_use]
    pub fn fault_type_id(&self) -> Option<&str> {
        self.text_field("faultTypeId")
    }

    /// Returns `title`.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.text_field("title")
    }

    /// Returns `state`: `Active` or `Closed`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.text_field("state")
    }

    /// Returns `severity`: `Warning` or `Critical`.
    #[must_use]
    pub fn severity(&self) -> Option<&str> {
        self.text_field("severity")
    }

    /// Returns `alertId`.
    #[must_use]
    pub fn alert_id(&self) -> Option<&str> {
        self.text_field("alertId")
    }

    /// Returns `createdTimestamp`; `None` if it is empty, in the year 1 or not a time.
    #[must_use]
    pub fn created(&self) -> Option<jiff::Timestamp> {
        self.time_field("createdTimestamp")
    }

    /// Returns `closedTimestamp`; `None` if it is empty, in the year 1 or not a time.
    #[must_use]
    pub fn closed(&self) -> Option<jiff::Timestamp> {
        self.time_field("closedTimestamp")
    }

    /// Returns one of the `alertProperties`, in any letter case: `failedAdminOperations`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        get(self.field("alertProperties")?.as_object()?, name)?.as_str()
    }

    /// Returns `description` as plain text.
    #[must_use]
    pub fn description(&self) -> String {
        self.plain_text("description")
    }

    /// Returns `remediation` as plain text, one step per line.
    #[must_use]
    pub fn remediation(&self) -> String {
        self.plain_text("remediation")
    }

    fn text_field(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn time_field(&self, name: &str) -> Option<jiff::Timestamp> {
        // .NET writes the year 1 for none.
        self.text_field(name).filter(|text| !text.starts_with("0001-"))?.parse().ok()
    }

    fn plain_text(&self, name: &str) -> String {
        let mut text = String::new();
        match self.field(name) {
            Some(Value::String(plain)) => text.push_str(plain),
            Some(Value::Array(parts)) => {
                for part in parts.iter().filter_map(Value::as_object) {
                    match get(part, "type").and_then(Value::as_str) {
                        Some("NewLine") => text.push('\n'),
                        _ => text.push_str(get(part, "text").and_then(Value::as_str).unwrap_or_default()),
                    }
                }
            }
            _ => {}
        }
        text
    }
}

/// Classifies an alert, or a listing of alerts, in the JSON of the admin API.
///
/// Among several alerts, the most telling one counts; closed ones count only if all are closed. JSON without any alert
/// is read as text.
///
/// # Errors
/// `MALFORMED` for anything but JSON, or for an incomplete document; `LIMIT_EXCEEDED` above 16 MiB.
pub fn classify_json(json: impl AsRef<[u8]>, profile: Profile) -> Result<Classification> {
    let json = json.as_ref();
    let alerts = Alert::parse_list(json)?;
    let telling = |alert: &&Alert| alert.fault_type_id().is_some() || alert.title().is_some();
    if !alerts.iter().any(|alert| telling(&alert)) {
        let mut classifier = TextClassifier::new(profile);
        classifier.line(json);
        return Ok(classifier.finish());
    }
    let closed = |alert: &Alert| alert.state().is_some_and(|state| state.eq_ignore_ascii_case("Closed"));
    let all_closed = alerts.iter().all(closed);
    let mut collector = Collector::new(profile);
    for alert in alerts.iter().filter(telling).filter(|alert| all_closed || !closed(alert)) {
        alert.collect(&mut collector);
    }
    Ok(collector.finish())
}

fn read<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    if json.len() > MOST_JSON {
        return Err(Error::new(ErrorKind::LimitExceeded, "alert JSON is longer than 16 MiB"));
    }
    // PowerShell's files begin with a byte order mark.
    let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
    serde_json::from_slice(json)
        .map_err(|e| Error::new(ErrorKind::Malformed, format!("alert JSON: {e}")).with_source(e))
}

fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

const MOST_JSON: usize = 16 << 20;
const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
