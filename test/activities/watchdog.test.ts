import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { watchdog, type WatchdogDesired } from '../../src/activities/watchdog.js';
import { WATCHDOG } from '../../src/icewarp/variables.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

let context: TestContext;
let icewarp: FakeIceWarp;
let off: WatchdogDesired;
let again: WatchdogDesired;

beforeEach(async () => {
  context = await testContext();
  const directory = join(context.folder, 'icewarp');
  icewarp = await fakeIceWarp(directory, { [WATCHDOG.smtp]: '1', [WATCHDOG.pop3]: '1', [WATCHDOG.im]: '0' });
  off = { directory, state: 'off' };
  again = { directory, state: 'before' };
});
afterEach(async () => {
  await icewarp.stop();
  await context.remove();
});

const values = async (): Promise<string> =>
  (await Promise.all([WATCHDOG.smtp, WATCHDOG.pop3, WATCHDOG.im].map((name) => icewarp.value(name)))).join('');

async function check(desired: WatchdogDesired): Promise<number> {
  return watchdog.diff(desired, await watchdog.observe(desired, context)).length;
}

describe('the watchdog of a node', () => {
  it('is switched off where it is on, and is then as before', async () => {
    expect(await check(again)).toBe(0);
    const before = await watchdog.observe(off, context);
    expect(watchdog.diff(off, before)).toEqual([
      { what: 'watchdog of smtp, pop3', before: 'on', after: 'off until the nodes serve' },
    ]);
    await watchdog.apply(off, context);
    expect(await values()).toBe('000');
    expect(await check(off)).toBe(0);
    expect(await check(again)).toBe(1);
    await watchdog.apply(again, context);
    expect(await values()).toBe('110');
    expect([await check(again), await check(off)]).toEqual([0, 1]);
  });

  it('is remembered when the step is killed between two variables', async () => {
    await watchdog.apply(off, context);
    await icewarp.put(WATCHDOG.pop3, '1');
    expect(await check(off)).toBe(1);
    await watchdog.apply(off, context);
    expect(await values()).toBe('000');
    await watchdog.apply(again, context);
    expect(await values()).toBe('110');
  });

  it('is put back, from each of its two steps', async () => {
    const beforeOff = await watchdog.observe(off, context);
    await watchdog.apply(off, context);
    const beforeAgain = await watchdog.observe(again, context);
    await watchdog.apply(again, context);
    // what goes back stops services too
    expect(await watchdog.restore(again, beforeAgain, context)).toEqual([]);
    expect(await values()).toBe('000');
    expect(await watchdog.restore(off, beforeOff, context)).toEqual([]);
    expect(await values()).toBe('110');
    expect(await check(again)).toBe(0);
  });

  it('is left alone where nothing is installed', async () => {
    const nowhere = { ...off, directory: join(context.folder, 'nowhere') };
    expect(await check(nowhere)).toBe(0);
    expect(await watchdog.restore(nowhere, null, context)).toEqual([]);
  });
});
