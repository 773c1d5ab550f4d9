// Arrow tables as plain lists.

// All rows of a table: a list of values for each.
export function rows(table) {
  const columns = table.schema.fields.map((_field, index) => table.getChildAt(index));
  return Array.from({ length: table.numRows }, (_each, row) =>
    columns.map((column) => plain(column.get(row))),
  );
}

// Number of rows, and sum of the first column.
export function total(table) {
  let sum = 0n;
  for (const value of table.getChildAt(0)) {
    sum += BigInt(value);
  }
  return [table.numRows, sum];
}

// Texts of all errors in a chain; null when there is none.
export async function failure(run) {
  try {
    await run();
    return null;
  } catch (error) {
    return [error, error.cause, error.originalError].filter(Boolean).map(String).join('\n');
  }
}

function plain(value) {
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('hex');
  }
  return value !== null && typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value;
}
