import type { Database, Row, Value } from './database.js';
import { contentTables } from './tables.js';

/** What goes wrong on request. */
export interface MigrationFaults {
  /** Ends with a failure after this table, which keeps its rows. */
  readonly failAfter?: string;
  /** Leaves out one row of this table, and says nothing. */
  readonly lose?: string;
}

/** Rows that are written in one statement. */
const BATCH = 200;

/**
 * UNCONFIRMED: what `MigrateDatabase` does here. All rows of the tables of one number go from one database into another,
 * whose tables are there already; a row that the destination refuses ends it.
 *
 * @param log gets a line for each table.
 */
export async function migrateRows(
  source: Database,
  destination: Database,
  number: string,
  faults: MigrationFaults,
  log: (line: string) => void,
): Promise<void> {
  for (const table of contentTables(number)) {
    let rows = await source.run(`SELECT * FROM ${table}`);
    if (faults.lose === table) rows = rows.slice(1);
    for (let at = 0; at < rows.length; at += BATCH) await insert(destination, table, rows.slice(at, at + BATCH));
    log(`${table}: ${rows.length} rows`);
    if (faults.failAfter === table) throw new Error('failed as the lab wanted it');
  }
}

async function insert(destination: Database, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values: Value[] = [];
  const tuples = rows.map((row) => {
    const fields = columns.map((column) => {
      const value = row[column] ?? null;
      if (value === null) return 'NULL';
      values.push(value);
      return '?';
    });
    return `(${fields.join(', ')})`;
  });
  await destination.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples.join(', ')}`, values);
}
