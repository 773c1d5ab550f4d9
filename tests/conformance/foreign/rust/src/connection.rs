//! A client of one node, and its answers as JSON.

use std::collections::HashMap;
use std::error::Error;

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_flight::FlightInfo;
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

pub type Client = FlightSqlServiceClient<Channel>;
pub type Outcome = Result<Value, Box<dyn Error>>;

/// A client that is not logged in. Its limit for messages stays at tonic's 4 MiB.
pub async fn dial(address: &str) -> Result<Client, Box<dyn Error>> {
    let channel = Endpoint::new(format!("http://{address}"))?
        .connect()
        .await?;
    Ok(FlightSqlServiceClient::new(channel))
}

/// A client that logged in by password.
pub async fn connect(arguments: &HashMap<String, String>) -> Result<Client, Box<dyn Error>> {
    let mut client = dial(&arguments["node"]).await?;
    client
        .handshake(&arguments["user"], &arguments["password"])
        .await?;
    Ok(client)
}

/// All batches of all endpoints of a plan.
pub async fn read(client: &mut Client, info: FlightInfo) -> Result<Vec<RecordBatch>, FlightError> {
    let mut batches = Vec::new();
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.expect("every endpoint has a ticket");
        let stream = client.do_get(ticket).await?;
        batches.extend(stream.try_collect::<Vec<_>>().await?);
    }
    Ok(batches)
}

/// The answer of a plan: a list of texts for each row.
pub async fn rows(client: &mut Client, info: FlightInfo) -> Outcome {
    let mut rows = Vec::new();
    for batch in read(client, info).await? {
        for index in 0..batch.num_rows() {
            rows.push(row(&batch, index)?);
        }
    }
    Ok(Value::Array(rows))
}

/// The answer of a statement.
pub async fn query(client: &mut Client, sql: &str) -> Outcome {
    let info = client.execute(sql.to_string(), None).await?;
    rows(client, info).await
}

/// Runs statements that change something; how many rows the last one changed.
pub async fn update(client: &mut Client, statements: &[&str]) -> Result<i64, FlightError> {
    let mut changed = 0;
    for sql in statements {
        changed = client.execute_update(sql.to_string(), None).await?;
    }
    Ok(changed)
}

/// The texts of an error and of its causes; null for none.
pub fn failure<T, E: Error>(outcome: Result<T, E>) -> Value {
    let Err(error) = outcome else {
        return Value::Null;
    };
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(each) = cause {
        told.push_str(&format!("\n{each}"));
        cause = each.source();
    }
    json!(told)
}

fn row(batch: &RecordBatch, index: usize) -> Outcome {
    let options = FormatOptions::default();
    let mut values = Vec::new();
    for column in batch.columns() {
        if column.is_null(index) {
            values.push(Value::Null);
        } else {
            values.push(json!(
                ArrayFormatter::try_new(column, &options)?
                    .value(index)
                    .to_string()
            ));
        }
    }
    Ok(Value::Array(values))
}
