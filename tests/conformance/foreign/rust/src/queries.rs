//! Logins, queries, prepared queries, sizes, errors.

use std::sync::Arc;

use arrow_array::{
    Int32Array, Int64Array, RecordBatch, StringArray, cast::AsArray, types::Int64Type,
};
use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::connection::{Client, Outcome, connect, dial, failure, query, read, rows, update};
use crate::{Arguments, report};

pub async fn scenarios(arguments: &Arguments) {
    report("login by password", login(arguments).await);
    report("login by token", token(arguments).await);
    report("wrong password", wrong_password(arguments).await);
    report("no login", no_login(arguments).await);
    report("query", simple(arguments).await);
    report("types", types(arguments).await);
    report("big result", big(arguments).await);
    report("wide rows", wide(arguments).await);
    report("several endpoints", endpoints(arguments).await);
    report("compression", compression(arguments).await);
    report("prepared query", prepared(arguments).await);
    report("prepared schemas", schemas(arguments).await);
    report("errors", errors(arguments).await);
    report("many at once", many(arguments).await);
}

async fn login(arguments: &Arguments) -> Outcome {
    query(&mut connect(arguments).await?, "SELECT 42").await
}

async fn token(arguments: &Arguments) -> Outcome {
    let mut client = dial(&arguments["other"]).await?;
    client.set_token(arguments["token"].clone());
    query(&mut client, "SELECT 42").await
}

async fn wrong_password(arguments: &Arguments) -> Outcome {
    let mut client = dial(&arguments["node"]).await?;
    Ok(failure(client.handshake(&arguments["user"], "wrong").await))
}

async fn no_login(arguments: &Arguments) -> Outcome {
    let mut client = dial(&arguments["node"]).await?;
    Ok(failure(client.execute("SELECT 1".into(), None).await))
}

async fn simple(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    query(
        &mut client,
        "SELECT 1 AS one, 'zwölf' AS text UNION ALL SELECT 2, NULL ORDER BY 1",
    )
    .await
}

async fn types(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let sql = "SELECT true, 7::TINYINT, 18446744073709551615::UBIGINT, 1.50::DECIMAL(9,2),
        '\\x00\\xFF'::BLOB,
        DATE '2024-02-29', TIME '23:59:58.123456', TIMESTAMP '2024-02-29 23:59:58.123456',
        [1, NULL], {'a': 1, 'b': 'x'}, MAP {'k': 1},
        '00112233-4455-6677-8899-aabbccddeeff'::UUID, 'large'::ENUM('small', 'large'),
        170141183460469231731687303715884105727::HUGEINT, NULL::DATE";
    query(&mut client, sql).await
}

/// Rows, and the sum of the first column.
async fn total(client: &mut Client, sql: &str) -> Outcome {
    let info = client.execute(sql.into(), None).await?;
    let endpoints = info.endpoint.len();
    let mut rows = 0;
    let mut sum = 0;
    for batch in read(client, info).await? {
        rows += batch.num_rows();
        sum += batch
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .sum::<i64>();
    }
    Ok(json!({"endpoints": endpoints, "rows": rows, "sum": sum}))
}

async fn big(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    total(
        &mut client,
        "SELECT range AS a, 'row number ' || range AS b, range / 7 AS c FROM range(1000000)",
    )
    .await
}

async fn wide(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let info = client
        .execute(
            "SELECT repeat('x', 1000000) AS a FROM range(40)".into(),
            None,
        )
        .await?;
    let lengths: Vec<usize> = read(&mut client, info)
        .await?
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_string::<i32>()
                .iter()
                .map(|text| text.map_or(0, str::len))
                .collect::<Vec<_>>()
        })
        .collect();
    Ok(json!({"rows": lengths.len(), "characters": lengths.iter().sum::<usize>()}))
}

async fn endpoints(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    client.set_header("x-flightkeeper-endpoints", "4");
    update(
        &mut client,
        &["CREATE TABLE parts AS SELECT range AS a FROM range(2000000)"],
    )
    .await?;
    total(&mut client, "SELECT a FROM parts").await
}

async fn compression(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    client.set_header("x-flightkeeper-compression", "lz4");
    total(&mut client, "SELECT range AS a FROM range(300000)").await
}

async fn prepared(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let mut statement = client
        .prepare(
            "SELECT ?::INTEGER * 2 AS twice, ?::VARCHAR AS text".into(),
            None,
        )
        .await?;
    let mut answers = Vec::new();
    for numbers in [vec![1], vec![2], vec![3, 4]] {
        let texts = StringArray::from(vec![Some("x"); numbers.len()]);
        statement.set_parameters(RecordBatch::try_from_iter([
            ("1", Arc::new(Int32Array::from(numbers)) as _),
            ("2", Arc::new(texts) as _),
        ])?)?;
        let info = statement.execute().await?;
        answers.push(rows(&mut client, info).await?);
    }
    statement.close().await?;
    Ok(Value::Array(answers))
}

async fn schemas(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(
        &mut client,
        &["CREATE TABLE forecast (id BIGINT, day DATE, degrees DOUBLE)"],
    )
    .await?;
    let statement = client
        .prepare(
            "SELECT day, degrees FROM forecast WHERE id = ?".into(),
            None,
        )
        .await?;
    let told = |schema: &arrow_schema::Schema| -> Vec<String> {
        schema
            .fields()
            .iter()
            .map(|field| format!("{}: {}", field.name(), field.data_type()))
            .collect()
    };
    Ok(json!({
        "result": told(statement.dataset_schema()?),
        "parameters": told(statement.parameter_schema()?),
    }))
}

async fn errors(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let syntax = failure(client.execute("SELEC 1".into(), None).await);
    let table = failure(client.execute("SELECT * FROM nowhere".into(), None).await);
    let prepared = failure(
        client
            .prepare("SELECT * FROM nowhere".into(), None)
            .await
            .map(|_| ()),
    );
    let changed = failure(
        client
            .execute_update("INSERT INTO nowhere VALUES (1)".into(), None)
            .await,
    );
    let late = "SELECT CASE WHEN range = 900000 THEN error('too late') ELSE range::VARCHAR END
        FROM range(1000000)";
    let late = failure(
        query(&mut client, late)
            .await
            .map_err(|error| std::io::Error::other(error.to_string())),
    );
    let works = query(&mut client, "SELECT 1").await?;
    Ok(json!({
        "syntax": syntax, "table": table, "prepared": prepared, "update": changed,
        "late": late, "works afterwards": works,
    }))
}

async fn many(arguments: &Arguments) -> Outcome {
    let client = connect(arguments).await?;
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8_i64 {
        let mut own: arrow_flight::sql::client::FlightSqlServiceClient<Channel> = client.clone();
        workers.spawn(async move {
            for _ in 0..20 {
                let info = own
                    .execute(
                        format!("SELECT {worker}::BIGINT AS a FROM range(1000)"),
                        None,
                    )
                    .await?;
                for batch in read(&mut own, info).await? {
                    let same = Int64Array::from(vec![worker; batch.num_rows()]);
                    assert_eq!(batch.column(0).as_primitive::<Int64Type>(), &same);
                }
            }
            Ok::<i64, arrow_flight::error::FlightError>(worker)
        });
    }
    let mut done = Vec::new();
    while let Some(worker) = workers.join_next().await {
        done.push(worker??);
    }
    done.sort_unstable();
    Ok(json!(done))
}
