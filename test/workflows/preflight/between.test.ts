import { describe, expect, it } from '@jest/globals';

import { clockOfDatabase } from '../../../src/workflows/preflight/judge-clocks.js';
import { judgeShare } from '../../../src/workflows/preflight/judge-share.js';
import { exampleCluster } from '../example-cluster.js';
import { closed, foundClocks, foundMeeting, foundShare } from './between-cases.js';

describe('the judge of a meeting', () => {
  it('names the nodes from which a port is closed, and some of many ports', () => {
    const peer = closed('B', { tcp: [21, 25, 80, 110, 143, 161], tcpInAll: 30 });
    const [one, ...more] = foundMeeting({ A: { closed: [peer] }, B: {}, C: { closed: [peer] } });
    expect(more).toEqual([]);
    expect(one?.is).toBe(
      'TCP port 21, 25, 80, 110, 143, 161 and 24 more at 192.0.2.12 does not answer, asked from A, C',
    );
  });

  it('says when nothing answers at all', () => {
    const never = closed('B', { never: true, tcpInAll: 30 });
    const [one] = foundMeeting({ A: { closed: [never] }, B: {} });
    expect(one?.is).toBe('nothing at 192.0.2.12 answers by TCP, asked from A');
  });

  it('takes no word of a node that is not at its own address', () => {
    expect(foundMeeting({ A: {}, B: { offered: 0, closed: [closed('A', { never: true, tcpInAll: 30 })] } })).toEqual(
      [],
    );
  });

  it('judges no node that did not come', () => {
    expect(foundMeeting({ A: { closed: [closed('B', { never: true, tcpInAll: 30, udpInAll: 30 })] } })).toEqual([]);
  });
});

describe('the judge of clocks', () => {
  it('takes the doubt of both readings off first', () => {
    expect(foundClocks({ 'node A': [0, 100], 'node B': [1_190, 100] })).toEqual([]);
    expect(foundClocks({ 'node A': [0, 100], 'node B': [1_210, 100] })[0]?.is).toBe(
      'the clock of node B is 1.2 s ahead of that of node A (± 0.2 s); at most 1 s is expected',
    );
  });

  it('finds nothing out by answers that came late', () => {
    expect(foundClocks({ 'node A': [0, 10], 'node B': [15_000, 15_000] })).toEqual([]);
  });

  it('knows the database server’s clock by way of the control machine', () => {
    expect(clockOfDatabase({ low: 10, high: 30 }, { ahead: -2_000, unsure: 5 })).toEqual({ low: 2_005, high: 2_035 });
  });
});

describe('the judge of a share server', () => {
  it('finds nothing on one as it should be, or that could not be looked at', () => {
    expect(foundShare({})).toEqual([]);
    expect(foundShare({ owner: 't' })).toEqual([]);
    expect(judgeShare(exampleCluster('t'), null)).toEqual([]);
  });
});
