import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { removeMark, writeMark } from '../../src/activities/configuration-mark.js';
import { pathDat, type PathDatDesired } from '../../src/activities/path-dat.js';
import { sharedConfiguration, type SharedConfigurationDesired } from '../../src/activities/shared-configuration.js';
import { readMarker, stopForChange } from '../../src/activities/restart-marker.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const ORIGINAL = '\r\nhtml/\r\n\r\n\r\n\\\\srv\\share;user;canary\r\n';

describe('path.dat of a node', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: PathDatDesired;
  let config: string;
  const file = (): string => join(icewarp.directory, 'path.dat');

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'));
    config = join(context.folder, 'share/config/');
    await mkdir(config, { recursive: true });
    await writeFile(join(config, 'settings.cfg'), 'x');
    await writeMark(config, { cluster: 'lab', node: 'A', hash: 'h' }, { uid: 0, gid: 0 });
    const lines = { 1: config, 4: '10', 10: '', 14: '0' };
    desired = { directory: icewarp.directory, lines, cluster: 'lab' };
  });
  afterEach(async () => {
    await rm(file(), { force: true });
    await icewarp.stop();
    await context.remove();
  });

  it('gets its lines, keeps the others, and shows nobody line 5', async () => {
    await writeFile(file(), ORIGINAL, { mode: 0o600 });
    const before = await pathDat.observe(desired, context);
    expect(JSON.stringify([before, pathDat.diff(desired, before)])).not.toContain('canary');
    await pathDat.apply(desired, context);
    const lines = (await readFile(file(), 'utf8')).split('\n');
    expect(lines.slice(0, 5)).toEqual([config, 'html/', '', '10', '\\\\srv\\share;user;canary']);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(pathDat.diff(desired, await pathDat.observe(desired, context))).toEqual([]);
  });

  it('is written only when the services have stopped, and marks what ran and why they must restart', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    await pathDat.apply(desired, context);
    expect(await runningModules(icewarp.directory)).toEqual([]);
    const { reasons, stopped } = await readMarker(context.agent);
    expect(reasons).toEqual(['path.dat']);
    expect(stopped).toContain('smtp');
  });

  it.each([
    ['holds no settings', () => writeFile(join(config, 'settings.cfg'), '')],
    ['is missing', () => rm(config, { recursive: true })],
    [
      'was copied for another cluster',
      () => writeMark(config, { cluster: 'other', node: 'A', hash: '' }, { uid: 0, gid: 0 }),
    ],
  ])('is not pointed at a configuration that %s', async (_, spoil) => {
    await spoil();
    await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_EMPTY' });
    await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is put back byte for byte', async () => {
    await writeFile(file(), ORIGINAL);
    const before = await pathDat.observe(desired, context);
    await pathDat.apply(desired, context);
    await pathDat.restore(desired, before, context);
    expect(await readFile(file(), 'utf8')).toBe(ORIGINAL);
  });

  it('goes away again where there was none', async () => {
    const before = await pathDat.observe(desired, context);
    await pathDat.apply(desired, context);
    await pathDat.restore(desired, before, context);
    await pathDat.restore(desired, before, context);
    await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not put back over what somebody else wrote', async () => {
    const before = await pathDat.observe(desired, context);
    await pathDat.apply(desired, context);
    await writeFile(file(), (await readFile(file(), 'utf8')).replace('\n10\n', '\n77\n'));
    await expect(pathDat.restore(desired, before, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });

  it('is not given up when the vault has lost the original', async () => {
    const before = await pathDat.observe(desired, context);
    expect(await pathDat.restore(desired, before, context)).toEqual([]);
    await pathDat.apply(desired, context);
    await context.vault.close();
    await expect(pathDat.restore(desired, before, context)).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  });

  describe('where the queues move', () => {
    let waiting: string;
    const MAIL = 'C_System_Storage_Dir_MailPath';

    beforeEach(async () => {
      const queues = join(context.folder, 'queues');
      desired = { ...desired, lines: { ...desired.lines, 8: `${queues}/_outgoing/`, 13: `${queues}/_incoming/` } };
      await icewarp.put(MAIL, 'mail/');
      waiting = join(icewarp.directory, 'mail/_outgoing/1.dat');
      await mkdir(join(icewarp.directory, 'mail/_outgoing'), { recursive: true });
      await mkdir(join(queues, '_incoming'), { recursive: true });
    });

    it('waits for what is in them, with the services running', async () => {
      await writeFile(waiting, 'x');
      await ensureStarted(icewarp.directory, context.signal);
      await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      expect(await runningModules(icewarp.directory)).toContain('smtp');
      await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
      await rm(waiting);
      await pathDat.apply(desired, context);
      expect(pathDat.diff(desired, await pathDat.observe(desired, context))).toEqual([]);
    });

    it('starts again what an attempt that was killed had stopped', async () => {
      await ensureStarted(icewarp.directory, context.signal);
      await stopForChange(icewarp.directory, context);
      await writeFile(waiting, 'x');
      await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      expect(await runningModules(icewarp.directory)).toContain('smtp');
    });

    it('waits on the way back too', async () => {
      const before = await pathDat.observe(desired, context);
      await pathDat.apply(desired, context);
      const queued = join(context.folder, 'queues/_incoming/1.dat');
      await writeFile(queued, 'x');
      await expect(pathDat.restore(desired, before, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      expect((await stat(file())).isFile()).toBe(true);
      await rm(queued);
      expect(await pathDat.restore(desired, before, context)).toEqual([]);
    });

    it('does not wait where they stay', async () => {
      await pathDat.apply(desired, context);
      await writeFile(join(context.folder, 'queues/_incoming/1.dat'), 'x');
      await pathDat.apply({ ...desired, lines: { ...desired.lines, 16: '127.0.0.3' } }, context);
      expect(await readFile(file(), 'utf8')).toContain('127.0.0.3');
    });
  });

  describe('of a node that joins', () => {
    beforeEach(() => {
      desired = { ...desired, joins: true, own: ['probe@example.com'] };
    });

    it('refuses one with accounts of its own, ours apart', async () => {
      await writeFile(join(icewarp.directory, 'account/probe@example.com'), '0');
      await writeFile(join(icewarp.directory, 'account/user@example.com'), '0');
      await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'ACCOUNTS_PRESENT' });
      await rm(join(icewarp.directory, 'account/user@example.com'));
      await pathDat.apply(desired, context);
      // From now on the accounts are everybody's.
      await writeFile(join(icewarp.directory, 'account/user@example.com'), '0');
      await pathDat.apply({ ...desired, lines: { ...desired.lines, 16: '127.0.0.3' } }, context);
    });

    it('refuses one with mail of its own', async () => {
      await icewarp.put('C_System_Storage_Dir_MailPath', 'mail/');
      await mkdir(join(icewarp.directory, 'mail/example.com'), { recursive: true });
      await writeFile(join(icewarp.directory, 'mail/example.com/1.imap'), 'x');
      await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'ACCOUNTS_PRESENT' });
      await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  describe('of the node whose configuration was copied', () => {
    const shared = (): string => join(context.folder, 'share/config/settings.cfg');
    const local = (): string => join(icewarp.directory, 'config/settings.cfg');
    let copy: SharedConfigurationDesired;

    beforeEach(async () => {
      const { directory } = icewarp;
      const mount = context.folder;
      await writeFile(join(mount, SENTINEL), sentinelText('lab'));
      await rm(config, { recursive: true });
      const to = { config, spam: `${mount}/share/spam/`, calendar: `${mount}/share/calendar/` };
      for (const [part, name] of [
        ['config', 'Config'],
        ['spam', 'Spam'],
        ['calendar', 'Calendar'],
      ] as const) {
        await mkdir(join(directory, part), { recursive: true });
        await icewarp.put(`C_${name}Path`, `${directory}/${part}/`);
      }
      await writeFile(local(), 'as it was copied');
      copy = { directory, mount, to, cluster: 'lab', node: 'A', uid: 0, gid: 0 };
      await sharedConfiguration.apply(copy, context);
      desired = { ...desired, lines: { ...desired.lines, 6: to.spam, 7: to.calendar } };
    });

    it('takes along what the node changed since', async () => {
      await writeFile(local(), 'changed by a service that was started');
      await pathDat.apply(desired, context);
      expect(await readFile(shared(), 'utf8')).toBe('changed by a service that was started');
    });

    it('waits for one more pass over a calendar folder that passes have brought there', async () => {
      const { agent } = context;
      const own = { ...context, agent: { ...agent, config: { ...agent.config, cluster: 'lab' } } };
      const [calendar, there] = [join(icewarp.directory, 'calendar'), join(context.folder, 'share/calendar')];
      await removeMark(there);
      await writeFile(join(calendar, 'one'), 'one');
      await sharedConfiguration.apply({ ...copy, calendarByPasses: true }, own);
      await writeFile(join(calendar, 'late'), 'late');
      await pathDat.apply(desired, own);
      expect(await readFile(join(there, 'late'), 'utf8')).toBe('late');
      expect(pathDat.diff(desired, await pathDat.observe(desired, own))).toEqual([]);
    });

    it('goes on where the second copy was cut short', async () => {
      await writeFile(local(), 'changed');
      await rm(config, { recursive: true });
      await pathDat.apply(desired, context);
      expect(await readFile(shared(), 'utf8')).toBe('changed');
    });

    it('is not written where both have changed', async () => {
      await writeFile(local(), 'changed');
      await writeFile(shared(), 'changed there');
      await expect(pathDat.apply(desired, context)).rejects.toMatchObject({ code: 'CONFIG_FOREIGN' });
      await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
});
