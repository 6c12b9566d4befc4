import { describe, expect, it } from '@jest/globals';

import type { DatabaseDialect } from '../../../src/activities/database-dialect.js';
import type { LicenceFacts } from '../../../src/activities/licence-facts.js';
import type { RootSeen } from '../../../src/activities/mailbox-roots.js';
import type { InstalledState } from '../../../src/activities/state-preflight.js';
import type { ClusterFile } from '../../../src/cluster/schema.js';
import { DIALECT_FINDINGS } from '../../../src/workflows/preflight/catalogue/dialect.js';
import { STATE_FINDINGS } from '../../../src/workflows/preflight/catalogue/state.js';
import type { Finding } from '../../../src/workflows/preflight/finding.js';
import { judgeBackups } from '../../../src/workflows/preflight/judge-backups.js';
import { judgeDialect, judgeZones } from '../../../src/workflows/preflight/judge-dialect.js';
import { judgeState, type ExternalShown, type StateShown } from '../../../src/workflows/preflight/judge-state.js';
import { exampleCluster } from '../example-cluster.js';
import { expectOnly, idsOf, type Case } from './cases.js';
import { cleanDialect, cleanLicence, cleanState } from './state-facts.js';

const file = exampleCluster('t');
const NOW = Date.parse('2026-03-04T12:00:00Z');

interface Differs {
  readonly state?: Partial<InstalledState>;
  readonly licence?: Partial<LicenceFacts>;
  readonly firstLicence?: Partial<LicenceFacts>;
  readonly firstState?: Partial<InstalledState>;
  readonly collation?: { tables: { table: string; keys: number }[]; keysInAll: number; unread: string };
  readonly external?: ExternalShown;
}

/** What is found where node B (and A, if told) is an installation that differs from a clean one. */
function held(differs: Differs, cluster: ClusterFile = file): readonly Finding[] {
  const shown: StateShown = {
    states: new Map([
      ['A', cleanState(differs.firstState)],
      ['B', cleanState(differs.state)],
    ]),
    licences: new Map([
      ['A', cleanLicence(differs.firstLicence)],
      ['B', cleanLicence(differs.licence)],
    ]),
    collations: new Map(differs.collation === undefined ? [] : [['B', differs.collation]]),
    external: new Map(differs.external === undefined ? [] : [['B', differs.external]]),
  };
  return judgeState(cluster, shown);
}

const dialect = (other: Partial<DatabaseDialect>): readonly Finding[] => judgeDialect(file, cleanDialect(other));

const external = (a: RootSeen, b: RootSeen, other: Partial<ExternalShown> = {}): ExternalShown => ({
  roots: ['/srv/big'],
  rootsInAll: 1,
  unparsed: 0,
  seen: new Map([
    ['A', [a]],
    ['B', [b]],
  ]),
  ...other,
});

const backups = (taken: string): readonly Finding[] =>
  judgeBackups({ ...file, backups: [{ what: 'mail', where: 'tape 7', taken }] }, ['node A'], NOW);

/** Of every kind one case: what differs, and the id of what is found. */
const CASES: readonly Case[] = [
  ['licencesDiffer', 'cluster/licences-differ', () => held({ licence: { fingerprint: 'e'.repeat(64) } })],
  ['licenceInvalid', 'B/licence', () => held({ licence: { status: 4 } })],
  ['licenceEvaluation', 'B/licence-evaluation', () => held({ licence: { status: 1 } })],
  ['licenceElsewhere', 'B/licence-elsewhere', () => held({ state: { licenceThere: false } })],
  ['licenceSeats', 'cluster/licence-seats', () => held({ firstState: inOurs(3) })],
  ['accountsInFiles', 'A/accounts-in-files', () => held({ firstState: { accountsInFiles: true } })],
  ['mailLocal', 'B/mail', () => held({ state: { mail: true } })],
  ['watchdogOn', 'B/watchdog', () => held({ state: { watchdog: ['smtp'] } })],
  ['autostartOn', 'B/autostart', () => held({ state: { autostart: true } })],
  ['externalMailboxes', 'B/external-mailboxes', () => held({ external: external('none', 'local') })],
  ['externalShared', 'B/external-mailboxes-shared', () => held({ external: external('shared:7', 'shared:7') })],
  ['backupUnnamed', 'cluster/backup-unnamed', () => judgeBackups(file, ['node A'], NOW)],
  ['backupOld', 'cluster/backup-mail', () => backups('2026-03-03T11:00:00Z')],
  [
    'collationClash',
    'B/collation-clash',
    () => held({ collation: { tables: [{ table: 'Users', keys: 2 }], keysInAll: 2, unread: '' } }),
  ],
  [
    'collationUnseen',
    'B/collation-unseen',
    () => held({ collation: { tables: [], keysInAll: 0, unread: 'there is no sqlite3' } }),
  ],
  [
    'timeZonesDiffer',
    'cluster/time-zones',
    () => judgeZones(new Map([['A', cleanState()]]), cleanDialect({ zone: -30 })),
  ],
  ['serverReadOnly', 'control/database/read-only', () => dialect({ readOnly: true })],
  ['tlsRequired', 'control/database/tls-required', () => dialect({ tlsOnly: ['everybody'] })],
  ['pluginOfAccount', 'control/database/plugin-account', () => dialect({ accountPlugins: ['ed25519'] })],
  ['pluginOfServer', 'control/database/plugin', () => dialect({ plugin: 'caching_sha2_password' })],
  ['initConnect', 'control/database/init-connect', () => dialect({ initConnect: "SET NAMES 'latin1'" })],
  ['charsetOfServer', 'control/database/charset', () => dialect({ charset: 'latin1' })],
  ['sqlModeOdd', 'control/database/sql-mode', () => dialect({ sqlMode: 'STRICT_ALL_TABLES,ANSI_QUOTES' })],
  ['sqlModeLoose', 'control/database/sql-mode-loose', () => dialect({ sqlMode: '' })],
  ['waitShort', 'control/database/wait-timeout', () => dialect({ waitTimeout: 60 })],
];

/** Accounts that are in the cluster's database already. */
function inOurs(accounts: number): Partial<InstalledState> {
  return { accounts, accountsIn: `${file.database.names.accounts}@${file.database.host}:3307` };
}

describe('the judges of what is there already', () => {
  it('find nothing on installations as they should be', () => {
    expect(held({})).toEqual([]);
    expect(dialect({})).toEqual([]);
    expect(judgeDialect(file, null)).toEqual([]);
    expect(judgeZones(new Map([['A', cleanState()]]), cleanDialect())).toEqual([]);
    const nobody = { states: new Map(), licences: new Map(), collations: new Map(), external: new Map() };
    expect(judgeState(file, nobody)).toEqual([]);
  });

  it.each(CASES)('find %s: %s', (kind, id, judge) => {
    expectOnly(kind, id, judge());
  });

  it('have a case here for every kind of theirs', () => {
    const kinds = [...Object.keys(STATE_FINDINGS), ...Object.keys(DIALECT_FINDINGS)];
    expect([...CASES.map(([kind]) => kind), 'accountsLocal'].sort()).toEqual(kinds.sort());
  });

  it('count accounts of a node that would be unknown in the cluster, not those that are in its database already', () => {
    const local = { accounts: 7 };
    expect(idsOf(held({ firstState: local }))).toEqual(['A/accounts', 'cluster/licence-seats']);
    expect(idsOf(held({ state: local }))).toEqual(['B/accounts', 'cluster/licence-seats']);
    expect(idsOf(held({ firstState: inOurs(7) }))).toEqual(['cluster/licence-seats']);
    // who joins with accounts of its own is refused, wherever they are
    expect(idsOf(held({ state: inOurs(7) }))).toContain('B/accounts');
    expect(idsOf(held({ state: { accounts: null } }))).toEqual([]);
  });

  it('let the accounts of the first node move where the file has a cutover, as long as they are in a file', () => {
    const stop = { budget: 1_800, gate: 'approve' as const };
    const stops = { databases: stop, storage: stop, configuration: stop };
    const moving = {
      ...file,
      cutover: { stages: 'two' as const, soak: 60, close: 'none' as const, lease: 120, ...stops },
    };
    const elsewhere = { accounts: 7, accountsIn: 'old@192.0.2.9' };
    expect(idsOf(held({ firstState: { accounts: 7 } }, moving))).toEqual(['cluster/licence-seats']);
    expect(idsOf(held({ firstState: elsewhere }, moving))).toContain('A/accounts');
    expect(idsOf(held({ state: { accounts: 7 } }, moving))).toContain('B/accounts');
  });

  it('let the master keep its mail, which goes to the share', () => {
    expect(held({ firstState: { mail: true } })).toEqual([]);
  });

  it('leave licences alone that an order will replace', () => {
    const ordered = { ...file, icewarp: { ...file.icewarp, licence: { secret: 'order' } } };
    const different = { fingerprint: 'e'.repeat(64) };
    expect(held({ licence: { status: 4, ...different } }, ordered)).toEqual([]);
    expect(held({ licence: { status: 1, ...different } }, ordered)).toEqual([]);
    expect(idsOf(held({ licence: different }, ordered))).toEqual(['cluster/licences-differ']);
  });

  it('say where the licence is that the cluster would not find', () => {
    const state = { licenceThere: false, licenceNamed: `${file.share.mount}/share/config/license.key` };
    expect(held({ state })[0]?.is).toMatch(
      /there is no \/opt\/icewarp\/license\.key; path\.dat names .*, on the share$/,
    );
  });

  it('tell for each folder of external mailboxes which node does not reach it, and why', () => {
    const is = (shown: ExternalShown): string => held({ external: shown })[0]?.is ?? '';
    expect(is(external('none', 'local'))).toMatch(/\/srv\/big \(not there on A; on a disk of its own on B\)$/);
    expect(is(external('silent', 'shared:7'))).toMatch(/\(no answer on A\)$/);
    expect(is(external('shared:8', 'shared:7'))).toMatch(/\(another folder on each node\)$/);
    expect(is(external('shared:7', 'shared:7', { unparsed: 2 }))).toMatch(/: 2 lines without a path$/);
    expect(is(external('shared:7', 'shared:7', { rootsInAll: 12 }))).toMatch(/: 11 that were not looked for$/);
  });

  it('ask for a backup only where there is something to lose, and for a new one', () => {
    expect(judgeBackups(file, [], NOW)).toEqual([]);
    expect(backups('2026-03-04T02:00:00Z')).toEqual([]);
    expect(backups('2026-03-04T12:05:00Z')).toEqual([]);
    expect(backups('2026-03-05T02:00:00Z')[0]?.is).toMatch(/still to come/);
    const untimed = { ...file, backups: [{ what: 'mail' as const, where: 'tape 7' }] };
    expect(judgeBackups(untimed, ['node A'], NOW)).toEqual([]);
    const two = ['2026-03-01T02:00:00Z', '2026-03-04T02:00:00Z'].map((taken) => ({
      what: 'mail' as const,
      where: 'x',
      taken,
    }));
    expect(judgeBackups({ ...file, backups: two }, ['node A'], NOW)).toEqual([]);
  });

  it('take utf8mb4 in init_connect for what the vendor’s staff set', () => {
    expect(dialect({ initConnect: "SET NAMES utf8mb4; SET collation_connection = 'utf8mb4_unicode_ci'" })).toEqual([]);
  });

  it('name zones as people write them', () => {
    const [differ] = judgeZones(new Map([['A', cleanState()]]), cleanDialect({ zone: -210 }));
    expect(differ?.is).toBe('the time zones differ: node A +01:00, the database server -03:30');
  });
});
