// Drives two Flight SQL clients for Node.js against real nodes; arguments are key=value.

import { gizmosql } from './gizmosql.mjs';
import { lakehouse } from './lakehouse.mjs';

const options = Object.fromEntries(
  process.argv.slice(2).map((each) => {
    const cut = each.indexOf('=');
    return [each.slice(0, cut), each.slice(cut + 1)];
  }),
);

function say(line) {
  const plain = (_key, value) => (typeof value === 'bigint' ? Number(value) : value);
  process.stdout.write(`${JSON.stringify(line, plain)}\n`);
}

const PATIENCE_MS = 30_000;

// Runs one thing and reports what came of it, also when it never settles.
async function scenario(name, run) {
  const late = new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`not settled in ${PATIENCE_MS} ms`)), PATIENCE_MS).unref();
  });
  try {
    say({ scenario: name, ok: true, values: (await Promise.race([run(), late])) ?? null });
  } catch (error) {
    say({ scenario: name, ok: false, detail: String(error.stack ?? error) });
  }
}

await lakehouse(options, (name, run) => scenario(`lakehouse: ${name}`, run));
await gizmosql(options, (name, run) => scenario(`gizmosql: ${name}`, run));
process.exit(0);
