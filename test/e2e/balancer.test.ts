import { readFile, writeFile } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { statesNow } from '../../src/activities/haproxy/states.js';
import { LAB_FILE, NODES } from '../../src/lab/lab.js';
import { proveMail } from '../../src/lab/proof.js';
import { eventually } from '../support/eventually.js';
import { LabCluster } from './lab-cluster.js';

const MINUTE = 60_000;
const HIDDEN = 'control/balancer/client-address-hidden';
/** When a node of these tests blocks an address that guesses names. */
const BLOCKING = { after: 15, seconds: 3600 };

let cluster: LabCluster;

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true });
  const { lab } = cluster;
  const file = await readFile(lab.paths.clusterFile, 'utf8');
  await writeFile(lab.paths.clusterFile, file.replace(/^ +clientAddress: proxy\n/m, ''));
  // as somebody sets nodes up who takes the balancer for one of his own networks, and for nothing else
  await pretend({ proxyFrom: [], relayFor: [`${lab.addresses.balancer}/32`], lockout: BLOCKING });
}, 2 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

/** Changes what the nodes of the lab are set to; services feel it at once. */
async function pretend(facts: object): Promise<void> {
  for (const node of NODES) {
    const file = cluster.lab.machine(node).disk + LAB_FILE;
    const now = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...now, ...facts }));
  }
}

async function heldWith(id: string, code: string, words: RegExp): Promise<void> {
  const { state } = await cluster.stepIs(id, 'held', 240);
  expect(state).toMatchObject({ code, why: expect.stringMatching(words) });
}

/** What HAProxy on the control machine says of a node, by service. */
async function statesOf(node: string): Promise<Record<string, string>> {
  const control = cluster.lab.machine('control').init;
  const socket = `/proc/${control?.pid ?? 0}/root/run/haproxy/admin.sock`;
  const states = await statesNow(socket, new AbortController().signal);
  return Object.fromEntries(states.filter((one) => one.node === node).map(({ service, status }) => [service, status]));
}

/** One rollout, one story: clients are hidden behind the balancer, and the nodes are set up for none of it. */
describe('a balancer that hides the clients', () => {
  it(
    'needs an approval before anything is changed',
    async () => {
      expect((await cluster.cli('start', '--yes', '--detach')).code).toBe(0);
      await heldWith('rule/preflight', 'PREFLIGHT_STOPS', /client-address-hidden: .*smtp .*clientAddress: hidden/);
      expect((await cluster.cli('approve', '--finding', HIDDEN)).code).toBe(0);
    },
    3 * MINUTE,
  );

  it(
    'is held as an open relay while the nodes trust the balancer’s network',
    async () => {
      await heldWith('control/probeBalancer:with B', 'PROBE_FAILED', /an open relay\?.*expected 5xx, but 250 came/);
      await pretend({ relayFor: [] });
      expect((await cluster.cli('retry')).code).toBe(0);
    },
    5 * MINUTE,
  );

  it(
    'is held as long as one client who guesses names locks out everybody',
    async () => {
      await heldWith(
        'control/probeLockout',
        'PROBE_FAILED',
        /exempt the balancer’s address .* from intrusion prevention/,
      );
      await pretend({ lockout: { ...BLOCKING, exempt: [cluster.lab.addresses.balancer] } });
      expect((await cluster.cli('retry')).code).toBe(0);
      const { code, out } = await cluster.cli('watch');
      expect({ code, out }).toEqual({ code: 0, out: expect.any(String) });
    },
    5 * MINUTE,
  );

  it(
    'takes a node that loses the accounts database out of every service, serves through the others, and lets it back',
    async () => {
      const { lab } = cluster;
      const account = `'icewarp'@'${lab.addresses.B}'`;
      const all = (status: string): Record<string, string> =>
        Object.fromEntries(['accounts', 'smtp', 'pop3', 'imap'].map((service) => [service, status]));
      await eventually('B serves', async () => (await statesOf('B'))['imap'] === 'UP');
      await lab.sql(`ALTER USER ${account} ACCOUNT LOCK`);
      await eventually('B is out of every service', async () => {
        return JSON.stringify(sorted(await statesOf('B'))) === JSON.stringify(sorted(all('DOWN')));
      });
      expect((await proveMail(lab, 'A')).takenBy).toBe('C');
      await lab.sql(`ALTER USER ${account} ACCOUNT UNLOCK`);
      await eventually('B is back', async () => {
        return JSON.stringify(sorted(await statesOf('B'))) === JSON.stringify(sorted(all('UP')));
      });
    },
    4 * MINUTE,
  );
});

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}
