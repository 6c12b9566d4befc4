import { once } from 'node:events';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { LabCluster } from './lab-cluster.js';
import type { DnsServer } from '../support/dns-server.js';
import { CLIENT_NAME, good, surround } from './surroundings.js';

const MINUTE = 60_000;
const STEP = 'control/clientNames';
const RULE = 'rule/own-addresses';

let cluster: LabCluster;
let dns: DnsServer;
let stop: (() => Promise<void>) | undefined;
/** Records before and after the move. */
let records: { readonly before: readonly string[]; readonly after: readonly string[] };

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true });
  const { addresses } = cluster.lab;
  const usual = good(addresses);
  const others = usual.records.filter((line) => !line.startsWith(`host-record=${CLIENT_NAME},`));
  records = { before: [...others, `host-record=${CLIENT_NAME},${addresses.A},7200`], after: usual.records };
  const surroundings = await surround(cluster, { ...usual, records: records.before });
  ({ stop } = surroundings);
  if (surroundings.dns === undefined) throw new TypeError('these surroundings have DNS');
  ({ dns } = surroundings);
}, 2 * MINUTE);

afterAll(async () => {
  await stop?.();
  await cluster.down();
}, MINUTE);

/** What a client does that knows a node's own address: from an address that is none of the cluster's. */
async function clientOf(address: string): Promise<() => void> {
  const localAddress = address.replace(/\d+$/, '200');
  const socket = connect({ host: address, port: cluster.lab.ports.node.imap, localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'data');
  return () => socket.destroy();
}

async function retry(step: string): Promise<void> {
  const { code, out } = await cluster.cli('retry', '--step', step);
  expect({ code, out }).toEqual({ code: 0, out: expect.any(String) });
}

describe('the clients of a rolled out cluster', () => {
  it(
    'are moved last, by whoever keeps DNS, and the rollout waits until none is left on a node',
    async () => {
      const { addresses } = cluster.lab;
      expect((await cluster.cli('start', '--yes', '--detach')).code).toBe(0);
      const { state, phase } = await cluster.stepIs(STEP, 'held', 400);
      expect(phase).toBe('Clients');
      expect(state).toMatchObject({ code: 'CLIENTS_ELSEWHERE', skippable: true });
      const set = `set A of ${CLIENT_NAME} to ${addresses.balancer}, and no AAAA (now ${addresses.A})`;
      expect(state).toMatchObject({ why: expect.stringContaining(set) });
      expect(state).toMatchObject({ why: expect.stringMatching(/7200 s or more: serve on \S+\.11 at least/) });

      const leave = await clientOf(addresses.A);
      await dns.change(records.after);
      await retry(STEP);
      const { state: left } = await cluster.stepIs(RULE, 'held');
      const who = `node A serves 1 connections that did not come through the balancer: from ${addresses.A.replace(/\d+$/, '200')}`;
      expect(left).toMatchObject({ code: 'RULE_BROKEN', why: expect.stringContaining(who), skippable: true });
      leave();
      await retry(RULE);
      expect((await cluster.cli('watch')).code).toBe(0);
      const { out } = await cluster.cli('plan', '--json');
      const { steps } = JSON.parse(out) as { steps: { id: string; state: string }[] };
      expect(steps.find(({ id }) => id === STEP)).toMatchObject({ state: 'unchanged' });
    },
    8 * MINUTE,
  );

  it(
    'are put back first on the way back, before anything that they use is taken away',
    async () => {
      expect((await cluster.cli('rollback', '--yes', '--detach')).code).toBe(0);
      const { state } = await cluster.stepIs(`undo ${STEP}`, 'held');
      const { addresses } = cluster.lab;
      const set = `set A of ${CLIENT_NAME} to ${addresses.A}, and no AAAA (now ${addresses.balancer}`;
      expect(state).toMatchObject({ why: expect.stringContaining(set), skippable: true });
      const leave = await clientOf(addresses.B);
      leave();
      await dns.change(records.before);
      await retry(`undo ${STEP}`);
      expect((await cluster.cli('watch')).code).not.toBe(1);
      const status = await cluster.status();
      expect(status).toMatchObject({ finished: true, direction: 'back' });
    },
    5 * MINUTE,
  );
});
