import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { Cutover } from '../../src/cluster/schema.js';
import type { rollout } from '../../src/workflows/rollout.js';
import { commandUpdate, statusQuery, type Command, type Status } from '../../src/workflows/status.js';
import { recordHistory } from '../replay/histories.js';
import { eventually } from '../support/eventually.js';
import { exampleCluster } from './example-cluster.js';
import {
  cluster,
  command,
  MINUTE,
  newCluster,
  plan,
  restores,
  runWorkers,
  start,
  stepIs,
  useCluster,
  useTemporal,
  world,
} from './harness.js';

useTemporal();

const HASH = 'a'.repeat(64);
/** Enough for a stop of the fake machines, and little to wait for when it is held. */
const SHORT = 16;
const LONG = 900;

/** A cluster whose first node is in production. */
function inProduction(news: Partial<Cutover> = {}): void {
  newCluster();
  const stop = { budget: LONG, gate: 'approve' } as const;
  const { name } = cluster;
  useCluster({
    ...exampleCluster(name),
    cutover: {
      stages: 'two',
      soak: 1,
      close: 'firewall',
      lease: 120,
      databases: stop,
      storage: stop,
      configuration: stop,
      ...news,
    },
  });
  world.facts.set('treeInForce A', { from: '/opt/icewarp/mail/' });
  world.facts.set('databaseRehearsal A', { seconds: 5, rows: 10, perRole: [] });
  world.facts.set('balancerAddresses control', ['192.0.2.10']);
}

const say = (handle: WorkflowHandle<typeof rollout>, words: Omit<Command, 'by'>): Promise<string> =>
  handle.executeUpdate(commandUpdate, { args: [{ by: 'tester@test', ...words }] });
const status = (handle: WorkflowHandle<typeof rollout>): Promise<Status> => handle.query(statusQuery);
const at = (line: string): number => world.log.indexOf(line);
const gate = (handle: WorkflowHandle<typeof rollout>, stage: string): ReturnType<typeof stepIs> =>
  stepIs(handle, `cutover/${stage}`, 'gate');

describe('a rollout of a server in production', () => {
  it(
    'moves it in two stops that an operator begins, each closed, leased, proven quiet and opened again',
    async () => {
      inProduction();
      await runWorkers();
      const handle = await start();
      expect((await gate(handle, 'databases')).state).toMatchObject({ forecast: 65, budget: LONG, at: null });
      expect(world.log.filter((line) => /ports\.|stopServices|databaseMove\.apply/.test(line))).toEqual([]);
      await say(handle, { verb: 'approve' });
      await gate(handle, 'configuration');
      const first = [
        'mailAccounts.apply A/mailAccounts',
        'databaseRehearsal.run A/databaseRehearsal',
        'leaseTake.run lease:databases',
        'ports.apply A/ports:closed-databases',
        'watchdog.apply A/watchdog:off-databases',
        'autostart.apply A/autostart:off-databases',
        'stopServices.run A/stopServices:databases',
        'proveQuiet.run A/proveQuiet:databases',
        'databaseMove.apply A/databaseMove',
        'leaseSwitched.run switched:databases',
        'settings.apply A/settings:databases',
        'services.apply A/services:databases',
        'probeNode.run control/probeNode:A-databases',
        'leaseEnd.run lease:databases',
        'ports.apply A/ports:open-databases',
        'autostart.apply A/autostart:on-databases',
        'watchdog.apply A/watchdog:on-databases',
        'tree.copy A/mail',
      ];
      expect([...first].sort((a, b) => at(a) - at(b))).toEqual(first);
      await say(handle, { verb: 'approve' });
      expect((await handle.result()).outcome).toBe('done');
      const second = [
        'tree.copy A/calendar',
        'ports.apply A/ports:closed-configuration',
        'proveQuiet.run A/proveQuiet:configuration',
        'treeFinal.apply A/treeFinal:mail',
        'mailFound.run A/mailFound:mail',
        'mailQueues.apply A/mailQueues',
        'leaseSwitched.run switched:configuration',
        'settings.apply A/settings:directories',
        'services.apply A/services:directories',
        'sharedConfiguration.apply A/sharedConfiguration',
        'pathDat.apply A/pathDat',
        'services.apply A/services:shared',
        'leaseEnd.run lease:configuration',
        'ports.apply A/ports:open-configuration',
        'pathDat.apply B/pathDat',
      ];
      expect(second.filter((line) => at(line) < 0)).toEqual([]);
      expect([...second].sort((a, b) => at(a) - at(b))).toEqual(second);
      const { cutovers = [], acts = [] } = await status(handle);
      expect(cutovers.map(({ stage, state }) => `${stage} ${state}`)).toEqual(['databases open', 'configuration open']);
      expect(acts.map(({ by, what }) => `${by} ${what}`)).toEqual(['tester@test approve', 'tester@test approve']);
      await recordHistory('production', handle);
    },
    3 * MINUTE,
  );

  it(
    'is planned with its stops, and what is done again finds nothing to stop for',
    async () => {
      inProduction();
      await runWorkers();
      const planned = (await plan()).steps;
      expect(planned.find(({ id }) => id === 'cutover/databases')?.note).toMatch(
        /begins when it is approved; users are without the server for at most 900 s/,
      );
      inProduction({ databases: { budget: LONG, gate: 'now' }, storage: { budget: LONG, gate: 'now' } });
      await runWorkers();
      expect((await (await start()).result()).outcome).toBe('done');
      world.log.splice(0);
      expect((await (await start({ waysBack: 'forget' })).result()).outcome).toBe('done');
      expect(world.log.filter((line) => /lease|ports|stopServices|tree\./.test(line))).toEqual([]);
    },
    3 * MINUTE,
  );

  it(
    'goes back by itself when a stop would not be over in time, and then begins again only when it is told to',
    async () => {
      inProduction({ databases: { budget: SHORT, gate: 'now' }, storage: { budget: LONG, gate: 'approve' } });
      world.facts.delete('databaseRehearsal A');
      world.failures.set('probeNode.run control/probeNode:A-databases', {
        times: 1,
        code: 'PROBE_FAILED',
        message: 'nobody answers',
      });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'control/probeNode:A-databases', 'held');
      const { state } = await gate(handle, 'databases');
      expect(state).toMatchObject({ at: null, why: expect.stringMatching(/^went back: .* within 16 s; waits/) });
      const back = restores().map((line) => line.slice(line.indexOf(' ') + 1));
      const expected = [
        'A/settings:databases',
        'A/databaseMove',
        'A/watchdog:off-databases',
        'A/ports:closed-databases',
      ];
      expect(back.filter((step) => expected.includes(step))).toEqual(expected);
      expect(back).not.toContain('A/mailAccounts');
      // before users get in, what served serves again
      expect(at('settleServices.run A/settleServices')).toBeLessThan(at('ports.restore A/ports:closed-databases'));
      expect(world.log.filter((line) => line.startsWith('leaseEnd'))).toHaveLength(1);
      expect((await status(handle)).cutovers?.[0]?.wentBack).toHaveLength(1);
      await say(handle, { verb: 'cutover', when: 'now' });
      await gate(handle, 'configuration');
      await command(handle, 'rollback');
      expect((await handle.result()).outcome).toBe('rolled back');
      await recordHistory('production-missed', handle);
    },
    3 * MINUTE,
  );

  it(
    'goes back by itself when the node has acted alone, and when an operator cancels the stop',
    async () => {
      inProduction();
      world.failures.set('databaseMove.apply A/databaseMove', {
        times: 1,
        code: 'LEASE_LOST',
        message: 'A has started its old state',
      });
      await runWorkers();
      const handle = await start();
      await gate(handle, 'databases');
      await say(handle, { verb: 'approve' });
      await eventually('it went back', async () => ((await status(handle)).cutovers?.[0]?.wentBack.length ?? 0) === 1);
      expect((await gate(handle, 'databases')).state).toMatchObject({ why: expect.stringMatching(/by itself/) });
      world.endless.add('A/databaseMove');
      await say(handle, { verb: 'cutover', when: 'now' });
      await stepIs(handle, 'A/databaseMove', 'running');
      await expect(say(handle, { verb: 'cutover', when: 'now' })).rejects.toThrow();
      await say(handle, { verb: 'cutover', when: 'cancel' });
      await eventually('it went back', async () => ((await status(handle)).cutovers?.[0]?.wentBack.length ?? 0) === 2);
      expect(world.applied.has('A/ports:closed-databases')).toBe(false);
      await command(handle, 'rollback');
      await handle.result();
    },
    3 * MINUTE,
  );

  it(
    'begins no stop that leaves items behind which nobody has approved, nor one that was rejected',
    async () => {
      inProduction({ stages: 'one' });
      world.facts.set('skippedItems A', { hash: HASH, count: 2, missing: 2, reasons: {}, file: '/list' });
      world.failures.set('treeFinal.apply A/treeFinal:mail', {
        times: 1,
        code: 'SKIPPED_UNAPPROVED',
        message: `one more item: ${'b'.repeat(64)}`,
      });
      await runWorkers();
      const handle = await start();
      const { state } = await gate(handle, 'configuration');
      expect(state).toMatchObject({ skipped: expect.arrayContaining([{ what: 'mail', hash: HASH, count: 2 }]) });
      await expect(say(handle, { verb: 'approve' })).rejects.toThrow();
      await expect(say(handle, { verb: 'cutover', when: 'now' })).rejects.toThrow();
      await expect(say(handle, { verb: 'approve', skipped: 'c'.repeat(64) })).rejects.toThrow();
      await say(handle, { verb: 'approve', skipped: HASH });
      await say(handle, { verb: 'reject', why: 'the backup is not ready' });
      expect((await gate(handle, 'configuration')).state).toMatchObject({ why: 'rejected: the backup is not ready' });
      await say(handle, { verb: 'approve' });
      // the list has changed at the final pass
      await stepIs(handle, 'A/treeFinal:mail', 'held');
      await say(handle, { verb: 'approve', skipped: 'b'.repeat(64) });
      expect((await handle.result()).outcome).toBe('done');
    },
    3 * MINUTE,
  );

  it(
    'begins at the time that an operator names, and can go back to a stage whose verification has passed',
    async () => {
      inProduction();
      await runWorkers();
      const handle = await start();
      await gate(handle, 'databases');
      await expect(say(handle, { verb: 'rollback', to: 'databases' })).rejects.toThrow();
      await say(handle, { verb: 'cutover', when: Date.now() + 2_000 });
      await gate(handle, 'configuration');
      await expect(say(handle, { verb: 'rollback', to: 'storage' })).rejects.toThrow();
      await say(handle, { verb: 'cutover', when: 'now' });
      const { undo } = await handle.result();
      expect(undo.length).toBeGreaterThan(30);
      world.failures.set('probeNode.run control/probeNode:A-back', {
        times: 1,
        code: 'PROBE_FAILED',
        message: 'nobody answers',
      });
      const back = await start({ undo, to: 'databases' });
      // the old state serves, and nobody gets in before it is proven
      await stepIs(back, 'control/probeNode:A-back', 'held');
      expect(restores()).toContain('pathDat.restore A/pathDat');
      expect(restores()).not.toContain('ports.restore A/ports:closed-configuration');
      expect(world.log.slice(-2)).toEqual([
        'settleServices.run A/settleServices',
        'probeNode.run control/probeNode:A-back',
      ]);
      await command(back, 'retry');
      const { undo: left } = await back.result();
      expect(restores()).toContain('ports.restore A/ports:closed-configuration');
      expect(restores()).toContain('treeFinal.restore A/treeFinal:mail');
      expect(restores()).toContain('pathDat.restore B/pathDat');
      // what opened the stop before stays as it is
      const earlier = /databaseMove|settings:databases|mailAccounts|open-databases|on-databases/;
      expect(restores().filter((line) => earlier.test(line))).toEqual([]);
      expect(left.map(({ step }) => step)).toContain('A/databaseMove');
      expect(world.log).toContain('forgetOpened.run A/forgetOpened:storage-configuration');
      const completed = await start({ complete: true });
      expect(await completed.result()).toMatchObject({ outcome: 'completed', undo: [] });
      expect(world.log.filter((line) => line.startsWith('agent.forget'))).toHaveLength(4);
    },
    3 * MINUTE,
  );
});
