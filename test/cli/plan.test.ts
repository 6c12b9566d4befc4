import { describe, expect, it } from '@jest/globals';

import { planText } from '../../src/cli/plan-text.js';
import type { Plan } from '../../src/workflows/planner.js';
import { risksOf } from '../../src/workflows/risks.js';
import { exampleCluster } from '../workflows/example-cluster.js';
import { MINUTE, newCluster, runWorkers, useTemporal } from '../workflows/harness.js';
import { runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

describe('a plan', () => {
  it(
    'says as text and as JSON what it cannot do for the operator: nodes are not closed, clients’ addresses are hidden',
    async () => {
      newCluster();
      await runWorkers();
      const [text, json] = [await runOn('plan'), await runOn('plan', '--json')];
      expect(text.code).toBe(0);
      expect(text.out).toMatch(/not closed by a firewall before they enter the balancer: .*A \(192\.0\.2\.11\)/);
      expect(text.out).toMatch(/see the address of the balancer \(192\.0\.2\.30\) instead of the client’s: antispam/);
      expect(text.out.match(/^ {4}check: /gm)).toHaveLength(5);
      expect(text.out).toContain('Mail to other domains is not proven');
      const { risks } = JSON.parse(json.out) as Plan;
      expect(risks.map(({ guide }) => guide)).toEqual(['G25', 'B7', 'G14', 'G14', 'G25']);
      for (const { check } of risks) expect(text.out).toContain(check);
    },
    MINUTE,
  );

  it('names the ports that are open, and what to check about relaying and blocking', () => {
    const [open, hidden] = risksOf(exampleCluster('t'));
    expect(open?.risk).toContain('smtp 25, imap 143, pop3 110');
    expect(hidden?.check).toMatch(/relay.*intrusion prevention.*5xx/);
  });

  it('names the risk of each way to carry the client’s address, and of each place of web sessions', () => {
    const { balancer, ...file } = exampleCluster('t');
    const risks = (other: Partial<typeof balancer>): string =>
      risksOf({ ...file, balancer: { ...balancer, ...other } })
        .map(({ guide, risk }) => `${guide} ${risk}`)
        .join('\n');
    const mixed = risks({});
    expect(mixed).toMatch(/^B7 On imap, pop3 the nodes see the address.*On smtp .* PROXY header.*pose as anybody/m);
    expect(mixed).not.toContain('B5');
    const transparent = risks({ services: [{ name: 'https' }], clientAddress: 'transparent' });
    expect(transparent).toMatch(/^B7 On https HAProxy connects .* from the clients’ addresses, as root/m);
    expect(transparent).toMatch(/^B5 A web session lives on the node/m);
    const redis = risks({ services: [{ name: 'http' }], sessions: { redis: { host: '192.0.2.60', port: 6379 } } });
    expect(redis).toMatch(/^B5 Web sessions of every node live in the Redis at 192\.0\.2\.60:6379/m);
  });

  it('says what holds where the product sets up no balancer', () => {
    const { balancer, ...file } = exampleCluster('t');
    const [open, hidden] = risksOf({
      ...file,
      balancer: { kind: 'none', file: balancer.file, clientAddress: 'hidden', sessions: 'affinity' },
    });
    expect(open?.risk).toContain('not closed by a firewall at any time');
    expect(hidden?.risk).toContain('A balancer of your own');
  });

  it('says that outgoing mail is not proven only where no mailbox outside is named', () => {
    const { mail, ...file } = exampleCluster('t');
    const outside = {
      address: 'probe@other.example',
      password: { secret: 'outside' },
      imap: { host: 'imap.other.example', port: 993, tls: 'implicit' as const },
    };
    const unproven = (named?: typeof outside): boolean =>
      risksOf({ ...file, mail: { ...mail, outside: named } }).some(({ risk }) => risk.includes('not proven'));
    expect([unproven(), unproven(outside)]).toEqual([true, false]);
  });

  it('says who makes the full-text index, that nothing is scanned yet, and which backups the operator named', () => {
    const file = exampleCluster('t');
    const said = (icewarp: Partial<typeof file.icewarp>, other: Partial<typeof file> = {}): string =>
      risksOf({ ...file, ...other, icewarp: { ...file.icewarp, ...icewarp } })
        .slice(2)
        .filter(({ guide }) => guide !== 'G25')
        .map(({ risk }) => risk)
        .join('\n');
    expect(said({})).toMatch(/all nodes use one index folder[^]*Nothing is scanned/);
    expect(said({ fullTextScanning: 'now' })).not.toMatch(/Nothing is scanned/);
    expect(said({ fullText: 'off' })).toBe('');
    const fullTextUrl = { database: 'http://192.0.2.11:25793', scanner: 'http://192.0.2.11:25795' };
    expect(said({ fullTextUrl })).toMatch(/serves all nodes, at http:\/\/192\.0\.2\.11:25793/);
    const backups = [{ what: 'mail' as const, where: 'tape 7', taken: '2026-11-20T04:00:00Z' }];
    expect(said({ fullText: 'off' }, { backups })).toMatch(/mail in tape 7, of 2026-11-20T04:00:00Z/);
  });

  it('leaves the risks out where there is nothing to do', () => {
    const plan: Plan = { cluster: 't', version: '1', steps: [], risks: risksOf(exampleCluster('t')) };
    expect(planText(plan)).toBe('Nothing to do: 0 steps are as described.\n');
  });
});
