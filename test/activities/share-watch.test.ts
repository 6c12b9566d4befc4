import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { besideShare } from '../../src/activities/share-watch.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { runCommand } from '../../src/platform/run.js';
import { runActivity } from '../support/activity.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp } from '../support/fake-icewarp.js';

const PACE = { every: 100, patience: 300 };
const { signal } = new AbortController();

let context: TestContext;
let share: string;

/** Whoever opens a pipe without a writer waits in the kernel, as on a hard mount whose server died. */
async function hangs(file: string): Promise<string> {
  const path = join(share, file);
  await runCommand('mkfifo', [path]);
  return path;
}

/** The server is back: what waited goes on. */
async function answersAgain(path: string): Promise<void> {
  await (await open(path, 'r+')).close();
}

beforeEach(async () => {
  context = await testContext();
  share = join(context.folder, 'share');
  await runCommand('mkdir', [share]);
});
afterEach(() => context.remove());

describe('work beside a share', () => {
  it('goes on as long as the share answers, whatever its sentinel says', async () => {
    const work = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return 'done';
    };
    await expect(besideShare(share, signal, work, PACE)).resolves.toBe('done');
  });

  it('is given up, and told to end, when a file operation waits for a dead share', async () => {
    await hangs(SENTINEL);
    const mail = await hangs('message.imap');
    let told: AbortSignal | undefined;
    const work = (inner: AbortSignal): Promise<string> => {
      told = inner;
      return readFile(mail, 'utf8');
    };
    await expect(besideShare(share, signal, work, PACE)).rejects.toMatchObject({
      code: 'SHARE_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('cannot be ended') as unknown,
    });
    expect(told?.aborted).toBe(true);
    await answersAgain(mail);
  });
});

describe('a step that declares where the share is mounted', () => {
  it('fails with a clear word when the share dies, and its next attempt begins only when the first has ended', async () => {
    const icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { C_ConfigPath: '/nowhere/' });
    const to = { config: `${share}/config/`, spam: `${share}/spam/`, calendar: `${share}/calendar/` };
    for (const folder of Object.values(to)) await runCommand('mkdir', [folder]);
    for (const variable of ['C_SpamPath', 'C_CalendarPath']) await icewarp.put(variable, '/nowhere/');
    const sentinel = await hangs(SENTINEL);
    const mark = await hangs('spam/.icewarp-rollout-configuration');
    const desired = { directory: icewarp.directory, to, mount: share, cluster: 'test', node: 'A', uid: 0, gid: 0 };
    const attempt = (): Promise<unknown> =>
      runActivity('node', context.agent, 'sharedConfiguration.check', 'A/sharedConfiguration', desired);

    await expect(attempt()).rejects.toMatchObject({ type: 'SHARE_UNREACHABLE', nonRetryable: false });
    const looks = (await icewarp.calls()).length;
    await runCommand('rm', [sentinel]);
    const second = attempt();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await icewarp.calls()).toHaveLength(looks);
    await runCommand('mv', [mark, `${mark}.gone`]);
    await answersAgain(`${mark}.gone`);
    await expect(second).resolves.toMatchObject({ before: { joined: false } });
    expect((await icewarp.calls()).length).toBeGreaterThan(looks);
  });
});
