import { readFile, writeFile } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  checkLoad,
  productionOf,
  shareElsewhere,
  startLoad,
  stopLoad,
  storeOfA,
  storeOfShare,
  takeLater,
  targetLoad,
} from '../../src/lab/lab.js';
import type { CutoverStatus } from '../../src/workflows/status.js';
import type { Report } from '../../src/cli/report.js';
import { eventually } from '../support/eventually.js';
import { LabCluster } from './lab-cluster.js';

const MINUTE = 60_000;
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Seconds that the first stop may take: little to wait for when it is held. */
const BUDGET = 75;
/** Seconds that a node waits in a stop for news of its rollout. */
const LEASE = 12;

let cluster: LabCluster;

beforeAll(async () => {
  console.log(`SEED=${SEED}`);
  cluster = await LabCluster.up({ agents: true, production: { messages: 400, mailboxes: 4 } });
  const { lab } = cluster;
  const file = lab.paths.clusterFile;
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(
      /^cutover:\n {2}soak: 1m$/m,
      `cutover:\n  soak: 1s\n  lease: ${LEASE}s\n  databases: { budget: ${BUDGET}s }`,
    ),
  );
  await shareElsewhere(lab);
  await startLoad(lab, 'A', SEED);
}, 2 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

async function ok(command: string, ...flags: string[]): Promise<string> {
  const { code, out } = await cluster.cli(command, ...flags);
  expect({ code, out }).toEqual({ code: 0, out: expect.any(String) });
  return out;
}

/** One of its sub-commands, which comes before the file. */
async function cutover(when: string): Promise<void> {
  const { code, out } = await cluster.call('cutover', when);
  expect({ code, out }).toEqual({ code: 0, out: expect.any(String) });
}

async function stops(): Promise<readonly CutoverStatus[]> {
  for (let look = 0; look < 30; look += 1) {
    const status = await cluster.status();
    if (status?.cutovers !== undefined) return status.cutovers;
  }
  throw new Error('status tells of no stops');
}

async function wentBack(times: number): Promise<CutoverStatus> {
  for (let look = 0; look < 120; look += 1) {
    const [first] = await stops();
    if (first?.wentBack.length === times && first.state === 'before') return first;
  }
  throw new Error('the stop has not gone back');
}

/** What the agent of A keeps of its lease; empty where there is none. */
function leaseOfA(): Promise<string> {
  const file = `${cluster.lab.machine('A').disk}/var/lib/icewarp-rollout/lease.json`;
  return readFile(file, 'utf8').catch(() => '');
}

/** Whether POP3 runs on A: a service that died in a start may leave the file of its number behind. */
async function servesOnA(): Promise<boolean> {
  const script = 'kill -0 "$(cat /opt/icewarp/var/pop3.pid)" 2>/dev/null && echo yes || true';
  return (await cluster.lab.machine('A').run('sh', ['-c', script])).stdout.includes('yes');
}

/** Users never stop: what they were told is the truth that is compared at the end. */
describe('a server in production, with users on it all the time', () => {
  it(
    'is looked at, and its databases are rehearsed, before anything is asked of its users',
    async () => {
      expect((await cluster.cli('start', '--yes')).code).toBe(4);
      await ok('approve', '--finding', 'A/external-mailboxes');
      await cluster.stepIs('cutover/databases', 'gate', 240);
      const [first] = await stops();
      expect(first).toMatchObject({ stage: 'databases', state: 'before', budget: BUDGET });
    },
    5 * MINUTE,
  );

  it(
    'does not stop while the gate is rejected, and goes back by itself when its stop would not be over in time',
    async () => {
      await ok('reject', '--why', 'the backup is not ready');
      expect((await cluster.cli('status')).out).toContain('rejected: the backup is not ready');
      await cluster.lab.database.stop();
      await cutover('now');
      const { wentBack: back } = await wentBack(1);
      expect(back[0]?.why).toMatch(/within 75 s/);
      await cluster.lab.database.start();
      // the rehearsal was held while the server was away
      await cluster.cli('retry');
      await cluster.stepIs('cutover/databases', 'gate', 120);
    },
    5 * MINUTE,
  );

  it(
    'is put back by its agent alone when Temporal is killed in a stop before the switch, and then by the rollout, too',
    async () => {
      const { lab } = cluster;
      await lab.database.stop();
      await cutover('now');
      await eventually('its services are stopped', async () => (await leaseOfA()) !== '' && !(await servesOnA())).catch(
        async (error: unknown) => {
          console.log(await leaseOfA(), (await cluster.cli('status')).out);
          throw error;
        },
      );
      await lab.temporal.kill();
      await eventually('the agent has acted', async () => (await leaseOfA()).includes('"state":"acted"'));
      expect(await servesOnA()).toBe(true);
      await lab.temporal.start();
      const { wentBack: back } = await wentBack(2);
      expect(back[1]?.why).toBe('the node has started its old state by itself');
      await lab.database.start();
      await cluster.cli('retry');
      await cluster.stepIs('cutover/databases', 'gate', 120);
    },
    5 * MINUTE,
  );

  it(
    'moves its databases, then its mail and its configuration, each in one short stop',
    async () => {
      await cutover('now');
      await cluster.stepIs('cutover/configuration', 'gate', 240);
      await ok('approve');
      const { code, out } = await cluster.cli('watch');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('finished') });
      const report = JSON.parse((await cluster.cli('report', '--json')).out) as Report;
      const told = report.stops;
      console.log(
        report.history,
        told.map(({ stage, forecast, seconds }) => ({ stage, forecast, seconds })),
      );
      expect(told.map(({ stage, state }) => `${stage} ${state}`)).toEqual(['databases open', 'configuration open']);
      for (const { seconds = Infinity, budget } of told) expect(seconds).toBeLessThan(budget);
    },
    8 * MINUTE,
  );

  it(
    'has lost nothing, doubled nothing and changed nothing, through every node and the balancer',
    async () => {
      const { lab } = cluster;
      await targetLoad(lab, 'balancer');
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      await stopLoad(lab);
      await takeLater(lab);
      const size = await productionOf(lab);
      const imap = ['A', 'B', 'C', 'balancer'] as const;
      const check = { imap, store: storeOfShare(lab, size), patience: 60 };
      const { problems, away, counts, databases } = await checkLoad(lab, check);
      console.log({ counts, away });
      expect(problems).toEqual([]);
      expect(databases).toEqual({ accounts: 'iw_accounts', groupware: 'iw_groupware', antispam: 'iw_antispam' });
      await startLoad(lab, 'A', SEED + 1);
    },
    3 * MINUTE,
  );

  it(
    'goes back to the state after its databases had moved, and then to where it began, with what users have done since',
    async () => {
      const { lab } = cluster;
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      const { code, out } = await cluster.cli('rollback', '--to', 'databases', '--yes');
      expect({ code, out }).toEqual({ code: expect.any(Number), out: expect.stringContaining('rolled back') });
      expect([0, 3]).toContain(code);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      const all = await cluster.cli('rollback', '--to', 'start', '--yes');
      expect(all).toEqual({ code: expect.any(Number), out: expect.stringContaining('rolled back') });
      expect([0, 3]).toContain(all.code);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      await stopLoad(lab);
      const size = await productionOf(lab);
      const check = { imap: ['A'], store: storeOfA(lab, size), patience: 60 } as const;
      const { problems, databases } = await checkLoad(lab, check);
      expect(problems).toEqual([]);
      for (const place of Object.values(databases)) expect(place).toMatch(/^\/opt\/icewarp\/.*\.db$/);
    },
    6 * MINUTE,
  );
});
