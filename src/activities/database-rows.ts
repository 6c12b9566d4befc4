import { createHash } from 'node:crypto';

import { sha256Of } from '../platform/vault.js';
import { normalValue, type ValueKind } from './normal-value.js';
import { printOf, TableDigest, type RowPrint } from './row-digest.js';
import type { RowReader, TableFacts } from './row-readers.js';

/** In what two databases differ, in one table. Holds keys, never the content of a row. */
export interface TableDifference {
  readonly table: string;
  /** Rows that are only in the first, only in the second, or in both with other values; at least so many. */
  readonly missing: number;
  readonly added: number;
  readonly changed: number;
  /** Some of their keys. */
  readonly keys: readonly string[];
}

/** One table as both databases have it. */
export interface MatchedTable {
  readonly table: string;
  /** Its name in each; null where one has no such table. */
  readonly names: readonly [string | null, string | null];
  readonly columns: readonly { readonly names: readonly [string, string]; readonly kind: ValueKind }[];
  /** Columns of the first that the second lacks. */
  readonly lost: readonly string[];
  /** Positions of the key's columns in `columns`; none: the whole row is the key. */
  readonly key: readonly number[];
}

/** What one of two databases holds, as far as the two can be compared. */
export interface DatabaseDigest {
  readonly rows: number;
  readonly tables: ReadonlyMap<string, TableDigest>;
  /** Hex sha256 of it all. */
  readonly hash: string;
}

/** Rows whose keys are kept to name some; more differences than that are counted only. */
const MOST_ROWS = 50_000;
const MOST_KEYS = 3;
const LONGEST_KEY = 60;
/** A key with such a name may be a secret. */
const SECRET = /pass|pwd|secret|token|hash/i;

/**
 * How the tables of two databases belong together: by name, whatever its case. A table or column that only the second has
 * holds nothing of the first; its rows, though, are told.
 */
export async function matchTables(first: RowReader, second: RowReader): Promise<readonly MatchedTable[]> {
  const [ours, theirs] = [await first.tables(), await second.tables()];
  const matched = ours.map((table) => matchBoth(table, find(theirs, table.name)));
  const added = theirs.filter(({ name }) => find(ours, name) === undefined);
  return [
    ...matched,
    ...added.map((table) => ({ ...matchBoth(table, undefined), names: [null, table.name] as const })),
  ];
}

/** Reads one of the two databases to its end. @param side 0 the first, 1 the second. */
export async function digestOf(
  reader: RowReader,
  side: 0 | 1,
  tables: readonly MatchedTable[],
): Promise<DatabaseDigest> {
  const digests = new Map<string, TableDigest>();
  for (const table of tables) {
    const digest = new TableDigest();
    await eachPrint(reader, side, table, (print) => digest.add(print));
    digests.set(table.table, digest);
  }
  const hash = createHash('sha256');
  for (const [name, digest] of digests) hash.update(`${name.toLowerCase()} ${digest.rows} ${digest.hash()}\n`);
  const rows = [...digests.values()].reduce((sum, digest) => sum + digest.rows, 0);
  return { rows, tables: digests, hash: hash.digest('hex') };
}

/** In what two databases differ, table by table; nothing where they hold the same. */
export async function differences(
  [first, second]: readonly [RowReader, RowReader],
  [ours, theirs]: readonly [DatabaseDigest, DatabaseDigest],
  tables: readonly MatchedTable[],
): Promise<readonly TableDifference[]> {
  const found: TableDifference[] = [];
  for (const table of tables) {
    const [mine, other] = [ours.tables.get(table.table), theirs.tables.get(table.table)];
    if (mine === undefined || other === undefined) continue;
    if (losesColumns(table, ours)) {
      const keys = table.lost.slice(0, MOST_KEYS).map((name) => `column ${name}`);
      found.push({ table: table.table, missing: mine.rows, added: 0, changed: 0, keys });
      continue;
    }
    const buckets = mine.differingFrom(other);
    if (buckets.size > 0) found.push(await lookInto(table, first, second, fewOf(buckets)));
  }
  return found;
}

/** Whether two databases hold the same, without a look at what differs. */
export function areSame(
  [ours, theirs]: readonly [DatabaseDigest, DatabaseDigest],
  tables: readonly MatchedTable[],
): boolean {
  return ours.hash === theirs.hash && !tables.some((table) => losesColumns(table, ours));
}

/** Whether rows of the first have columns for which the second has no place. */
function losesColumns({ table, lost }: MatchedTable, ours: DatabaseDigest): boolean {
  return lost.length > 0 && (ours.tables.get(table)?.rows ?? 0) > 0;
}

/** In words, short enough for a message. */
export function differenceText(found: readonly TableDifference[]): string {
  const told = found.slice(0, 6).map(({ table, missing, added, changed, keys }) => {
    const counts = [
      ...(missing > 0 ? [`${missing} missing`] : []),
      ...(added > 0 ? [`${added} more`] : []),
      ...(changed > 0 ? [`${changed} changed`] : []),
    ].join(', ');
    return `${table} (${counts}: ${keys.join('; ')})`;
  });
  const rest = found.length > 6 ? ` and ${found.length - 6} more tables` : '';
  return `${told.join(', ')}${rest}`;
}

function find(tables: readonly TableFacts[], name: string): TableFacts | undefined {
  return tables.find((one) => one.name.toLowerCase() === name.toLowerCase());
}

/** @param second undefined: only one of the two databases has the table. */
function matchBoth(first: TableFacts, second: TableFacts | undefined): MatchedTable {
  const pairs = first.columns.map((mine) => {
    const other = second?.columns.find(({ name }) => name.toLowerCase() === mine.name.toLowerCase());
    return { mine, other };
  });
  const alone = second === undefined;
  const columns = pairs.flatMap(({ mine, other }) => {
    if (other === undefined && !alone) return [];
    const names = [mine.name, other?.name ?? mine.name] as const;
    return [{ names, kind: mine.kind ?? other?.kind ?? 'text' }];
  });
  const key = first.key.length > 0 ? first.key : (second?.key ?? []);
  const at = key.map((name) => columns.findIndex(({ names }) => sameName(names, name)));
  return {
    table: first.name,
    names: [first.name, second?.name ?? null],
    columns,
    lost: alone ? [] : pairs.filter(({ other }) => other === undefined).map(({ mine }) => mine.name),
    key: at.includes(-1) ? [] : at,
  };
}

const sameName = (names: readonly string[], name: string): boolean =>
  names.some((one) => one.toLowerCase() === name.toLowerCase());

async function eachPrint(
  reader: RowReader,
  side: 0 | 1,
  table: MatchedTable,
  take: (print: RowPrint, key: readonly Buffer[]) => void,
): Promise<void> {
  const name = table.names[side];
  if (name === null) return;
  const columns = table.columns.map(({ names }) => names[side]);
  await reader.each(name, columns, (values) => {
    const normal = table.columns.map(({ kind }, index) => normalValue(kind, values[index] ?? null));
    const key = table.key.length === 0 ? normal : table.key.map((at) => normal[at] ?? Buffer.alloc(0));
    take(printOf(key, normal), key);
  });
}

/** So many parts that what is in them can be kept. */
function fewOf(buckets: ReadonlyMap<number, number>): ReadonlySet<number> {
  const few = new Set<number>();
  let rows = 0;
  for (const [bucket, count] of buckets) {
    if (few.size > 0 && rows + count > MOST_ROWS) break;
    few.add(bucket);
    rows += count;
  }
  return few;
}

async function lookInto(
  table: MatchedTable,
  first: RowReader,
  second: RowReader,
  buckets: ReadonlySet<number>,
): Promise<TableDifference> {
  const [ours, theirs] = [await rowsIn(first, 0, table, buckets), await rowsIn(second, 1, table, buckets)];
  const keys: string[] = [];
  const counts = { missing: 0, added: 0, changed: 0 };
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine = [], other = []] = [ours.get(key), theirs.get(key)];
    if (mine.join() === other.join()) continue;
    counts.missing += Math.max(0, mine.length - other.length);
    counts.added += Math.max(0, other.length - mine.length);
    const kept = Math.min(mine.length, other.length);
    counts.changed += Math.min(kept, mine.filter((print) => !other.includes(print)).length);
    if (keys.length < MOST_KEYS) keys.push(key);
  }
  return { table: table.table, ...counts, keys };
}

/** What is in some parts of a table: key as it may be shown → the prints of its rows, in order. */
async function rowsIn(
  reader: RowReader,
  side: 0 | 1,
  table: MatchedTable,
  buckets: ReadonlySet<number>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  await eachPrint(reader, side, table, ({ bucket, print }, key) => {
    if (!buckets.has(bucket)) return;
    const name = table.key.length === 0 ? `row ${print.slice(0, 8)}` : shownKey(table, key);
    const prints = found.get(name) ?? [];
    prints.push(print);
    found.set(name, prints.sort());
  });
  return found;
}

/** The values of a key; of one that may be secret, or is long, its hash. */
function shownKey({ key, columns }: MatchedTable, values: readonly Buffer[]): string {
  const parts = values.map((value, index) => {
    const mark = `#${sha256Of(value).slice(0, 8)}`;
    if (SECRET.test(columns[key[index] ?? 0]?.names[0] ?? '')) return mark;
    const text = value.toString('utf8').replace(/\p{C}/gu, '?');
    return text.length > LONGEST_KEY ? `${text.slice(0, LONGEST_KEY)}… ${mark}` : text;
  });
  return parts.join(', ');
}
