// @gizmodata/gizmosql-client: grpc-js.

import client from '@gizmodata/gizmosql-client';
import { failure, rows, total } from './rows.mjs';

export async function gizmosql(options, scenario) {
  const [host, port] = options.node.split(':');
  const open = (login) =>
    new client.FlightSQLClient({ host, port: Number(port), plaintext: true, ...login });
  const byPassword = { username: options.user, password: options.password };
  const query = async (connection, sql) => rows(await connection.execute(sql));
  const connection = open(byPassword);

  await scenario('login by password', () => query(connection, 'SELECT 42'));
  await scenario('login by token', () => query(open({ token: options.token }), 'SELECT 42'));
  await scenario('wrong password', () =>
    failure(() => open({ ...byPassword, password: 'wrong' }).connect()),
  );
  await scenario('no login for a web sign-on', () => open({}).discoverOAuthUrl());
  await scenario('query', () =>
    query(connection, "SELECT 1 AS one, 'zwölf' AS text UNION ALL SELECT 2, NULL ORDER BY 1"),
  );
  await scenario('types', () =>
    query(
      connection,
      "SELECT true, 7::TINYINT, 2.5::DOUBLE, [1, 2], {'a': 1}, '\\x00\\xFF'::BLOB, NULL::DATE",
    ),
  );
  await scenario('empty result', async () => {
    const table = await connection.execute("SELECT 1 AS a, 'x' AS b WHERE false");
    return { columns: table.schema.fields.map((field) => field.name), rows: rows(table) };
  });
  await scenario('big result', async () =>
    total(
      await connection.execute(
        "SELECT range AS a, 'row number ' || range AS b FROM range(1000000)",
      ),
    ),
  );
  await scenario('wide rows', async () => {
    const answer = await query(connection, "SELECT repeat('x', 1000000) AS a FROM range(20)");
    return answer.map(([text]) => text.length);
  });
  await scenario('changes', async () => {
    await connection.execute('CREATE TABLE gizmosql_things (a INTEGER PRIMARY KEY)');
    const changed = await query(connection, 'INSERT INTO gizmosql_things VALUES (1), (2)');
    const returned = await query(connection, 'INSERT INTO gizmosql_things VALUES (3) RETURNING a');
    const stored = await query(connection, 'SELECT count(*) FROM gizmosql_things');
    return { changed, returned, stored };
  });
  await scenario('catalogs', () => connection.getCatalogs());
  await scenario('schemas', () => connection.getSchemas('memory'));
  await scenario('tables', () => connection.getTables('memory', 'main', 'gizmosql%', ['TABLE']));
  await scenario('table types', () => connection.getTableTypes());
  await scenario('server facts', async () =>
    Object.fromEntries(await connection.getSqlInfo([0, 1, 8])),
  );
  await scenario('all server facts', async () => (await connection.getSqlInfo()).size > 50);
  await scenario('error', () => failure(() => query(connection, 'SELECT * FROM nowhere')));
  await scenario('late error', () =>
    failure(() =>
      query(
        connection,
        "SELECT CASE WHEN range = 900000 THEN error('too late') ELSE range::VARCHAR END FROM range(1000000)",
      ),
    ),
  );
  // This client sends these commands without the wrapping that Flight SQL asks for.
  await scenario('commands without wrapping', async () => ({
    prepare: await failure(() => connection.prepare('SELECT 1')),
    schema: await failure(() => connection.getQuerySchema('SELECT 1')),
    'primary keys': await failure(() =>
      connection.getPrimaryKeys('memory', 'main', 'gizmosql_things'),
    ),
  }));
  await scenario('works after errors', () => query(connection, 'SELECT 1'));
  await scenario('session state', async () => {
    const own = open(byPassword);
    await own.execute('SET VARIABLE answer = 42');
    const answer = await query(own, "SELECT getvariable('answer')");
    await own.close();
    return answer;
  });
  await scenario('many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_each, i) => query(connection, `SELECT ${i} AS i`)),
    );
    return answers.map(([[value]]) => value);
  });
}
