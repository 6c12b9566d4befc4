import { META_DATA } from '../icewarp/variables.js';
import { identifier, type Database } from '../platform/mysql.js';
import { eachSqliteRow, onSqlite, sqliteName } from '../platform/sqlite-copy.js';
import type { ValueKind } from './normal-value.js';
import { SCRATCH_MARK } from './scratch.js';

/** A column as one database has it. */
export interface ColumnFacts {
  readonly name: string;
  /** null where the database does not mind: SQLite's columns hold anything. */
  readonly kind: ValueKind | null;
}

export interface TableFacts {
  readonly name: string;
  readonly columns: readonly ColumnFacts[];
  /** The columns by which rows are told apart; none where the database knows of none. */
  readonly key: readonly string[];
}

/** Reads the tables of one database, in whatever order their rows come. */
export interface RowReader {
  /** All but those that describe the others, and our own mark. */
  tables(): Promise<readonly TableFacts[]>;
  each(table: string, columns: readonly string[], row: (values: readonly (Buffer | null)[]) => void): Promise<void>;
}

/** A database file of ours. */
export function sqliteReader(file: string, signal: AbortSignal): RowReader {
  return {
    tables: async () => {
      const lines = await onSqlite(
        file,
        `SELECT hex(m.name), hex(c.name), c.pk FROM sqlite_master m, pragma_table_info(m.name) c
           WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY m.name, c.cid`,
        signal,
      );
      const rows = lines.map((line) => line.split('|'));
      return tablesOf(
        rows.map(([table = '', column = '', key = '0']) => ({
          table: unhex(table).toString(),
          column: { name: unhex(column).toString(), kind: null },
          key: Number(key),
        })),
      );
    },
    each: (table, columns, row) => {
      const fields = columns.map((name) => `hex(${sqliteName(name)})`).join(', ');
      const onLine = (line: string): void => row(line.split('|').map(unhex));
      return eachSqliteRow(file, `SELECT ${fields} FROM ${sqliteName(table)}`, onLine, signal);
    },
  };
}

/** Logs on for one piece of work: a connection that waits while something else is read would be given up. */
export type OnDatabase = <T>(work: (database: Database) => Promise<T>) => Promise<T>;

/** A database of a server. */
export function mysqlReader(onDatabase: OnDatabase): RowReader {
  return {
    tables: () => onDatabase(mysqlTables),
    each: (table, columns, row) => {
      const sql = `SELECT ${columns.map(identifier).join(', ')} FROM ${identifier(table)}`;
      return onDatabase((database) => database.each(sql, row));
    },
  };
}

async function mysqlTables(database: Database): Promise<readonly TableFacts[]> {
  const rows = await database.rows<{ tab: string; name: string; type: string; seq: number | null }>(
    `SELECT c.TABLE_NAME AS tab, c.COLUMN_NAME AS name, c.DATA_TYPE AS type, s.SEQ_IN_INDEX AS seq
           FROM information_schema.COLUMNS c
           JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
           LEFT JOIN information_schema.STATISTICS s ON s.TABLE_SCHEMA = c.TABLE_SCHEMA
             AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME AND s.INDEX_NAME = 'PRIMARY'
           WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'
           ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`,
  );
  return tablesOf(
    rows.map(({ tab, name, type, seq }) => ({
      table: tab,
      column: { name, kind: kindOf(type) },
      key: seq ?? 0,
    })),
  );
}

function tablesOf(rows: readonly { table: string; column: ColumnFacts; key: number }[]): readonly TableFacts[] {
  const tables = new Map<string, { columns: ColumnFacts[]; key: { name: string; at: number }[] }>();
  for (const { table, column, key } of rows) {
    if ([META_DATA, SCRATCH_MARK].includes(table.toLowerCase())) continue;
    const found = tables.get(table) ?? { columns: [], key: [] };
    tables.set(table, found);
    found.columns.push(column);
    if (key > 0) found.key.push({ name: column.name, at: key });
  }
  return [...tables].map(([name, { columns, key }]) => ({
    name,
    columns,
    key: key.sort((one, other) => one.at - other.at).map((part) => part.name),
  }));
}

function kindOf(type: string): ValueKind {
  if (/int|decimal|numeric|float|double|real|year/i.test(type)) return 'number';
  if (/^(date|datetime|timestamp)$/i.test(type)) return 'date';
  return /binary|blob|bit/i.test(type) ? 'bytes' : 'text';
}

const unhex = (text: string): Buffer => Buffer.from(text, 'hex');
