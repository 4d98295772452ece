//! A run as a stream of JSON, one `breakglass.event/1` object a line.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::engine::{Event, RunResult};
use crate::facts::SessionId;

const SCHEMA: &str = "breakglass.event/1";

/// Writes the stream. A run goes on where nobody reads it any more.
#[derive(Debug, Default)]
pub(super) struct Events {
    opened: bool,
    session: Option<SessionId>,
}

impl Events {
    /// One event.
    pub(super) fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Recorded(record) => {
                let Ok(Value::Object(mut line)) = serde_json::to_value(record) else { return };
                let body = line.remove("body");
                // The stream has its own first and last line.
                if line.get("type").is_some_and(|name| name == "session.close" || name == "session.pause") {
                    return;
                }
                if line.get("type").is_some_and(|name| name == "session.open") {
                    self.opened = true;
                    self.session = Some(record.session.clone());
                }
                let mut out = Map::new();
                out.insert("schema".to_owned(), json!(SCHEMA));
                out.extend(line.into_iter().filter(|(key, _)| key != "v" && key != "prev"));
                if let Some(Value::Object(body)) = body {
                    // The script stands in the record, under its hash.
                    for (key, value) in body.into_iter().filter(|(key, _)| key != "script") {
                        out.entry(key).or_insert(value);
                    }
                }
                // What belongs to a dead session comes before this one's first line, and stands in the record.
                if self.opened {
                    write(&Value::Object(out));
                }
            }
            // Both stand in the stream as records.
            Event::Planned(_) | Event::Surveyed { .. } => {}
            Event::Step { number, of, step, node, title, class, .. } => write(&json!({
                "schema": SCHEMA, "type": "step.begin", "number": number, "of": of, "step": step, "node": node,
                "title": title, "class": class,
            })),
            Event::Progress { step, node, elapsed, text } => self.write_opened(&json!({
                "schema": SCHEMA, "type": "progress", "step": step, "node": node,
                "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), "text": text,
            })),
            Event::Said { step, node, text } => self.write_opened(&json!({
                "schema": SCHEMA, "type": "said", "step": step, "node": node, "text": text,
            })),
        }
    }

    fn write_opened(&self, line: &Value) {
        if self.opened {
            write(line);
        }
    }

    /// The session that was opened.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.session.clone()
    }

    /// The last line; and the first, where the run was refused before its session could be opened.
    pub(super) fn end(&mut self, session: &SessionId, ended: &End<'_>) {
        if !self.opened {
            write(
                &json!({ "schema": SCHEMA, "type": "session.open", "session": session, "recorded": false }),
            );
        }
        let (result, exit, detail) = (ended.result, ended.exit, ended.detail);
        let last = if result == RunResult::Paused.as_str() {
            json!({ "schema": SCHEMA, "type": "session.pause", "session": session, "exit": exit, "detail": detail })
        } else {
            json!({
                "schema": SCHEMA, "type": "session.close", "session": session, "result": result, "exit": exit,
                "detail": detail,
            })
        };
        write(&last);
    }
}

/// How the stream ends.
#[derive(Debug)]
pub(super) struct End<'a> {
    pub(super) result: &'a str,
    pub(super) exit: u8,
    pub(super) detail: &'a str,
}

fn write(line: &Value) {
    let mut out = io::stdout().lock();
    // A reader that has gone does not stop the run: it is somewhere in the middle.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
