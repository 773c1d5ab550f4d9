//! Drives the `arrow-flight` crate's Flight SQL client against real nodes; arguments are key=value.

mod changes;
mod connection;
mod metadata;
mod queries;

use std::collections::HashMap;
use std::env;

use connection::Outcome;
use serde_json::json;

pub type Arguments = HashMap<String, String>;

/// Reports what came of a scenario as a line of JSON.
pub fn report(scenario: &str, outcome: Outcome) {
    let line = match outcome {
        Ok(values) => json!({"scenario": scenario, "ok": true, "values": values}),
        Err(error) => json!({"scenario": scenario, "ok": false, "detail": format!("{error:?}")}),
    };
    println!("{line}");
}

fn main() {
    let arguments: Arguments = env::args()
        .skip(1)
        .filter_map(|each| {
            each.split_once('=')
                .map(|(key, value)| (key.into(), value.into()))
        })
        .collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    runtime.block_on(async {
        queries::scenarios(&arguments).await;
        changes::scenarios(&arguments).await;
        metadata::scenarios(&arguments).await;
    });
}
