// @lakehouse-rs/flight-sql-client: Rust inside, with tonic's limit of 4 MiB for a message.

import client from '@lakehouse-rs/flight-sql-client';
import { tableFromIPC } from 'apache-arrow';
import { failure, rows, total } from './rows.mjs';

export async function lakehouse(options, scenario) {
  const [host, port] = options.node.split(':');
  const connect = (login) =>
    client.createFlightSqlClient({ host, port: Number(port), tls: false, headers: [], ...login });
  const byPassword = { username: options.user, password: options.password };
  const query = async (connection, sql) => tableFromIPC(await connection.query(sql));

  await scenario('login by password', async () =>
    rows(await query(await connect(byPassword), 'SELECT 42')),
  );
  await scenario('login by token', async () =>
    rows(await query(await connect({ token: options.token }), 'SELECT 42')),
  );
  // A wrong password and an error after the first rows are not tried: this client panics then and
  // never settles its promise.
  let connection = null;
  try {
    connection = await connect(byPassword);
  } catch {
    return; // the scenarios above have told why
  }
  await scenario('query', async () =>
    rows(
      await query(
        connection,
        "SELECT 1 AS one, 'zwölf' AS text UNION ALL SELECT 2, NULL ORDER BY 1",
      ),
    ),
  );
  await scenario('empty result', async () => {
    const table = await query(connection, "SELECT 1 AS a, 'x' AS b WHERE false");
    return { columns: table.schema.fields.map((field) => field.name), rows: rows(table) };
  });
  await scenario('big result', async () =>
    total(
      await query(connection, "SELECT range AS a, 'row number ' || range AS b FROM range(1000000)"),
    ),
  );
  await scenario('wide rows', async () => {
    const table = await query(connection, "SELECT repeat('x', 1000000) AS a FROM range(20)");
    return rows(table).map(([text]) => text.length);
  });
  await scenario('changes', async () => {
    await query(connection, 'CREATE TABLE lakehouse_things (a INTEGER)');
    const changed = rows(await query(connection, 'INSERT INTO lakehouse_things VALUES (1), (2)'));
    return {
      changed,
      stored: rows(await query(connection, 'SELECT count(*) FROM lakehouse_things')),
    };
  });
  await scenario('catalogs', async () => rows(tableFromIPC(await connection.getCatalogs())));
  await scenario('schemas', async () =>
    rows(tableFromIPC(await connection.getDbSchemas({ dbSchemaFilterPattern: 'ma%' }))),
  );
  await scenario('tables', async () =>
    rows(tableFromIPC(await connection.getTables({ tableNameFilterPattern: 'lakehouse%' }))),
  );
  await scenario('tables with schema', async () => {
    const found = await connection.getTables({
      tableNameFilterPattern: 'lakehouse%',
      includeSchema: true,
    });
    const encoded = tableFromIPC(found).getChild('table_schema').get(0);
    return tableFromIPC(encoded).schema.fields.map((field) => `${field.name}: ${field.type}`);
  });
  await scenario('error', () => failure(() => query(connection, 'SELECT * FROM nowhere')));
  await scenario('works after errors', async () => rows(await query(connection, 'SELECT 1')));
  await scenario('many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_each, i) => query(connection, `SELECT ${i} AS i`)),
    );
    return answers.map((table) => rows(table)[0][0]);
  });
}
