import { describe, expect, it } from '@jest/globals';

import type { PortsClosable } from '../../../src/activities/ports-closable.js';
import { clusterSchema, type ClusterFile } from '../../../src/cluster/schema.js';
import { CLOSING_FINDINGS } from '../../../src/workflows/preflight/catalogue/closing.js';
import type { Finding } from '../../../src/workflows/preflight/finding.js';
import { judgeClosing } from '../../../src/workflows/preflight/judge-closing.js';
import { exampleCluster } from '../example-cluster.js';
import { expectOnly, type Case } from './cases.js';

const fresh = exampleCluster('t');

function closedBy(close: 'firewall' | 'none'): ClusterFile {
  const { cutover } = clusterSchema.shape;
  return { ...fresh, cutover: cutover.parse({ close }) };
}

const asked = (obstacle: PortsClosable['obstacle']): readonly Finding[] =>
  judgeClosing(closedBy('firewall'), { obstacle });

/** Of every kind one case. */
const CASES: readonly Case[] = [
  ['noWayToClose', 'A/no-way-to-close', () => asked('missing')],
  ['clientsNotKeptOut', 'A/clients-not-kept-out', () => judgeClosing(closedBy('none'), null)],
];

describe('the judge of closing a server in production', () => {
  it.each(CASES)('finds %s: %s', (kind, id, judge) => {
    expectOnly(kind, id, judge());
  });

  it('has a case here for every kind of its own', () => {
    expect(CASES.map(([kind]) => kind).sort()).toEqual(Object.keys(CLOSING_FINDINGS).sort());
  });

  it('says whether nftables is missing or does not do it', () => {
    expectOnly('noWayToClose', 'A/no-way-to-close', asked('missing'), 'no command nft');
    expectOnly('noWayToClose', 'A/no-way-to-close', asked('refused'), 'takes no table');
  });

  it('finds nothing where it can be closed, could not be asked, or where nobody is on the server yet', () => {
    expect(asked('none')).toEqual([]);
    expect(judgeClosing(closedBy('firewall'), null)).toEqual([]);
    expect(judgeClosing(fresh, null)).toEqual([]);
  });
});
