//! A trace and metrics of a run for an OpenTelemetry collector, over OTLP as JSON (HTTP, port 4318).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azs_backup::{Error, ErrorKind, Result};
use jiff::Timestamp;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Span, SpanBuilder, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use ureq::Agent;

use super::http::{client, server};
use super::metrics::METRICS;
use super::report::{ComponentReport, Failure, Report};

const LIMIT: Duration = Duration::from_secs(10);

/// Refuses what is no collector's address.
pub(super) fn check(collector: &str) -> Result<()> {
    server(collector, "opentelemetry of [report]").map(drop)
}

/// Sends the trace, then the metrics.
pub(super) fn export(report: &Report, collector: &str) -> Result<()> {
    let server = server(collector, "opentelemetry of [report]")?;
    let http = Http { agent: client(LIMIT), failure: Arc::default() };
    let failed = |why: String| {
        Error::new(ErrorKind::Unreachable, format!("the collector at {server} has no report: {why}"))
    };
    let sent = trace(report, collector, http.clone()).and_then(|()| metrics(report, collector, http.clone()));
    // The exporters keep to themselves what went wrong.
    let first = http.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    first.map_or(sent, Err).map_err(failed)
}

type Sent = std::result::Result<(), String>;

fn trace(report: &Report, collector: &str, http: Http) -> Sent {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
        .with_timeout(LIMIT)
        .build()
        .map_err(|e| e.to_string())?;
    let provider =
        SdkTracerProvider::builder().with_resource(resource(report)).with_batch_exporter(exporter).build();
    let tracer = provider.tracer("azs-backup");
    let begun = time(report.begun.unwrap_or_default());
    let mut run = SpanBuilder::from_name("nightly").with_start_time(begun).start(&tracer);
    run.set_attribute(KeyValue::new("azs_backup.outcome", report.summary()));
    if report.summary() == "failed" {
        run.set_status(Status::error(report.retention_failure.as_ref().map_or(String::new(), said)));
    }
    let run = Context::new().with_span(run);
    for component in &report.components {
        let mut span = SpanBuilder::from_name(format!("backup {}", component.place.component()))
            .with_start_time(time(component.begun))
            .with_attributes(attributes(component))
            .start_with_context(&tracer, &run);
        if let Some(failure) = &component.failure {
            span.set_status(Status::error(said(failure)));
            span.set_attribute(KeyValue::new("error.type", failure.code.clone()));
            span.set_attribute(KeyValue::new("azs_backup.alert", failure.alert.clone()));
        }
        span.end_with_timestamp(time(component.ended));
    }
    run.span().end_with_timestamp(time(report.ended.unwrap_or_default()));
    provider.shutdown().map_err(|e| e.to_string())
}

fn metrics(report: &Report, collector: &str, http: Http) -> Sent {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{}/v1/metrics", collector.trim_end_matches('/')))
        .with_timeout(LIMIT)
        .build()
        .map_err(|e| e.to_string())?;
    let provider =
        SdkMeterProvider::builder().with_resource(resource(report)).with_periodic_exporter(exporter).build();
    let meter = provider.meter("azs-backup");
    for (name, help, value) in METRICS {
        let gauge = meter.f64_gauge(name).with_description(help).build();
        for component in &report.components {
            gauge.record(value(component), &[KeyValue::new("place", component.place.to_string())]);
        }
    }
    provider.shutdown().map_err(|e| e.to_string())
}

fn resource(report: &Report) -> Resource {
    Resource::builder_empty()
        .with_service_name("azs-backup")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("azs_backup.deployment", report.deployment.to_string()))
        .build()
}

fn attributes(component: &ComponentReport) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("azs_backup.place", component.place.to_string()),
        KeyValue::new("azs_backup.files", i64::try_from(component.files).unwrap_or(i64::MAX)),
        KeyValue::new("azs_backup.bytes", i64::try_from(component.bytes).unwrap_or(i64::MAX)),
        KeyValue::new("azs_backup.new_bytes", i64::try_from(component.new_bytes).unwrap_or(i64::MAX)),
    ];
    attributes.extend(component.set.clone().map(|set| KeyValue::new("azs_backup.set", set)));
    attributes
}

fn said(failure: &Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

fn time(of: Timestamp) -> SystemTime {
    Duration::try_from(of.as_duration())
        .map_or(SystemTime::UNIX_EPOCH, |since| SystemTime::UNIX_EPOCH + since)
}

/// The client of reports, as the exporters take one. It remembers the first failure.
#[derive(Clone, Debug)]
struct Http {
    agent: Agent,
    failure: Arc<Mutex<Option<String>>>,
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let mut post = self.agent.post(head.uri);
        for (name, value) in &head.headers {
            post = post.header(name, value);
        }
        let (failure, result): (_, std::result::Result<_, HttpError>) = match post.send(&body[..]) {
            Ok(answer) if answer.status().is_success() => (None, Ok(Response::new(Bytes::new()))),
            Ok(answer) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = answer.status();
                (Some(format!("it answers {}", answer.status())), Ok(response))
            }
            Err(error) => (Some(error.to_string()), Err(error.into())),
        };
        if failure.is_some() {
            self.failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(failure.unwrap_or_default());
        }
        result
    }
}
