import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { keepLease, type Keeper } from '../../src/activities/lease-keeper.js';
import { inThisBoot, leaseFile, leftOf, type Lease } from '../../src/activities/lease-record.js';
import { noteOpened, wasOpened } from '../../src/activities/opened.js';
import type { Hello } from '../../src/activities/register.js';
import { copyActivities } from '../../src/activities/tree-activities.js';
import { STAGES } from '../../src/cluster/stages.js';
import { processesOf } from '../../src/icewarp/processes.js';
import { asActivity, runActivity } from '../support/activity.js';
import { eventually } from '../support/eventually.js';
import { NEW, OLD, stoppedNode, type StoppedNode } from '../support/stopped-node.js';

let node: StoppedNode;
let keeper: Keeper | undefined;

beforeEach(async () => {
  node = await stoppedNode();
  keeper = undefined;
});
afterEach(async () => {
  await keeper?.stop();
  await node.remove();
});

const keep = async (): Promise<void> => {
  keeper = await keepLease(node.agent);
};
const record = (): Promise<Lease | null> => leaseFile(node.agent).read();
const acted = (): Promise<void> =>
  eventually('the agent has acted alone', async () => (await record())?.state === 'acted');
const hello = async (): Promise<Hello> => (await runActivity('node', node.agent, 'agent.hello')) as Hello;
const code = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { type?: string }).type,
  );

describe('a lease that runs out before the switch', () => {
  it('brings the old state back, and nothing of the stop is changed any more until it is ended', async () => {
    await keep();
    await node.take();
    expect((await stat(leaseFile(node.agent).path)).mode & 0o777).toBe(0o600);
    await node.apply();
    expect(await node.state()).toEqual(NEW);
    await node.renew(0);
    await acted();
    expect(await node.state()).toEqual(OLD);
    expect((await hello()).alone).toMatchObject({
      id: node.lease.id,
      stage: 'storage',
      ended: true,
      done: 1,
      kept: [],
    });

    for (const refused of [node.apply(), node.take(), node.switched(), node.end(true)]) {
      expect(await code(refused)).toBe('LEASE_LOST');
    }
    const restart = runActivity('node', node.agent, 'restartServices.run', 'A/restartServices', node.lease);
    expect(await code(restart)).toBe('LEASE_LOST');
    const tree = { name: 'mail', source: node.context.folder, destination: node.context.folder };
    const pass = copyActivities(node.agent)['tree.copy'] as () => Promise<unknown>;
    const copy = asActivity(pass, { tree, kind: 'final' });
    expect(await code(copy)).toBe('LEASE_LOST');
    const [undo] = node.lease.undo;
    await runActivity('node', node.agent, 'settings.check', undo?.step, undo?.desired);
    await runActivity('node', node.agent, 'settings.restore', undo?.step, undo?.desired, undo?.before);
    await runActivity('node', node.agent, 'settleServices.run', 'A/settleServices', node.lease);
    expect(await node.state()).toEqual(OLD);

    expect(await node.end(false)).toMatchObject({ alone: { done: 1 } });
    expect((await hello()).alone).toBeUndefined();
    await node.apply();
    expect(await node.state()).toEqual({ ...NEW, serving: OLD.serving });
  });

  it('stops a step that is being applied, and puts back what that has done', async () => {
    await keep();
    await node.take();
    const applying = code(node.apply('endless'));
    await eventually('it is under way', async () =>
      (await node.icewarp.calls()).some((line) => line.endsWith('endless')),
    );
    await node.renew(0);
    await acted();
    expect(await applying).toBe('LEASE_LOST');
    // the first of both settings was written, the second never; no command of the step is left
    expect(await node.state()).toEqual(OLD);
    const { directory } = node.icewarp;
    const calls = (await node.icewarp.calls())
      .filter((line) => line.startsWith('set'))
      .map((line) => line.split(' ')[3]);
    expect(calls).toEqual([NEW.temp, 'endless', OLD.temp]);
    expect(await processesOf(directory)).toHaveLength(OLD.serving);
  });

  it('stops also a way back of the rollout, which then ends well and finds nothing left to do', async () => {
    const script = join(node.icewarp.directory, 'icewarpd.sh');
    const once = join(node.context.folder, 'once');
    const text = await readFile(script, 'utf8');
    await writeFile(script, text.replace('--start)', `--start) [ -f ${once} ] || { : >${once}; exec sleep 600; };`));
    await node.take();
    await node.apply();
    const settling = runActivity('node', node.agent, 'settleServices.run', 'A/settle', node.lease);
    await eventually('it starts the services', () => existsSync(once));
    await node.renew(0);
    await keep();
    expect(await settling).toEqual({ restarted: false });
    expect(await record()).toMatchObject({ state: 'acted' });
    expect(await node.state()).toEqual(OLD);
  });

  it('is tried again when something cannot be put back, and says why it could not', async () => {
    await node.take();
    await node.apply();
    await writeFile(join(node.icewarp.directory, 'refuse'), '');
    await node.renew(0);
    await keep();
    await eventually('it has failed', async () => (await record())?.alone?.failure !== undefined);
    expect((await hello()).alone).toMatchObject({ ended: false, failure: { code: 'TOOL_FAILED' } });
    expect(await node.state()).toEqual(NEW);
    await rm(join(node.icewarp.directory, 'refuse'));
    await acted();
    expect(await node.state()).toEqual(OLD);
    expect((await record())?.alone).not.toHaveProperty('failure');
  });

  it('is left to the rollout when that puts everything back itself', async () => {
    await node.take();
    await node.apply();
    await writeFile(join(node.icewarp.directory, 'refuse'), '');
    await node.renew(0);
    await keep();
    await eventually('it has failed', async () => (await record())?.alone?.failure !== undefined);
    expect(await node.end(false)).toMatchObject({ alone: { failure: { code: 'TOOL_FAILED' } } });
    await rm(join(node.icewarp.directory, 'refuse'));
    await sleep(1_200);
    expect(await record()).toBeNull();
    expect(await node.state()).toEqual(NEW);
  });

  it('has run out for an agent that starts only now', async () => {
    await node.take();
    await node.apply();
    await node.renew(0.2);
    await sleep(300);
    await keep();
    // also an agent whose worker has failed waits for that
    await keeper?.unneeded();
    expect(await record()).toMatchObject({ state: 'acted' });
    expect(await node.state()).toEqual(OLD);
  });

  it('does nothing once users have come', async () => {
    await keep();
    await node.take();
    await node.apply();
    await noteOpened(node.agent, 'storage', true);
    await node.renew(0);
    await eventually('it has run out', () => node.said.some((line) => line.includes('switch is made')));
    expect(await node.state()).toEqual(NEW);
  });
});

describe('a lease', () => {
  it('holds as long as it is renewed, and keeps the way back that it was told', async () => {
    await keep();
    await node.take();
    await node.apply();
    const began = Date.now();
    while (Date.now() - began < 3_000) {
      await node.renew(2);
      await sleep(50);
    }
    await node.renew(600);
    expect(await node.state()).toEqual(NEW);
    expect(await record()).toMatchObject({ state: 'held', undo: node.lease.undo });
    // and is over when it is not
    await node.renew(0);
    await acted();
    expect(await node.state()).toEqual(OLD);
  });

  it('is left alone after the switch, however long nothing is heard', async () => {
    await keep();
    await node.take({ moves: ['storage', 'configuration'] });
    await node.switched();
    await node.apply();
    await node.renew(0);
    await eventually('it has run out', () => node.said.some((line) => line.includes('does nothing alone')));
    expect(await node.state()).toEqual(NEW);
    await node.take({ moves: ['storage', 'configuration'] });
    expect(await record()).toMatchObject({ state: 'switched' });

    await node.end(true);
    await node.end(true);
    expect(await record()).toBeNull();
    expect(await Promise.all(STAGES.map((stage) => wasOpened(node.agent, stage)))).toEqual([false, true, true]);
    await node.take();
    await node.end(false);
    expect(await Promise.all(STAGES.map((stage) => wasOpened(node.agent, stage)))).toEqual([false, false, true]);
  });

  it('of one stop is not given to another, and its way back not given up', async () => {
    await node.take();
    for (const refused of [
      node.take({ id: 'run-2/storage' }),
      node.end(false, 'run-2/storage'),
      runActivity('node', node.agent, 'agent.forget'),
    ]) {
      expect(await code(refused)).toBe('LEASE_OTHER');
    }
    await node.end(false);
    expect(await code(node.switched())).toBe('LEASE_LOST');
    await node.take({ id: 'run-2/storage', seconds: 0 });
    await keep();
    await acted();
    // that stop is over: the next one may begin
    await node.take();
    await node.apply();
  });

  it('counts time that no clock which is set can change; after another boot what the clock says, and never more', async () => {
    await node.take({ seconds: 100 });
    const lease = (await record()) as Lease;
    expect(leftOf({ ...lease, until: 0 })).toBeGreaterThan(90);
    const rebooted = async (ago: number): Promise<number> =>
      leftOf(await inThisBoot({ ...lease, boot: 'another', untilUptime: 1e9, until: Date.now() - ago * 1_000 }));
    expect(await rebooted(5)).toBeLessThan(0);
    expect(await rebooted(-50)).toBeGreaterThan(40);
    expect(await rebooted(-50)).toBeLessThan(60);
    expect(await rebooted(-10_000)).toBeLessThanOrEqual(100);
  });
});
