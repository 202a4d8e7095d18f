//! A mock API server for the tests of a pass: it keeps objects, counts versions as the real one does, writes down every
//! call, and refuses what it is told to. Of fields and their owners it knows the number of pods alone: the cluster suite
//! proves the others.

mod replicas;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// What the server keeps, and what was asked of it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Objects by `plural/name`.
    pub objects: BTreeMap<String, Value>,
    /// Calls that changed something, or were meant to: `PATCH services/florist-front`.
    pub writes: Vec<String>,
    /// Bodies of status patches, the last one last.
    pub statuses: Vec<Value>,
    /// Reasons of the Events.
    pub events: Vec<String>,
    /// A call that is refused, with a code and a message.
    pub refused: Option<(&'static str, u16, &'static str)>,
    /// After so many more writes the server is gone.
    pub writes_left: Option<usize>,
    /// Whether the cluster has KEDA.
    pub has_keda: bool,
    /// The number of pods of each Deployment after each change: `florist-front 2`.
    pub replicas: Vec<String>,
    version: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct FakeApi(Arc<Mutex<Kept>>);

impl FakeApi {
    /// Looks at, or changes, what is kept.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, path: &str, object: Value) {
        self.kept().store(path, object);
    }

    /// The writes since the last time.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().writes)
    }

    /// A client that speaks to this server alone.
    pub fn client(&self) -> Client {
        let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
        let server = self.clone();
        tokio::spawn(async move {
            while let Some((request, respond)) = handle.next_request().await {
                respond.send_response(server.answer(request).await);
            }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let path = parts.uri.path();
        let path = path
            .split_once("/namespaces/")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, rest)| rest)
            .or_else(|| path.strip_prefix("/apis/")?.splitn(3, '/').nth(2))
            .unwrap_or(path);
        let query = parts.uri.query().unwrap_or_default();
        let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager="));
        let sent = (manager.unwrap_or_default(), body);
        let (code, answer) = if query.contains("dryRun") {
            self.kept().try_out(&parts.method, path, sent)
        } else {
            self.kept().answer(&parts.method, path, sent)
        };
        let answer = Response::builder()
            .status(code)
            .body(Body::from(answer.to_string().into_bytes()));
        answer.expect("a status code and a body make a response")
    }
}

impl Kept {
    fn answer(&mut self, method: &Method, path: &str, (manager, body): (&str, Value)) -> (u16, Value) {
        let call = format!("{method} {path}");
        if *method != Method::GET && path != "events" {
            self.writes.push(call.clone());
        }
        match self.writes_left {
            Some(0) => return (500, failure(500, "the server is gone")),
            Some(left) if *method != Method::GET && path != "events" => self.writes_left = Some(left - 1),
            Some(_) | None => {}
        }
        if path.starts_with("scaledobjects") && !self.has_keda {
            return (404, failure(404, "the server could not find the requested resource"));
        }
        match self.refused {
            Some((refused, code, message)) if refused == call => return (code, failure(code, message)),
            _ => {}
        }
        match (method.as_str(), path) {
            ("POST", "events") => {
                self.events.push(body["reason"].as_str().unwrap_or_default().to_owned());
                (201, body)
            }
            ("PATCH", path) if path.ends_with("/status") => {
                self.statuses.push(body["status"].clone());
                (200, body)
            }
            ("PATCH", path) if path.starts_with("deployments/") => {
                let object = replicas::applied(self.objects.get(path), manager, body);
                (200, self.store(path, object))
            }
            ("PATCH", path) => (200, self.store(path, body)),
            ("PUT", path) => {
                let version =
                    |object: Option<&Value>| object.map(|object| object["metadata"]["resourceVersion"].clone());
                if version(self.objects.get(path)) == version(Some(&body)) {
                    (200, self.store(path, body))
                } else {
                    (409, failure(409, "the object has been modified"))
                }
            }
            ("DELETE", path) => {
                let object = self.objects.remove(path);
                object.map_or_else(
                    || (404, failure(404, "not found")),
                    |_| (200, json!({"kind": "Status", "status": "Success"})),
                )
            }
            (_, path) if path.contains('/') => self
                .objects
                .get(path)
                .map_or_else(|| (404, failure(404, "not found")), |object| (200, object.clone())),
            (_, plural) => {
                let prefix = format!("{plural}/");
                let items: Vec<_> = self
                    .objects
                    .iter()
                    .filter(|(path, _)| path.starts_with(&prefix))
                    .map(|(_, object)| object)
                    .collect();
                (
                    200,
                    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": self.version.to_string()}, "items": items}),
                )
            }
        }
    }

    /// What would be answered, and nothing kept of it.
    fn try_out(&self, method: &Method, path: &str, sent: (&str, Value)) -> (u16, Value) {
        self.clone().answer(method, path, sent)
    }

    /// What an autoscaler does.
    pub fn scale(&mut self, deployment: &str, number: i64) {
        let path = format!("deployments/{deployment}");
        let live = self.objects.get(&path).cloned().unwrap_or_default();
        let object = replicas::updated(&live, "kube-controller-manager", number);
        self.store(&path, object);
    }

    /// Keeps uid, version, generation and status of what was there; a change counts both numbers up.
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        let before = self.objects.get(path).cloned().unwrap_or_default();
        for field in ["uid", "resourceVersion", "generation"] {
            if let Some(kept) = before["metadata"].get(field) {
                object["metadata"][field] = kept.clone();
            }
        }
        if let (Some(status), None) = (before.get("status"), object.get("status")) {
            object["status"] = status.clone();
        }
        if object != before {
            self.version += 1;
            object["metadata"]["uid"] = json!(format!("uid-of-{path}"));
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            if object["spec"] != before["spec"] || before.is_null() {
                object["metadata"]["generation"] = json!(self.version);
            }
        }
        if let Some(name) = path.strip_prefix("deployments/") {
            let now = format!("{name} {}", replicas::count(&object));
            if self.replicas.iter().rfind(|then| then.starts_with(name)) != Some(&now) {
                self.replicas.push(now);
            }
        }
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

fn failure(code: u16, message: &str) -> Value {
    let reason = if code == 404 { "NotFound" } else { "Invalid" };
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message})
}
