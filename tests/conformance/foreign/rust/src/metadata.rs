//! Catalogs, tables, keys, types, server facts.

use arrow_flight::FlightInfo;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use serde_json::json;

use crate::connection::{Client, Outcome, connect, read, rows, update};
use crate::{Arguments, report};

const SETUP: &[&str] = &[
    "CREATE SCHEMA ledger",
    "CREATE TABLE ledger.accounts (country VARCHAR, number INTEGER, PRIMARY KEY (number, country))",
    "CREATE TABLE ledger.bookings (id INTEGER PRIMARY KEY, country VARCHAR, account INTEGER, \
     FOREIGN KEY (account, country) REFERENCES ledger.accounts (number, country))",
    "CREATE VIEW ledger.open AS SELECT id FROM ledger.bookings",
];

pub async fn scenarios(arguments: &Arguments) {
    let mut client = match connect(arguments).await {
        Ok(client) => client,
        Err(error) => return report("set up for metadata", Err(error)),
    };
    let prepared = update(&mut client, SETUP).await;
    report(
        "set up for metadata",
        prepared.map(|_| json!(null)).map_err(Into::into),
    );
    let c = &mut client;
    let planned = c.get_catalogs().await;
    tell(c, "catalogs", planned).await;
    let planned = c
        .get_db_schemas(CommandGetDbSchemas {
            catalog: None,
            db_schema_filter_pattern: Some("led%".into()),
        })
        .await;
    tell(c, "schemas", planned).await;
    let planned = c.get_tables(tables(false)).await;
    tell(c, "tables", planned).await;
    report("tables with schema", with_schema(c).await);
    let planned = c.get_table_types().await;
    tell(c, "table types", planned).await;
    let planned = c
        .get_sql_info(vec![
            SqlInfo::FlightSqlServerName,
            SqlInfo::SqlIdentifierQuoteChar,
        ])
        .await;
    tell(c, "server facts", planned).await;
    let planned = c
        .get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(4) })
        .await;
    tell(c, "type info", planned).await;
    keys(c).await;
}

async fn keys(c: &mut Client) {
    let catalog = || Some("memory".to_string());
    let schema = || Some("ledger".to_string());
    let planned = c
        .get_primary_keys(CommandGetPrimaryKeys {
            catalog: catalog(),
            db_schema: schema(),
            table: "accounts".into(),
        })
        .await;
    tell(c, "primary key", planned).await;
    let planned = c
        .get_imported_keys(CommandGetImportedKeys {
            catalog: catalog(),
            db_schema: schema(),
            table: "bookings".into(),
        })
        .await;
    tell(c, "imported keys", planned).await;
    let planned = c
        .get_exported_keys(CommandGetExportedKeys {
            catalog: catalog(),
            db_schema: schema(),
            table: "accounts".into(),
        })
        .await;
    tell(c, "exported keys", planned).await;
    let planned = c
        .get_cross_reference(CommandGetCrossReference {
            pk_catalog: catalog(),
            pk_db_schema: schema(),
            pk_table: "accounts".into(),
            fk_catalog: catalog(),
            fk_db_schema: schema(),
            fk_table: "bookings".into(),
        })
        .await;
    tell(c, "cross reference", planned).await;
}

async fn tell(client: &mut Client, scenario: &str, planned: Result<FlightInfo, FlightError>) {
    let outcome = match planned {
        Ok(info) => rows(client, info).await,
        Err(error) => Err(error.into()),
    };
    report(scenario, outcome);
}

fn tables(include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        catalog: Some("memory".into()),
        db_schema_filter_pattern: Some("ledger".into()),
        table_name_filter_pattern: None,
        table_types: vec!["TABLE".into(), "VIEW".into()],
        include_schema,
    }
}

async fn with_schema(client: &mut Client) -> Outcome {
    let info = client.get_tables(tables(true)).await?;
    let batches = read(client, info).await?;
    Ok(json!(
        batches
            .iter()
            .map(|batch| (batch.num_rows(), batch.num_columns()))
            .collect::<Vec<_>>()
    ))
}
