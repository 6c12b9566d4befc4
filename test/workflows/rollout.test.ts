import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';

import { queueOf, rolloutIdOf } from '../../src/cluster/names.js';
import { PRODUCT_VERSION } from '../../src/cluster/version.js';
import type { RolloutResult } from '../../src/workflows/rollout-input.js';
import { undoQuery } from '../../src/workflows/status.js';
import { recordHistory } from '../replay/histories.js';
import {
  applies,
  cluster,
  command,
  environment,
  MINUTE,
  newCluster,
  plan,
  restores,
  runWorkers,
  start,
  stepIs,
  stepOf,
  stopWorkers,
  useTemporal,
  world,
} from './harness.js';

useTemporal();

describe('a rollout', () => {
  it(
    'applies every step once, keeps the undo of each, and a second plan finds nothing to do',
    async () => {
      newCluster();
      await runWorkers();
      const before = await plan();
      expect(before.steps.some(({ state }) => state === 'change')).toBe(true);
      expect(world.log.filter((line) => line.includes('.apply'))).toEqual([]);

      const handle = await start();
      const result: RolloutResult = await handle.result();
      expect(result.outcome).toBe('done');
      await recordHistory('rollout', handle);
      expect(new Set(applies()).size).toBe(applies().length);
      expect(
        before.steps
          .filter(({ state }) => state === 'change')
          .map(({ id }) => id)
          .sort(),
      ).toEqual(applies().map(stepOf).sort());

      const after = await plan();
      expect(after.steps.filter(({ state }) => state === 'change' || state === 'unknown')).toEqual([]);
    },
    MINUTE,
  );

  it(
    'holds a failing step with its reason, refuses a wrong verb, goes on at that step on retry and repeats nothing',
    async () => {
      newCluster();
      world.failures.set('installation.apply B/installation', {
        times: 1,
        code: 'COMMAND_FAILED',
        message: 'no room for IceWarp',
      });
      await runWorkers();
      const handle = await start();
      const held = await stepIs(handle, 'B/installation', 'held');
      expect(held.state).toMatchObject({ code: 'COMMAND_FAILED', why: 'no room for IceWarp', skippable: false });
      const doneBefore = applies().filter((line) => stepOf(line) !== 'B/installation').length;
      await expect(command(handle, 'retry', 'A/nonsense')).rejects.toMatchObject({
        cause: { message: 'A/nonsense is not held' },
      });
      await expect(command(handle, 'skip')).rejects.toMatchObject({
        cause: { message: expect.stringContaining('cannot be skipped') },
      });
      await command(handle, 'retry');
      await handle.result();
      await recordHistory('held-and-retried', handle);
      const others = applies().filter((line) => stepOf(line) !== 'B/installation');
      expect(others.length).toBeGreaterThan(doneBefore);
      expect(new Set(others).size).toBe(others.length);
      expect(applies().filter((line) => stepOf(line) === 'B/installation')).toHaveLength(2);
    },
    MINUTE,
  );

  it(
    'waits for a missing agent, says how to start it, and goes on by itself',
    async () => {
      newCluster();
      await runWorkers(['B']);
      const handle = await start();
      const waiting = await stepIs(handle, 'B/agent', 'waiting');
      expect(waiting.state).toMatchObject({ why: expect.stringContaining('icewarp-rollout worker --node B') });
      await runWorkers(['A', 'control', 'share']);
      expect((await handle.result()).outcome).toBe('done');
    },
    MINUTE * 2,
  );

  it(
    'goes back in reverse order, never beside a running step, and holds an undo that fails',
    async () => {
      newCluster();
      world.endless.add('A/installation');
      world.failures.set('shareExport.restore share/shareExport', {
        times: 1,
        code: 'CHANGED_MEANWHILE',
        message: 'smb.conf was edited',
      });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'A/installation', 'running');
      while (!world.log.includes('installation.apply A/installation'))
        await new Promise((resolve) => setTimeout(resolve, 50));
      await command(handle, 'rollback');
      await expect(command(handle, 'rollback')).rejects.toMatchObject({
        cause: { message: expect.stringContaining('already') },
      });
      await stepIs(handle, 'undo share/shareExport', 'held');
      await command(handle, 'retry');
      const result = await handle.result();
      expect(result).toMatchObject({ outcome: 'rolled back', skipped: [] });
      await recordHistory('rolled-back', handle);
      const firstUndo = world.log.findIndex((line) => line.includes('.restore '));
      expect(world.log.indexOf('stopped A/installation')).toBeLessThan(firstUndo);
      const undone = [...new Set(restores().map(stepOf))];
      const done = [...new Set(applies().map(stepOf))].filter((step) => undone.includes(step));
      // branches of different machines run side by side; on one machine the order is exactly reversed
      for (const machine of ['A', 'B', 'share', 'control']) {
        const on = (steps: string[]): string[] => steps.filter((step) => step.startsWith(`${machine}/`));
        expect(on(undone)).toEqual(on(done).reverse());
        expect(on(undone)).not.toEqual([]);
      }
      expect([...world.applied]).toEqual([]);
    },
    MINUTE,
  );

  it(
    'of which nothing is left running can be rolled back afterwards, services last',
    async () => {
      newCluster();
      await runWorkers();
      const handle = await start();
      await handle.result();
      const undo = await handle.query(undoQuery);
      expect(undo.length).toBeGreaterThan(20);
      expect(undo.filter(({ kind }) => kind === 'services')).toHaveLength(2);
      expect(undo.slice(-2).map(({ kind }) => kind)).toEqual(['services', 'services']);
      const back = await start({ undo });
      expect(await back.result()).toMatchObject({ outcome: 'rolled back', kept: [] });
      expect(restores().at(-1)).toContain('services');
    },
    MINUTE,
  );

  it(
    'goes back past a machine that is gone for good when the operator skips what would have to be done there',
    async () => {
      newCluster();
      await runWorkers();
      const { undo } = await (await start()).result();
      await stopWorkers();
      await runWorkers(['B']);
      const onlyB = undo.filter(({ on }) => on.name === 'B').slice(0, 1);
      const rest = undo.filter(({ on }) => on.name === 'control').slice(0, 2);
      const back = await start({ undo: [...onlyB, ...rest] });
      const id = `undo ${onlyB[0]?.step ?? ''}`;
      await stepIs(back, id, 'waiting');
      await command(back, 'skip', id);
      await stepIs(back, 'B/settleServices', 'waiting');
      await command(back, 'skip', 'B/settleServices');
      const result = await back.result();
      expect(result).toMatchObject({ outcome: 'rolled back', skipped: [id, 'B/settleServices'] });
      expect(restores().map(stepOf)).toEqual(rest.map(({ step }) => step));
    },
    MINUTE * 2,
  );

  it(
    'keeps what an earlier rollout can still put back when it is adopted',
    async () => {
      newCluster();
      await runWorkers();
      const first = await (await start()).result();
      world.applied.delete('B/autostart');
      const second = await (await start({ waysBack: 'adopt', adopted: first.undo })).result();
      expect(second.undo.map(({ step }) => step)).toEqual(first.undo.map(({ step }) => step));
    },
    MINUTE,
  );

  it(
    'cancelled from outside goes back first and is then shown as cancelled',
    async () => {
      newCluster();
      world.endless.add('B/installation');
      await runWorkers();
      const handle = await start();
      while (!world.log.includes('installation.apply B/installation'))
        await new Promise((resolve) => setTimeout(resolve, 50));
      await handle.cancel();
      await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      expect((await handle.describe()).status.name).toBe('CANCELLED');
      expect([...world.applied]).toEqual([]);
    },
    MINUTE,
  );

  it(
    'stops after the running steps on pause and goes on after resume',
    async () => {
      newCluster();
      world.failures.set('database.apply control/database:iw_accounts', {
        times: 1,
        code: 'DATABASE_DENIED',
        message: 'no',
      });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'control/database:iw_accounts', 'held');
      await command(handle, 'pause');
      await command(handle, 'retry');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const paused = applies().length;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(applies()).toHaveLength(paused);
      await command(handle, 'resume');
      expect((await handle.result()).outcome).toBe('done');
    },
    MINUTE,
  );

  it(
    'refuses to begin beside originals of an earlier rollout until it is told what to do with them',
    async () => {
      newCluster();
      world.waysBack.push('A/pathDat');
      await runWorkers();
      await expect((await start()).result()).rejects.toMatchObject({ cause: { type: 'VAULT_OPEN' } });
      expect(applies()).toEqual([]);
      expect((await (await start({ waysBack: 'adopt' })).result()).outcome).toBe('done');
      expect(world.waysBack).toEqual(['A/pathDat']);
    },
    MINUTE,
  );

  it(
    'is held while licences differ, and nothing joins',
    async () => {
      newCluster();
      world.facts.set('licenceFacts A', { status: 0, summary: '50 accounts', fingerprint: 'a'.repeat(64) });
      world.facts.set('licenceFacts B', { status: 0, summary: '10 accounts', fingerprint: 'b'.repeat(64) });
      await runWorkers();
      const handle = await start();
      const held = await stepIs(handle, 'rule/licences', 'held');
      expect(held.state).toMatchObject({ why: expect.stringContaining('A has 50 accounts') });
      expect(applies().filter((line) => line.startsWith('pathDat'))).toEqual([]);
      world.facts.delete('licenceFacts B');
      await command(handle, 'retry');
      expect((await handle.result()).outcome).toBe('done');
    },
    MINUTE,
  );

  it('refuses a second changing verb on the same cluster', async () => {
    newCluster();
    await start();
    await expect(
      environment.client.workflow.start('rollout', {
        workflowId: rolloutIdOf(cluster.name),
        taskQueue: queueOf(cluster.name, 'control'),
        args: [{ cluster, by: 'other@test', version: PRODUCT_VERSION }],
        workflowIdConflictPolicy: 'FAIL',
      }),
    ).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
    await environment.client.workflow.getHandle(rolloutIdOf(cluster.name)).terminate();
  });
});
