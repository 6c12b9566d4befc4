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
      expect(text.out.match(/^ {4}check: /gm)).toHaveLength(3);
      expect(text.out).toContain('Mail to other domains is not proven');
      const { risks } = JSON.parse(json.out) as Plan;
      expect(risks.map(({ guide }) => guide)).toEqual(['G25', 'B7', 'G25']);
      for (const { check } of risks) expect(text.out).toContain(check);
    },
    MINUTE,
  );

  it('names the ports that are open, and what to check about relaying and blocking', () => {
    const [open, hidden] = risksOf(exampleCluster('t'));
    expect(open?.risk).toContain('smtp 25, imap 143, pop3 110');
    expect(hidden?.check).toMatch(/relay.*intrusion prevention.*5xx/);
  });

  it('says what holds where the product sets up no balancer', () => {
    const { balancer, ...file } = exampleCluster('t');
    const [open, hidden] = risksOf({ ...file, balancer: { kind: 'none', file: balancer.file } });
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
    expect(risksOf({ ...file, mail })).toHaveLength(3);
    expect(risksOf({ ...file, mail: { ...mail, outside } })).toHaveLength(2);
  });

  it('leaves the risks out where there is nothing to do', () => {
    const plan: Plan = { cluster: 't', version: '1', steps: [], risks: risksOf(exampleCluster('t')) };
    expect(planText(plan)).toBe('Nothing to do: 0 steps are as described.\n');
  });
});
