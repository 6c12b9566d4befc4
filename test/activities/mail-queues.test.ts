import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { mailQueues, type MailQueuesDesired } from '../../src/activities/mail-queues.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const ORIGINAL = '\r\nhtml/\r\n';
const WAITING = { '_outgoing/1.dat': 'one', '_outgoing/retry/2.dat': 'two', '_incoming/3.dat': 'three' };

describe('the queues of the first node', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: MailQueuesDesired;
  let mail: string;
  let local: string;

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { C_System_Storage_Dir_MailPath: 'mail/' });
    mail = join(icewarp.directory, 'mail');
    local = join(context.folder, 'local/queues');
    for (const [name, text] of Object.entries(WAITING)) await put(join(mail, name), text);
    for (const folder of ['_outgoing/retry', '_incoming']) await mkdir(join(local, folder), { recursive: true });
    await writeFile(join(icewarp.directory, 'path.dat'), ORIGINAL);
    const queues = {
      outgoing: `${local}/_outgoing/`,
      retry: `${local}/_outgoing/retry/`,
      incoming: `${local}/_incoming/`,
    };
    desired = { directory: icewarp.directory, queues, owner: { uid: 1234, gid: 1235 } };
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  const put = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  const pathDat = (): Promise<string> => readFile(join(icewarp.directory, 'path.dat'), 'utf8');

  it('move to its own disk with what waits in them, and path.dat then names them', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    await rm(join(mail, '_incoming/3.dat'));
    const before = await mailQueues.observe(desired, context);
    expect(before).toMatchObject({
      waiting: 2,
      queues: { outgoing: `${mail}/_outgoing`, retry: `${mail}/_outgoing/retry` },
    });
    expect(mailQueues.diff(desired, before).map(({ what }) => what)).toEqual([
      'outgoing queue',
      'retry queue',
      'incoming queue',
    ]);
    await mailQueues.apply(desired, context);
    expect(await filesBelow(local)).toEqual({ '_outgoing/1.dat': 'one', '_outgoing/retry/2.dat': 'two' });
    expect(await stat(join(local, '_outgoing/retry/2.dat'))).toMatchObject({ uid: 1234, gid: 1235 });
    expect((await stat(join(local, '_outgoing/retry'))).mode & 0o777).toBe(0o750);
    expect((await readdir(mail)).sort()).toEqual(['_incoming', '_outgoing.icewarp-rollout-moved-1']);
    expect((await pathDat()).split('\n').slice(0, 2)).toEqual(['', 'html/']);
    expect(await runningModules(icewarp.directory)).toEqual([]);
    expect((await readMarker(context.agent)).stopped).toContain('smtp');
    const after = await mailQueues.observe(desired, context);
    expect(after).toMatchObject({ waiting: 2 });
    expect(mailQueues.diff(desired, after)).toEqual([]);
  });

  it('take along what nobody delivers any more', async () => {
    await mailQueues.apply(desired, context);
    expect(await filesBelow(local)).toEqual(WAITING);
  });

  it('move back with what waits then, and not with what was sent meanwhile', async () => {
    await chmod(join(mail, '_outgoing/retry'), 0o711);
    const before = await mailQueues.observe(desired, context);
    await mailQueues.apply(desired, context);
    await rm(join(local, '_outgoing/1.dat'));
    await put(join(local, '_outgoing/4.dat'), 'four');
    const kept = await mailQueues.restore(desired, before, context);
    expect(await filesBelow(join(mail, '_outgoing'))).toEqual({ '4.dat': 'four', 'retry/2.dat': 'two' });
    expect(await filesBelow(join(mail, '_incoming'))).toEqual({ '3.dat': 'three' });
    expect(await filesBelow(local)).toEqual({});
    expect(await pathDat()).toBe(ORIGINAL);
    expect((await stat(join(mail, '_outgoing/retry'))).mode & 0o777).toBe(0o711);
    expect(kept).toEqual([
      `${mail}/_outgoing.icewarp-rollout-moved-1 keeps 2 messages as they were when they moved`,
      `${mail}/_incoming.icewarp-rollout-moved-1 keeps 1 messages as they were when they moved`,
    ]);
  });

  it('get rights of their own again when they move once more, whatever the old place has', async () => {
    const before = await mailQueues.observe(desired, context);
    await mailQueues.apply(desired, context);
    await mailQueues.restore(desired, before, context);
    await chmod(join(mail, '_outgoing'), 0o700);
    await mailQueues.apply(desired, context);
    const { mode, uid, gid } = await stat(join(local, '_outgoing'));
    expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o750, uid: 1234, gid: 1235 });
    expect(await filesBelow(local)).toEqual(WAITING);
  });

  it('stay where they are while the new place holds messages that do not wait in the old one', async () => {
    await put(join(local, '_outgoing/sent-long-ago.dat'), 'again');
    const before = await mailQueues.observe(desired, context);
    await expect(mailQueues.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_FOREIGN' });
    expect(await pathDat()).toBe(ORIGINAL);
    expect(await mailQueues.restore(desired, before, context)).toEqual([]);
    expect(await filesBelow(local)).toEqual({ '_outgoing/sent-long-ago.dat': 'again' });
    expect(await filesBelow(mail)).toEqual(WAITING);
  });

  it('wait in the old place again after a move that was cut short before path.dat was written', async () => {
    const before = await mailQueues.observe(desired, context);
    await mailQueues.apply(desired, context);
    await writeFile(join(icewarp.directory, 'path.dat'), ORIGINAL);
    await put(join(mail, '_outgoing/5.dat'), 'five');
    expect(await mailQueues.restore(desired, before, context)).toEqual([]);
    expect(await filesBelow(mail)).toEqual({ ...WAITING, '_outgoing/5.dat': 'five' });
    expect(await filesBelow(local)).toEqual({});
  });

  it('move from where path.dat names them, each from its own place', async () => {
    const own = join(context.folder, 'own');
    await mkdir(own);
    await rename(join(mail, '_outgoing/retry'), join(own, 'again'));
    await rename(join(mail, '_outgoing'), join(own, 'out'));
    await rename(join(mail, '_incoming'), join(own, 'in'));
    const lines = Array.from({ length: 13 }, () => '');
    [lines[7], lines[8], lines[12]] = [`${own}/out/`, `${own}/again/`, `${own}/in/`];
    await writeFile(join(icewarp.directory, 'path.dat'), `${lines.join('\n')}\n`);
    const before = await mailQueues.observe(desired, context);
    await mailQueues.apply(desired, context);
    expect(await filesBelow(local)).toEqual(WAITING);
    await mailQueues.restore(desired, before, context);
    expect(await filesBelow(local)).toEqual({});
    expect(await filesBelow(join(own, 'again'))).toEqual({ '2.dat': 'two' });
    expect(await filesBelow(join(own, 'out'))).toEqual({ '1.dat': 'one' });
  });
});

/** Path → text of every file below a folder. */
async function filesBelow(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const found = files
    .sort()
    .map(async (file) => [file.slice(folder.length + 1), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(found));
}
