import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { markRestart, stopForChange } from '../../src/activities/restart-marker.js';
import { restartServices } from '../../src/activities/restart-services.js';
import { services, type ServicesDesired } from '../../src/activities/services.js';
import { settleServices } from '../../src/activities/settle-services.js';
import { ensureStarted, MODULES, runningModules } from '../../src/icewarp/control.js';
import { testContext, type TestContext } from '../support/context.js';
import { eventually } from '../support/eventually.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('services', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: ServicesDesired;
  const smtp = (): Promise<string> => readFile(join(icewarp.directory, 'var/smtp.pid'), 'utf8');

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'));
    desired = { directory: icewarp.directory, running: true };
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  it('are started, and then there is nothing to do', async () => {
    expect(services.diff(desired, await services.observe(desired, context))).toHaveLength(1);
    await services.apply(desired, context);
    expect(services.diff(desired, await services.observe(desired, context))).toEqual([]);
  });

  it('restart for what was changed since, and only for that', async () => {
    await services.apply(desired, context);
    const first = await smtp();
    await services.apply(desired, context);
    expect(await smtp()).toBe(first);
    await markRestart(context.agent, 'path.dat');
    const changes = services.diff(desired, await services.observe(desired, context));
    expect(changes).toEqual([{ what: 'path.dat', before: 'not in effect', after: 'in effect' }]);
    await services.apply(desired, context);
    expect(await smtp()).not.toBe(first);
    expect(services.diff(desired, await services.observe(desired, context))).toEqual([]);
  });

  it('are stopped again where they did not run before', async () => {
    const before = await services.observe(desired, context);
    await services.apply(desired, context);
    await services.restore(desired, before, context);
    expect(await runningModules(icewarp.directory)).toEqual([]);
  });

  it('run again where they ran until a step of ours stopped them', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    await stopForChange(icewarp.directory, context);
    const before = await services.observe(desired, context);
    expect(before).toMatchObject({ running: [], stopped: MODULES });
    await services.restore(desired, before, context);
    expect(await runningModules(icewarp.directory)).toEqual(MODULES);
  });

  it('have nothing to restore once IceWarp is gone', async () => {
    const gone = { ...desired, directory: join(context.folder, 'gone') };
    expect(await services.restore(gone, null, context)).toEqual([]);
  });

  it('can be restarted once', async () => {
    await services.apply(desired, context);
    const first = await smtp();
    expect((await restartServices.run(desired, context)).seconds).toBeGreaterThan(0);
    expect(await smtp()).not.toBe(first);
  });

  describe('settled at the end of the way back', () => {
    const settle = (): Promise<{ readonly restarted: boolean }> => settleServices.run(desired, context);

    it('run again where a step stopped them and none started them', async () => {
      await ensureStarted(icewarp.directory, context.signal);
      await stopForChange(icewarp.directory, context);
      expect(await settle()).toEqual({ restarted: true });
      expect(await runningModules(icewarp.directory)).toEqual(MODULES);
      const first = await smtp();
      expect(await settle()).toEqual({ restarted: false });
      expect(await smtp()).toBe(first);
    });

    it('restart where they run without what was put back', async () => {
      await ensureStarted(icewarp.directory, context.signal);
      const first = await smtp();
      await markRestart(context.agent, 'setting mailPath put back');
      expect(await settle()).toEqual({ restarted: true });
      expect(await smtp()).not.toBe(first);
    });

    it('stay stopped where they did not serve', async () => {
      await stopForChange(icewarp.directory, context);
      await markRestart(context.agent, 'path.dat put back');
      expect(await settle()).toEqual({ restarted: false });
      expect(await runningModules(icewarp.directory)).toEqual([]);
      expect(await services.observe(desired, context)).toMatchObject({ restartNeeded: [], stopped: [] });
    });

    it('are still owed a start when the first attempt was killed between stop and start', async () => {
      await ensureStarted(icewarp.directory, context.signal);
      await markRestart(context.agent, 'path.dat put back');
      const controller = new AbortController();
      const script = join(icewarp.directory, 'icewarpd.sh');
      const text = await readFile(script, 'utf8');
      await writeFile(script, text.replace('--start)', '--start) continue;'));
      const cut = settleServices.run(desired, { ...context, signal: controller.signal });
      const ended = expect(cut).rejects.toThrow();
      await eventually('all are stopped', async () => (await runningModules(icewarp.directory)).length === 0);
      controller.abort();
      await ended;
      await writeFile(script, text);
      expect(await runningModules(icewarp.directory)).toEqual([]);
      expect(await settle()).toEqual({ restarted: true });
    });

    it('are nothing to settle once IceWarp is gone', async () => {
      const gone = { directory: join(context.folder, 'gone') };
      expect(await settleServices.run(gone, context)).toEqual({ restarted: false });
    });
  });
});
