import { describe, expect, it } from '@jest/globals';

import type { DatabasePreflight } from '../../../src/activities/database-preflight.js';
import type { NodePreflight } from '../../../src/activities/node-preflight.js';
import type { ClusterFile } from '../../../src/cluster/schema.js';
import { CATALOGUE, type FindingKind } from '../../../src/workflows/preflight/catalogue.js';
import { CLOSING_FINDINGS } from '../../../src/workflows/preflight/catalogue/closing.js';
import { DIALECT_FINDINGS } from '../../../src/workflows/preflight/catalogue/dialect.js';
import { OUTSIDE_FINDINGS } from '../../../src/workflows/preflight/catalogue/outside.js';
import { STATE_FINDINGS } from '../../../src/workflows/preflight/catalogue/state.js';
import { ordered, stopText, type Finding } from '../../../src/workflows/preflight/finding.js';
import { judgeBalancer } from '../../../src/workflows/preflight/judge-balancer.js';
import { judgeDatabase } from '../../../src/workflows/preflight/judge-database.js';
import { judgeNodes, portsOf } from '../../../src/workflows/preflight/judge-nodes.js';
import { exampleCluster } from '../example-cluster.js';
import { BETWEEN_CASES } from './between-cases.js';
import { expectOnly, idsOf, type Case } from './cases.js';
import { cleanDatabase, cleanNode } from './facts.js';

const file = exampleCluster('t');
const [A, B] = ['192.0.2.11', '192.0.2.12'];

/** What is found where only node B, the database or the cluster file differ from a clean one. */
function found(
  b: Partial<NodePreflight> = {},
  database: Partial<DatabasePreflight> = {},
  a: Partial<NodePreflight> = {},
  cluster: ClusterFile = file,
): readonly Finding[] {
  const nodes = new Map([
    ['A', cleanNode(A, a)],
    ['B', cleanNode(B, b)],
  ]);
  return [...judgeNodes(cluster, nodes), ...judgeDatabase(cluster, cleanDatabase(database)), ...judgeBalancer(cluster)];
}

const little = { bytes: 900_000_000, files: null };
const oneDatabase = (name: string, icewarp: boolean, collation = 'utf8mb4_bin'): Partial<DatabasePreflight> => ({
  databases: [{ name, icewarp, collation, tables: 3 }],
});
const withBuild: ClusterFile = { ...file, icewarp: { ...file.icewarp, build: '14.1.0' } };
const hidden: ClusterFile = { ...file, balancer: { ...file.balancer, services: [{ name: 'smtp' }, { name: 'imap' }] } };
const icewarp = (build: string): Partial<NodePreflight> => ({ installed: true, build });

/** Of every kind one case: what differs, and the id of what is found. */
const CASES: readonly Case[] = [
  ['portTaken', 'B/port-25-taken', () => found({ taken: [{ port: 25, by: 'master' }] })],
  ['usualPortTaken', 'B/usual-port-80-taken', () => found({ taken: [{ port: 80, by: '' }] })],
  ['roomLittle', 'B/room-local', () => found({ room: { ...cleanNode(B).room, local: little } })],
  [
    'roomTight',
    'B/tight-installation',
    () => found({ room: { ...cleanNode(B).room, installation: { bytes: 5e12, files: 50_000 } } }),
  ],
  ['mountHides', 'B/mount-hides', () => found({ hidden: 2 })],
  ['hostElsewhere', 'B/host-elsewhere', () => found({ names: ['192.0.2.99'] })],
  ['hostUnknown', 'B/host-unknown', () => found({ names: ['127.0.1.1'] })],
  ['scheduledWriter', 'B/scheduled-writer', () => found({ writers: ['/etc/cron.d/backup:3'], writersInAll: 1 })],
  ['osFamilyDiffers', 'cluster/os-family-differs', () => found({ os: 'rhel', osVersion: '9' })],
  ['osVersionDiffers', 'cluster/os-version-differs', () => found({ osVersion: '11' })],
  ['architectureDiffers', 'cluster/architecture-differs', () => found({ architecture: 'arm64' })],
  ['buildsDiffer', 'cluster/builds-differ', () => found(icewarp('14.1.0'), {}, icewarp('13.0.3'))],
  ['buildOther', 'B/build-other', () => found(icewarp('13.0.3'), {}, {}, withBuild)],
  ...BETWEEN_CASES,
  ['serverOld', 'control/database/version', () => found({}, { version: '5.6.51-log' })],
  ['wildcardUser', 'control/database/wildcard-user', () => found({}, { accounts: [{ user: 'icewarp', from: '%' }] })],
  [
    'anonymousUser',
    'control/database/anonymous-user',
    () => found({}, { accounts: [{ user: '', from: '192.0.2.0/255.255.255.0' }] }),
  ],
  ['administratorMore', 'control/database/administrator-may-more', () => found({}, { powers: ['FILE', 'SUPER'] })],
  ['connectionsFew', 'control/database/connections-few', () => found({}, { maxConnections: 39 })],
  ['connectionsUsual', 'control/database/connections', () => found({}, { maxConnections: 151 })],
  ['packetSmall', 'control/database/packet-small', () => found({}, { maxAllowedPacket: 4_194_304 })],
  ['packetUsual', 'control/database/packet', () => found({}, { maxAllowedPacket: 16_777_216 })],
  ['namesOfTables', 'control/database/names-of-tables', () => found({}, { lowerCaseTableNames: 0 })],
  ['engineOther', 'control/database/engine', () => found({}, { engine: 'MyISAM' })],
  ['databaseForeign', 'control/database/iw_accounts-foreign', () => found({}, oneDatabase('iw_accounts', false))],
  ['databaseInUse', 'control/database/iw_accounts-in-use', () => found({}, oneDatabase('iw_accounts', true))],
  ['clientAddressHidden', 'control/balancer/client-address-hidden', () => found({}, {}, {}, hidden)],
];

describe('the judges of a preflight', () => {
  it('find nothing on machines as they should be', () => {
    expect(found()).toEqual([]);
    expect(found(icewarp('14.1.0'), {}, icewarp('14.1.0'))).toEqual([]);
  });

  it('leave it to the operator whose address the nodes see where SMTP is not balanced here', () => {
    const none = { ...hidden, balancer: { ...hidden.balancer, kind: 'none' as const } };
    const imap = { ...hidden, balancer: { ...hidden.balancer, services: [{ name: 'imap' as const }] } };
    const all = { ...hidden, balancer: { ...hidden.balancer, clientAddress: 'transparent' as const } };
    for (const cluster of [none, imap, all]) expect(judgeBalancer(cluster)).toEqual([]);
  });

  it('say nothing about what could not be looked at', () => {
    expect(judgeNodes(file, new Map())).toEqual([]);
    expect(judgeDatabase(file, null)).toEqual([]);
  });

  it.each(CASES)('find %s: %s', (kind, id, judge) => {
    expectOnly(kind, id, judge());
  });

  it('have a case here for every kind that the catalogue knows', () => {
    const apart: FindingKind[] = ['databaseCollation'];
    // those have a test beside this one
    const others = [STATE_FINDINGS, DIALECT_FINDINGS, CLOSING_FINDINGS, OUTSIDE_FINDINGS].flatMap(Object.keys);
    expect([...CASES.map(([kind]) => kind), ...apart, ...others].sort()).toEqual(Object.keys(CATALOGUE).sort());
  });

  it('tell a wrong character set beside what the database holds', () => {
    expect(idsOf(found({}, oneDatabase('iw_accounts', true, 'latin1_swedish_ci')))).toEqual([
      'control/database/iw_accounts-in-use',
      'control/database/iw_accounts-collation',
    ]);
  });

  it('let the operator decide only about what may do no harm', () => {
    const decidable = Object.values(CATALOGUE).filter(({ approvable }) => approvable);
    expect(decidable.filter(({ severity }) => severity !== 'stops')).toEqual([]);
    const never: FindingKind[] = ['buildsDiffer', 'buildOther', 'clocksApart', 'mountHides', 'serverOld'];
    for (const kind of never) expect(CATALOGUE[kind]).toMatchObject({ severity: 'stops', approvable: false });
  });

  it('take what the databases hold for the cluster’s own once a node has joined it', () => {
    const facts = cleanDatabase(oneDatabase('iw_accounts', false));
    expect(idsOf(judgeDatabase(file, facts))).toEqual(['control/database/iw_accounts-foreign']);
    expect(judgeDatabase(file, facts, true)).toEqual([]);
  });

  it('hold an empty database, and tables of spam reports, for usable', () => {
    const databases = [{ name: 'iw_accounts', icewarp: false, collation: 'latin1_swedish_ci', tables: 0 }];
    expect(found({}, { databases })).toEqual([]);
    expect(idsOf(found({}, oneDatabase('iw_spamreports', false)))).toEqual(['control/database/iw_spamreports-in-use']);
  });

  it.each([
    ['192.0.2.12', false],
    ['192.0.2.%', true],
    ['192.0.3.%', false],
    ['b.example.com', true],
    ['B.EXAMPLE.%', true],
    ['192_0_2_12', true],
    ['192.0.2.8/255.255.255.248', true],
    ['192.0.2.16/255.255.255.248', false],
    ['localhost', false],
  ])('know that an account from %s lets a node in besides its own one: %s', (from, reaches) => {
    const findings = found({}, { accounts: [{ user: 'icewarp', from }] });
    expect(idsOf(findings)).toEqual(reaches ? ['control/database/wildcard-user'] : []);
  });

  it('do not warn of jobs on a node that has joined already', () => {
    expect(found({ joined: true, writers: ['/etc/crontab:1'], writersInAll: 1 })).toEqual([]);
  });

  it('leave the mount point to whoever mounts the share', () => {
    expect(found({ hidden: 9 }, {}, {}, { ...file, share: { ...file.share, kind: 'mounted' } })).toEqual([]);
  });

  it('ask for the ports of the cluster file, and for those that are usual', () => {
    expect(portsOf(file).named).toEqual([25, 143, 110]);
    expect(portsOf(file).usual).toEqual([465, 587, 995, 993, 80, 443, 5222, 5229]);
    const alone = {
      ...file,
      balancer: { ...file.balancer, kind: 'none' as const, address: undefined, services: undefined },
    };
    expect(portsOf(alone).named).toEqual([25, 110, 143]);
  });
});

describe('findings', () => {
  const all = CASES.flatMap(([, , judge]) => judge());

  it('are read with the most serious first, and cut where nobody would read on', () => {
    const severities = ordered([...all].reverse()).map(({ severity }) => severity);
    expect(severities).toEqual([...severities].sort((one, other) => order(one) - order(other)));
    const [first] = all;
    if (first === undefined) throw new TypeError('there are some');
    const many = Array.from({ length: 200 }, (_, index) => ({ ...first, id: `A/port-${index}-taken` }));
    expect(ordered(many)).toHaveLength(60);
  });

  it('are told in one message that fits into a status, however many they are', () => {
    const stops = all.filter(({ severity }) => severity === 'stops');
    const text = stopText(stops);
    expect(Buffer.byteLength(text)).toBeLessThan(2_048);
    expect(text).toMatch(/^B\/port-25-taken: the program master listens on port 25\. /);
    expect(text).toMatch(/; also B\/room-local, .* and \d+ more$/);
  });

  it('have ids that shells take as they are', () => {
    expect(idsOf(all).filter((id) => !/^[A-Za-z0-9_/-]+$/.test(id))).toEqual([]);
  });
});

function order(severity: string): number {
  return ['stops', 'warns', 'tells'].indexOf(severity);
}
