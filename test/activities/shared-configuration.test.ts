import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, chown, cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { MARK, readMark, writeMark } from '../../src/activities/configuration-mark.js';
import { assertOldMailCopied } from '../../src/activities/old-mail.js';
import { noteOpened } from '../../src/activities/opened.js';
import { sharedConfiguration, type SharedConfigurationDesired } from '../../src/activities/shared-configuration.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { stateFile } from '../../src/activities/state-file.js';
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

  describe('that users have worked with', () => {
    const local = (path: string): string => join(icewarp.directory, path);
    let before: Awaited<ReturnType<typeof sharedConfiguration.observe>>;

    beforeEach(async () => {
      before = await sharedConfiguration.observe(desired, context);
      await sharedConfiguration.apply(desired, context);
      await noteOpened(context.agent, 'configuration', true);
      await writeFile(settings(), 'changed by an administrator');
      await writeFile(join(share, 'config/new'), 'new');
      await rename(join(share, 'spam/deep/file'), join(share, 'spam/renamed'));
      await chmod(local('config/settings.cfg'), 0o640);
      await chown(local('config/settings.cfg'), 77, 78);
    });

    it('comes back to the node’s own folders with deletions and renames, and nothing is deleted for good', async () => {
      await ensureStarted(icewarp.directory, context.signal);
      const kept = await sharedConfiguration.restore(desired, before, context);
      expect(await runningModules(icewarp.directory)).toEqual([]);
      expect(await readFile(local('config/settings.cfg'), 'utf8')).toBe('changed by an administrator');
      const { uid, gid, mode } = await stat(local('config/settings.cfg'));
      expect([uid, gid, mode & 0o777]).toEqual([77, 78, 0o640]);
      expect(await readdir(local('config'))).toEqual(['deep', 'new', 'settings.cfg']);
      expect(await readdir(local('spam'), { recursive: true })).toEqual(['deep', 'renamed']);
      expect(await readFile(local('config.icewarp-rollout-replaced-1/settings.cfg'), 'utf8')).toBe('the settings');
      expect(await readFile(local('spam.icewarp-rollout-replaced-1/deep/file'), 'utf8')).toBe('spam');
      expect(await readdir(join(share, 'config.icewarp-rollout-used-1'))).toContain('new');
      expect(await readdir(share)).toHaveLength(6);
      // what nobody has changed needs no new copy
      expect(await readdir(icewarp.directory)).not.toContain('calendar.icewarp-rollout-replaced-1');
      expect(kept).toHaveLength(5);
      expect(await sharedConfiguration.restore(desired, before, context)).toEqual(kept);
      expect(await sharedConfiguration.observe(desired, context)).toEqual(before);
    });

    it('can be copied to the share by a new start', async () => {
      await sharedConfiguration.restore(desired, before, context);
      await noteOpened(context.agent, 'configuration', false);
      await writeFile(local('config/settings.cfg'), 'paths as before');
      await sharedConfiguration.apply(desired, context);
      expect(await readFile(settings(), 'utf8')).toBe('paths as before');
      expect(sharedConfiguration.diff(desired, await sharedConfiguration.observe(desired, context))).toEqual([]);
    });

    it.each([
      ['while it was being copied', 'half'],
      ['between its two renames', 'whole'],
    ])('is brought back although that was cut off %s, and IceWarp is not asked meanwhile', async (_, how) => {
      const own = { config: local('config/'), spam: local('spam/'), calendar: local('calendar/') };
      await stateFile(context.agent, 'configuration-back').write(own);
      await cp(join(share, 'config'), local('config.icewarp-rollout-new'), { recursive: true });
      await rm(local(`config.icewarp-rollout-new/${MARK}`));
      if (how === 'half') await rm(local('config.icewarp-rollout-new/settings.cfg'));
      else await rename(local('config'), local('config.icewarp-rollout-replaced-1'));
      const asked = await icewarp.calls();
      await sharedConfiguration.restore(desired, before, context);
      expect(await icewarp.calls()).toEqual(asked);
      expect(await readFile(local('config/settings.cfg'), 'utf8')).toBe('changed by an administrator');
      expect(await readFile(local('config.icewarp-rollout-replaced-1/settings.cfg'), 'utf8')).toBe('the settings');
      expect(await readdir(icewarp.directory)).not.toContain('config.icewarp-rollout-new');
    });

    it('is left alone where it is not the node’s', async () => {
      await writeMark(desired.to.config, { cluster: 'other', node: 'A', hash: 'x' }, desired);
      await expect(sharedConfiguration.restore(desired, before, context)).rejects.toMatchObject({
        code: 'CONFIG_FOREIGN',
      });
      expect(await readFile(local('config/settings.cfg'), 'utf8')).toBe('the settings');
    });
  });

  describe('whose calendar folder passes bring there', () => {
    beforeEach(() => {
      desired = { ...desired, calendarByPasses: true };
      // what a step copies is looked for with the agent's own cluster
      const { agent } = context;
      context = { ...context, agent: { ...agent, config: { ...agent.config, cluster: 'lab' } } };
    });

    const mark = (): Promise<unknown> => readMark(desired.to.calendar);

    it('is marked, not copied, once all of it is there', async () => {
      const before = await sharedConfiguration.observe(desired, context);
      expect(before?.parts.calendar.state).toBe('stale');
      await assertOldMailCopied(icewarp.directory, 'calendar', desired.to.calendar, context);
      expect((await sharedConfiguration.observe(desired, context))?.parts.calendar.state).toBe('unmarked');
      await sharedConfiguration.apply(desired, context);
      expect(await mark()).toMatchObject({ cluster: 'lab', node: 'A' });
      expect(sharedConfiguration.diff(desired, await sharedConfiguration.observe(desired, context))).toEqual([]);
      // path.dat waits for what has come in since
      await writeFile(join(icewarp.directory, 'calendar/late'), 'late');
      expect((await sharedConfiguration.observe(desired, context))?.parts.calendar.state).toBe('stale');
      await sharedConfiguration.apply(desired, context);
      expect(await readFile(join(share, 'calendar/late'), 'utf8')).toBe('late');
      await sharedConfiguration.restore(desired, before, context);
      expect(await mark()).toBeNull();
      expect(await readFile(join(share, 'calendar/late'), 'utf8')).toBe('late');
    });
  });
});
