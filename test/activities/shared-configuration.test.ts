import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { MARK, readMark, writeMark } from '../../src/activities/configuration-mark.js';
import { sharedConfiguration, type SharedConfigurationDesired } from '../../src/activities/shared-configuration.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const PARTS = ['config', 'spam', 'calendar'] as const;

describe('the shared configuration', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: SharedConfigurationDesired;
  let share: string;
  const settings = (): string => join(share, 'config/settings.cfg');

  beforeEach(async () => {
    context = await testContext();
    const mount = join(context.folder, 'mount');
    share = join(mount, 'share');
    const directory = join(context.folder, 'icewarp');
    icewarp = await fakeIceWarp(directory, {
      C_ConfigPath: `${directory}/config/`,
      C_SpamPath: `${directory}/spam/`,
      C_CalendarPath: `${directory}/calendar/`,
    });
    for (const part of PARTS) {
      await mkdir(join(share, part), { recursive: true });
      await mkdir(join(directory, part, 'deep'), { recursive: true });
      await writeFile(join(directory, part, 'deep/file'), part);
    }
    await writeFile(join(directory, 'config/settings.cfg'), 'the settings');
    const [config, spam, calendar] = PARTS.map((part) => `${join(share, part)}/`) as [string, string, string];
    const to = { config, spam, calendar };
    desired = { directory, mount, to, cluster: 'lab', node: 'A', uid: 1234, gid: 1235 };
    await writeFile(join(mount, SENTINEL), sentinelText('lab'));
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  it('is the first node’s, copied whole and marked', async () => {
    await sharedConfiguration.apply(desired, context);
    expect(await readFile(settings(), 'utf8')).toBe('the settings');
    expect(await readFile(join(share, 'spam/deep/file'), 'utf8')).toBe('spam');
    expect((await readdir(share)).sort()).toEqual(['calendar', 'config', 'spam']);
    expect(sharedConfiguration.diff(desired, await sharedConfiguration.observe(desired, context))).toEqual([]);
  });

  it('is never copied over one that is in use, whatever the local one says by now', async () => {
    await sharedConfiguration.apply(desired, context);
    await writeFile(settings(), 'changed on the share');
    await sharedConfiguration.apply(desired, context);
    expect(await readFile(settings(), 'utf8')).toBe('changed on the share');
    await writeFile(join(icewarp.directory, 'config/settings.cfg'), 'changed locally');
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_FOREIGN' });
    expect(await readFile(settings(), 'utf8')).toBe('changed on the share');
  });

  it('is copied again where the node went on with its own after an earlier rollout', async () => {
    await sharedConfiguration.apply(desired, context);
    await writeFile(join(icewarp.directory, 'config/settings.cfg'), 'changed locally');
    const observed = await sharedConfiguration.observe(desired, context);
    const changes = sharedConfiguration.diff(desired, observed);
    expect(changes).toEqual([expect.objectContaining({ what: desired.to.config, before: 'stale' })]);
    await sharedConfiguration.apply(desired, context);
    expect(await readFile(settings(), 'utf8')).toBe('changed locally');
    expect(sharedConfiguration.diff(desired, await sharedConfiguration.observe(desired, context))).toEqual([]);
  });

  it.each([
    ['of another node', (hash: string) => ({ cluster: 'lab', node: 'B', hash })],
    ['that was never finished', () => ({ cluster: 'lab', node: 'A', hash: '' })],
  ])('is not taken for ours with a mark %s', async (_, mark) => {
    await sharedConfiguration.apply(desired, context);
    const { hash } = (await readMark(desired.to.config)) ?? { hash: 'none' };
    await writeMark(desired.to.config, mark(hash), desired);
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_FOREIGN' });
  });

  it('is neither copied nor taken away while the share is not mounted', async () => {
    const before = await sharedConfiguration.observe(desired, context);
    await sharedConfiguration.apply(desired, context);
    await rm(join(desired.mount, SENTINEL));
    const held = { code: 'SHARE_NOT_MOUNTED' };
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject(held);
    await expect(sharedConfiguration.restore(desired, before, context)).rejects.toMatchObject(held);
    await writeFile(join(desired.mount, SENTINEL), sentinelText('other'));
    await expect(sharedConfiguration.restore(desired, before, context)).rejects.toMatchObject(held);
    expect(await readFile(settings(), 'utf8')).toBe('the settings');
  });

  it('is not copied, and the services go on, while a message waits in a queue', async () => {
    await icewarp.put('C_System_Storage_Dir_MailPath', 'mail/');
    await mkdir(join(icewarp.directory, 'mail/_incoming'), { recursive: true });
    await writeFile(join(icewarp.directory, 'mail/_incoming/1.dat'), 'x');
    await ensureStarted(icewarp.directory, context.signal);
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
    expect(await runningModules(icewarp.directory)).toContain('smtp');
    expect((await readMarker(context.agent)).stopped).toEqual([]);
    expect(await readdir(join(share, 'config'))).toEqual([]);
  });

  it('is never copied once path.dat points at the share, with a mark or without', async () => {
    await writeFile(join(icewarp.directory, 'path.dat'), `${desired.to.config}\r\n`);
    await writeFile(settings(), 'in use');
    const observed = await sharedConfiguration.observe(desired, context);
    expect(sharedConfiguration.diff(desired, observed)).toEqual([]);
    await sharedConfiguration.apply(desired, context);
    expect(await readFile(settings(), 'utf8')).toBe('in use');
  });

  it('is not copied over files of somebody else', async () => {
    await writeFile(join(share, 'spam/theirs'), 'x');
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_FOREIGN' });
    expect(await readdir(join(share, 'config'))).toEqual([]);
  });

  it('is not made of a configuration without settings', async () => {
    await writeFile(join(icewarp.directory, 'config/settings.cfg'), '');
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_EMPTY' });
  });

  it('goes on where it was cut short', async () => {
    const before = await sharedConfiguration.observe(desired, context);
    await sharedConfiguration.apply(desired, context);
    // As if the last rename had not happened: half a copy beside an empty place.
    await sharedConfiguration.restore(desired, before, context);
    await mkdir(join(share, 'config.new'));
    await writeFile(join(share, 'config.new', MARK), '{"cluster":"lab","node":"A","hash":""}');
    await writeFile(join(share, 'config.new/half'), 'x');
    await sharedConfiguration.apply(desired, context);
    expect(await readdir(join(share, 'config'))).not.toContain('half');
    expect(await readFile(settings(), 'utf8')).toBe('the settings');
  });

  it('is taken away when nobody changed it, and the folders are as before', async () => {
    const before = await sharedConfiguration.observe(desired, context);
    await sharedConfiguration.apply(desired, context);
    expect(await sharedConfiguration.restore(desired, before, context)).toEqual([]);
    expect(await sharedConfiguration.restore(desired, before, context)).toEqual([]);
    expect(await sharedConfiguration.observe(desired, context)).toEqual(before);
    expect(await readFile(join(icewarp.directory, 'config/settings.cfg'), 'utf8')).toBe('the settings');
  });

  it('is kept where somebody changed it, and then counts as foreign', async () => {
    const before = await sharedConfiguration.observe(desired, context);
    await sharedConfiguration.apply(desired, context);
    await writeFile(settings(), 'changed on the share');
    const kept = await sharedConfiguration.restore(desired, before, context);
    expect(kept).toEqual([expect.stringContaining(desired.to.config)]);
    expect(await readFile(settings(), 'utf8')).toBe('changed on the share');
    await expect(sharedConfiguration.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_FOREIGN' });
  });

  it('stays while path.dat points at it', async () => {
    const before = await sharedConfiguration.observe(desired, context);
    await sharedConfiguration.apply(desired, context);
    await writeFile(join(icewarp.directory, 'path.dat'), `${desired.to.config}\n`);
    const restored = sharedConfiguration.restore(desired, before, context);
    await expect(restored).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });
});
