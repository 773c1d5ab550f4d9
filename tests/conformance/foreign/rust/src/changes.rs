//! Updates, prepared updates, transactions, ingest.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_flight::sql::{
    CommandStatementIngest, EndTransaction, TableDefinitionOptions, TableExistsOption,
    TableNotExistOption,
};
use futures::stream;
use serde_json::json;

use crate::connection::{Outcome, connect, failure, query, rows, update};
use crate::{Arguments, report};

pub async fn scenarios(arguments: &Arguments) {
    report("updates", updates(arguments).await);
    report("planned update", planned(arguments).await);
    report("returning", returning(arguments).await);
    report("prepared update", prepared(arguments).await);
    report("prepared update without parameters", plain(arguments).await);
    report("prepared returning", prepared_returning(arguments).await);
    report("transactions", transactions(arguments).await);
    report(
        "prepared in a transaction",
        prepared_inside(arguments).await,
    );
    report("ingest", ingest(arguments).await);
    report("ingest much", ingest_much(arguments).await);
    report("ingest in a transaction", ingest_inside(arguments).await);
}

async fn updates(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let mut counts = Vec::new();
    for sql in [
        "CREATE TABLE changed (a INTEGER, b VARCHAR)",
        "INSERT INTO changed VALUES (1, 'x'), (2, 'y'), (3, 'z')",
        "UPDATE changed SET b = 'w' WHERE a > 1",
        "DELETE FROM changed WHERE a = 3",
    ] {
        counts.push(client.execute_update(sql.into(), None).await?);
    }
    let stored = query(&mut client, "SELECT * FROM changed ORDER BY a").await?;
    Ok(json!({"counts": counts, "stored": stored}))
}

async fn planned(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(&mut client, &["CREATE TABLE planned (a INTEGER)"]).await?;
    client
        .execute("INSERT INTO planned VALUES (1), (2)".into(), None)
        .await?;
    query(&mut client, "SELECT count(*) FROM planned").await
}

async fn returning(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(&mut client, &["CREATE TABLE returned (a INTEGER)"]).await?;
    query(
        &mut client,
        "INSERT INTO returned VALUES (10), (20) RETURNING a + 1 AS next",
    )
    .await
}

fn people(ids: Vec<i64>) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let names: StringArray = ids
        .iter()
        .map(|id| (id % 3 != 0).then(|| format!("name {id}")))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(ids)) as _, true),
        ("name", Arc::new(names) as _, true),
    ])
}

/// This client binds first and then executes the update without rows.
async fn prepared(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(
        &mut client,
        &["CREATE TABLE stock (id BIGINT, name VARCHAR)"],
    )
    .await?;
    let mut insert = client
        .prepare("INSERT INTO stock VALUES (?, ?)".into(), None)
        .await?;
    insert.set_parameters(people(vec![1, 2, 3])?)?;
    let changed = insert.execute_update().await?;
    insert.set_parameters(people(vec![4])?)?;
    let again = insert.execute_update().await?;
    insert.close().await?;
    let stored = query(&mut client, "SELECT * FROM stock ORDER BY id").await?;
    Ok(json!({"changed": [changed, again], "stored": stored}))
}

async fn plain(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(&mut client, &["CREATE TABLE plain (id BIGINT)"]).await?;
    let mut insert = client
        .prepare("INSERT INTO plain VALUES (1), (2)".into(), None)
        .await?;
    let changed = insert.execute_update().await?;
    let stored = query(&mut client, "SELECT count(*) FROM plain").await?;
    Ok(json!({"changed": changed, "stored": stored}))
}

async fn prepared_returning(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(
        &mut client,
        &["CREATE TABLE numbered (id BIGINT, name VARCHAR)"],
    )
    .await?;
    let mut insert = client
        .prepare(
            "INSERT INTO numbered VALUES (?, ?) RETURNING id + 1 AS next".into(),
            None,
        )
        .await?;
    insert.set_parameters(people(vec![41])?)?;
    let info = insert.execute().await?;
    rows(&mut client, info).await
}

async fn transactions(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let mut other = connect(arguments).await?;
    update(&mut client, &["CREATE TABLE moved (a INTEGER)"]).await?;
    let mut seen = Vec::new();
    for end in [EndTransaction::Rollback, EndTransaction::Commit] {
        let transaction = client.begin_transaction().await?;
        client
            .execute_update(
                "INSERT INTO moved VALUES (1)".into(),
                Some(transaction.clone()),
            )
            .await?;
        let inside = client
            .execute(
                "SELECT count(*) FROM moved".into(),
                Some(transaction.clone()),
            )
            .await?;
        seen.push(rows(&mut client, inside).await?);
        client.end_transaction(transaction, end).await?;
        seen.push(query(&mut other, "SELECT count(*) FROM moved").await?);
    }
    Ok(json!(seen))
}

async fn prepared_inside(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(
        &mut client,
        &["CREATE TABLE inside (id BIGINT, name VARCHAR)"],
    )
    .await?;
    let transaction = client.begin_transaction().await?;
    let mut insert = client
        .prepare(
            "INSERT INTO inside VALUES (?, ?)".into(),
            Some(transaction.clone()),
        )
        .await?;
    insert.set_parameters(people(vec![1, 2])?)?;
    let changed = insert.execute_update().await?;
    let before = query(&mut client, "SELECT count(*) FROM inside").await?;
    client
        .end_transaction(transaction, EndTransaction::Commit)
        .await?;
    let stored = query(&mut client, "SELECT count(*) FROM inside").await?;
    Ok(json!({"changed": changed, "before": before, "after": stored}))
}

fn into(
    table: &str,
    missing: TableNotExistOption,
    existing: TableExistsOption,
) -> CommandStatementIngest {
    CommandStatementIngest {
        table_definition_options: Some(TableDefinitionOptions {
            if_not_exist: missing.into(),
            if_exists: existing.into(),
        }),
        table: table.into(),
        ..Default::default()
    }
}

async fn ingest(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let create = into(
        "ingested",
        TableNotExistOption::Create,
        TableExistsOption::Fail,
    );
    let add = into(
        "ingested",
        TableNotExistOption::Fail,
        TableExistsOption::Append,
    );
    let rows = |ids| stream::iter(vec![Ok(people(ids).expect("columns have one length"))]);
    let created = client
        .execute_ingest(create.clone(), rows(vec![1, 2]))
        .await?;
    let added = client.execute_ingest(add, rows(vec![3])).await?;
    let refused = failure(client.execute_ingest(create, rows(vec![4])).await);
    Ok(json!({
        "created": created, "added": added, "refused": refused,
        "stored": query(&mut client, "SELECT * FROM ingested ORDER BY id").await?,
    }))
}

async fn ingest_much(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    let batches: Vec<_> =
        (0..50_i64)
            .map(|part| {
                Ok(people((part * 2000..(part + 1) * 2000).collect())
                    .expect("columns have one length"))
            })
            .collect();
    let create = into(
        "plenty",
        TableNotExistOption::Create,
        TableExistsOption::Fail,
    );
    let changed = client.execute_ingest(create, stream::iter(batches)).await?;
    let stored = query(&mut client, "SELECT count(*), sum(id)::BIGINT FROM plenty").await?;
    Ok(json!({"changed": changed, "stored": stored}))
}

async fn ingest_inside(arguments: &Arguments) -> Outcome {
    let mut client = connect(arguments).await?;
    update(
        &mut client,
        &["CREATE TABLE taken_back (id BIGINT, name VARCHAR)"],
    )
    .await?;
    let transaction = client.begin_transaction().await?;
    let mut add = into(
        "taken_back",
        TableNotExistOption::Fail,
        TableExistsOption::Append,
    );
    add.transaction_id = Some(transaction.clone());
    let changed = client
        .execute_ingest(add, stream::iter(vec![Ok(people(vec![1, 2])?)]))
        .await?;
    client
        .end_transaction(transaction, EndTransaction::Rollback)
        .await?;
    let stored = query(&mut client, "SELECT count(*) FROM taken_back").await?;
    Ok(json!({"changed": changed, "stored": stored}))
}
