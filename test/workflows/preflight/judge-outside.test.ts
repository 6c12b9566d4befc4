import { describe, expect, it } from '@jest/globals';

import type { CertificateShown } from '../../../src/activities/certificate-shown.js';
import type { NamesPreflight, NameShown } from '../../../src/activities/names-preflight.js';
import type { OutsidePreflight, SenderShown } from '../../../src/activities/outside-preflight.js';
import { clusterSchema, type ClusterFile } from '../../../src/cluster/schema.js';
import type { FindingKind } from '../../../src/workflows/preflight/catalogue.js';
import { OUTSIDE_FINDINGS } from '../../../src/workflows/preflight/catalogue/outside.js';
import type { Finding } from '../../../src/workflows/preflight/finding.js';
import { judgeOutside } from '../../../src/workflows/preflight/judge-outside.js';
import { exampleCluster } from '../example-cluster.js';
import { expectOnly, idsOf } from './cases.js';
import { cleanNames, cleanOutside } from './facts.js';

const NAME = 'mail.example.com';
const BALANCER = '192.0.2.30';
const example = exampleCluster('t');
const file = withPublic({ names: [NAME], port25: 'mx.example.net' });
const clean = cleanNames([NAME], BALANCER);
const certificate: CertificateShown = { lacks: [], until: '2030-01-01', days: 300, early: false, trusted: true };

function withPublic(side: object): ClusterFile {
  return clusterSchema.parse({ ...example, public: side });
}

/** What is found where only the names, or only what node B shows, differ from a clean one. */
function found(names: NamesPreflight | null, b: Partial<OutsidePreflight> = {}, cluster = file): readonly Finding[] {
  const shown = new Map([
    ['A', cleanOutside('a.example.com', '192.0.2.11')],
    ['B', cleanOutside('b.example.com', '192.0.2.12', b)],
  ]);
  return judgeOutside(cluster, names, shown);
}

function name(other: Partial<NameShown>): readonly Finding[] {
  return found({ ...clean, names: clean.names.map((one) => ({ ...one, ...other })) });
}

const exchanges = (...list: string[]): readonly Finding[] => found({ ...clean, exchanges: list });
const shows = (other: Partial<CertificateShown>): readonly Finding[] =>
  found(clean, { certificate: { ...certificate, ...other } });
const sender = (other: Partial<SenderShown>): readonly Finding[] => {
  const usual = cleanOutside('b.example.com', '192.0.2.12').sender;
  if (usual === null) throw new TypeError('it is a sender');
  return found(clean, { sender: { ...usual, ...other } });
};

/** Of every kind one case: the id of what is found, and words of what it is. */
const CASES: readonly [FindingKind, string, string, () => readonly Finding[]][] = [
  [
    'dnsSilent',
    'control/names/dns-silent',
    'did not answer',
    () => found({ answered: false, names: [], exchanges: [] }),
  ],
  ['nameUnknown', `control/names/${NAME}-unknown`, 'has no address', () => name({ addresses: [], ttl: null })],
  [
    'nameElsewhere',
    `control/names/${NAME}-elsewhere`,
    'leads to 192.0.2.11, the balancer is 192.0.2.30',
    () => name({ addresses: ['192.0.2.11'], ttl: 3_600 }),
  ],
  ['mxMissing', 'control/names/mx-missing', 'example.com has no MX record', () => exchanges()],
  ['mxNode', 'control/names/mx-node', 'goes to A.example.com', () => exchanges('A.example.com', NAME)],
  ['mxOther', 'control/names/mx-other', 'goes to filter.example.net', () => exchanges('filter.example.net')],
  [
    'certificateLacks',
    'control/certificate/B-lacks-names',
    'the certificate at node B was not issued for mail.example.com',
    () => shows({ lacks: [NAME] }),
  ],
  ['certificateOver', 'control/certificate/B-not-valid', 'ended on 2030-01-01', () => shows({ days: -1 })],
  ['certificateSoon', 'control/certificate/B-ends-soon', 'ends on 2030-01-01', () => shows({ days: 20 })],
  ['certificateUntrusted', 'control/certificate/B-untrusted', 'does not know', () => shows({ trusted: false })],
  ['nodeDnsSilent', 'B/dns-silent', 'did not answer', () => found(clean, { sender: null, dnsSilent: true })],
  ['spf', 'B/spf', '192.0.2.12 sends mail of example.com: SPF forbids it', () => sender({ spf: 'fail' })],
  ['ptrMissing', 'B/ptr-missing', '192.0.2.12 has no name', () => sender({ pointers: [], confirmed: false })],
  ['ptrUnconfirmed', 'B/ptr-unconfirmed', 'named b.example.com', () => sender({ confirmed: false })],
  ['helo', 'B/helo', 'b.example.com has no address in DNS', () => sender({ helo: [] })],
  ['portOut', 'B/port-25-out', 'mx.example.net refused the connection', () => found(clean, { greeting: 'refused' })],
  [
    'smarthost',
    'B/smarthost',
    'relay.example.net:587 greeted with 554 when asked from 192.0.2.12',
    () => found(clean, { greeting: 554, sender: null }, withPublic({ smarthost: 'relay.example.net:587' })).slice(-1),
  ],
  [
    'licenceServer',
    'B/licence-server',
    'licenseprocessor.icewarp.com did not answer',
    () => found(clean, { licenceServer: 'silent' }),
  ],
];

describe('the judges of what the Internet and the clients see', () => {
  it('find nothing where everything is as it should be, or nothing is asked', () => {
    expect(found(clean)).toEqual([]);
    expect(judgeOutside(example, null, new Map())).toEqual([]);
    expect(judgeOutside(file, null, new Map())).toEqual([]);
    expect(found(clean, { greeting: null, licenceServer: null, sender: null })).toEqual([]);
  });

  it.each(CASES)('find %s: %s', (kind, id, words, judge) => {
    expectOnly(kind, id, judge(), words);
  });

  it('have a case here for every kind of this room', () => {
    expect([...CASES.map(([kind]) => kind), 'nameTtl'].sort()).toEqual(Object.keys(OUTSIDE_FINDINGS).sort());
  });

  it('tell a long TTL only of names that are still to be moved', () => {
    expect(idsOf(name({ addresses: ['192.0.2.11'], ttl: 3_601 }))).toEqual([
      `control/names/${NAME}-elsewhere`,
      `control/names/${NAME}-ttl`,
    ]);
    expect(name({ ttl: 86_400 })).toEqual([]);
  });

  it('take a name with one more address for one that leads elsewhere', () => {
    expect(idsOf(name({ addresses: [BALANCER, '2001:db8::11'] }))).toEqual([`control/names/${NAME}-elsewhere`]);
  });

  it('compare names with what clients see of the balancer, and a node with what others see of it', () => {
    const outside = withPublic({ names: [NAME], address: '203.0.113.30' });
    expect(idsOf(found(clean, {}, outside))).toEqual([`control/names/${NAME}-elsewhere`]);
    const nodes = outside.nodes.map((node) => ({ ...node, outgoing: '203.0.113.9' }));
    const translated = { ...file, nodes };
    expect(idsOf(found(clean, {}, translated))).toEqual(['A/helo', 'B/helo']);
  });

  it('judge the certificate that a client name shows as that of a node', () => {
    expect(idsOf(name({ certificate: { ...certificate, lacks: [NAME], days: -1 } }))).toEqual([
      `control/certificate/${NAME}-lacks-names`,
      `control/certificate/${NAME}-not-valid`,
    ]);
    expect(idsOf(shows({ early: true }))).toEqual(['control/certificate/B-not-valid']);
  });
});
