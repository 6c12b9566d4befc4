import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeMark } from '../../src/activities/configuration-mark.js';
import { pathDat, type PathDatDesired } from '../../src/activities/path-dat.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
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
});
