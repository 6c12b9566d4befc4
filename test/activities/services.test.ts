import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { markRestart, stopForChange } from '../../src/activities/restart-marker.js';
import { restartServices } from '../../src/activities/restart-services.js';
import { services, type ServicesDesired } from '../../src/activities/services.js';
import { ensureStarted, MODULES, runningModules } from '../../src/icewarp/control.js';
import { testContext, type TestContext } from '../support/context.js';
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
});
