import type { DatabaseDialect } from '../../activities/database-dialect.js';
import type { StatePreflight } from '../../activities/state-preflight.js';
import type { ClusterFile } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';
import { PLACE } from './judge-database.js';

/** What every database client of the last twenty years speaks. */
const NATIVE = 'mysql_native_password';
/** Seconds: connections that are silent for less are usual. */
const SHORT_WAIT = 3_600;

/** What stands in the way in how the database server talks to its clients; null facts are none. Pure. */
export function judgeDialect({ database: { user } }: ClusterFile, facts: DatabaseDialect | null): readonly Finding[] {
  if (facts === null) return [];
  const { readOnly, tlsOnly, plugin, accountPlugins, initConnect, charset, sqlMode, waitTimeout } = facts;
  const modes = sqlMode.toUpperCase().split(',');
  const odd = modes.filter((mode) => mode === 'ANSI_QUOTES' || mode === 'NO_BACKSLASH_ESCAPES' || mode === 'ANSI');
  const others = accountPlugins.filter((name) => name !== NATIVE);
  return [
    ...(readOnly ? [finding('serverReadOnly', PLACE, 'the server takes no changes (read_only)')] : []),
    ...(tlsOnly.length > 0 ? [finding('tlsRequired', PLACE, `let in with TLS only: ${tlsOnly.join(', ')}`)] : []),
    ...(others.length > 0 ? [finding('pluginOfAccount', PLACE, `${user} logs in by ${others.join(', ')}`)] : []),
    ...(plugin === NATIVE ? [] : [finding('pluginOfServer', PLACE, `new accounts log in by ${plugin}`)]),
    ...(changesCharset(initConnect) ? [finding('initConnect', PLACE, `init_connect is "${initConnect}"`)] : []),
    ...(charset === 'utf8mb4' ? [] : [finding('charsetOfServer', PLACE, `character_set_server is ${charset}`)]),
    ...(odd.length > 0 ? [finding('sqlModeOdd', PLACE, `sql_mode has ${odd.join(', ')}`)] : []),
    ...(modes.some((mode) => mode.startsWith('STRICT_') || mode === 'TRADITIONAL')
      ? []
      : [finding('sqlModeLoose', PLACE, 'sql_mode has no STRICT_TRANS_TABLES')]),
    ...(waitTimeout < SHORT_WAIT ? [finding('waitShort', PLACE, `wait_timeout is ${waitTimeout} s`)] : []),
  ];
}

function changesCharset(initConnect: string): boolean {
  const names = [...initConnect.matchAll(/(?:SET\s+NAMES\s+|character_set_\w+\s*=\s*)['"]?(\w+)/gi)];
  return names.some(([, name = '']) => name.toLowerCase() !== 'utf8mb4');
}

/** Whether nodes and database server are of one time zone. Pure. */
export function judgeZones(
  states: ReadonlyMap<string, StatePreflight>,
  facts: DatabaseDialect | null,
): readonly Finding[] {
  const zones = [
    ...[...states].map(([id, { zone }]) => ({ who: `node ${id}`, zone })),
    ...(facts === null ? [] : [{ who: 'the database server', zone: facts.zone }]),
  ];
  if (new Set(zones.map(({ zone }) => zone)).size <= 1) return [];
  const told = zones.map(({ who, zone }) => `${who} ${offset(zone)}`).join(', ');
  return [finding('timeZonesDiffer', 'cluster', `the time zones differ: ${told}`)];
}

function offset(minutes: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}
