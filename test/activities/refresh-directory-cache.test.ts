import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { refreshDirectoryCache } from '../../src/activities/refresh-directory-cache.js';
import { REFRESH_DIRECTORY_CACHE } from '../../src/icewarp/variables.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp } from '../support/fake-icewarp.js';

describe('the refresh of the directory cache', () => {
  let context: TestContext;

  beforeEach(async () => {
    context = await testContext();
  });
  afterEach(() => context.remove());

  it('is asked for by the one variable that is documented for it', async () => {
    const icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { [REFRESH_DIRECTORY_CACHE]: '0' });
    expect(await refreshDirectoryCache.run(icewarp, context)).toEqual({ asked: true });
    expect(await icewarp.value(REFRESH_DIRECTORY_CACHE)).toBe('1');
  });

  it('is not asked of a version that has no such cache', async () => {
    const icewarp = await fakeIceWarp(join(context.folder, 'icewarp'));
    expect(await refreshDirectoryCache.run(icewarp, context)).toEqual({ asked: false });
    expect((await icewarp.calls()).filter((call) => call.startsWith('set'))).toEqual([]);
  });
});
