import { chmod, chown, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { localPlaces, type LocalPlacesInput } from '../../src/activities/local-places.js';
import { linuxMounts } from '../../src/platform/linux-mounts.js';
import { testContext, type TestContext } from '../support/context.js';
import { Sshfs } from '../support/sshfs.js';

const USER = { uid: 1500, gid: 1500 };
let context: TestContext;
let input: LocalPlacesInput;

beforeEach(async () => {
  context = await testContext({}, { mounts: linuxMounts });
  const directory = join(context.folder, 'icewarp');
  const folders = ['temp', 'logs', '_outgoing', '_outgoing/retry', '_incoming'].map((name) =>
    join(context.folder, name),
  );
  for (const folder of [directory, ...folders]) {
    await mkdir(folder);
    await chown(folder, USER.uid, USER.gid);
  }
  input = { directory, folders: folders.map((folder) => `${folder}/`), ...USER };
  await writePathDat(folders.slice(2));
});
afterEach(() => context.remove());

/** The three queues, as path.dat names them. */
function writePathDat([outgoing = '', retry = '', incoming = '']: readonly string[]): Promise<void> {
  const lines: Readonly<Record<number, string>> = { 8: `${outgoing}/`, 9: `${retry}/`, 13: `${incoming}/` };
  const text = Array.from({ length: 17 }, (_, index) => `${lines[index + 1] ?? ''}\r\n`).join('');
  return writeFile(join(context.folder, 'icewarp/path.dat'), text);
}

const broken = async (): Promise<readonly string[]> => (await localPlaces.run(input, context)).broken;
const place = (name: string): string => join(context.folder, name);

describe('a node’s own Temp, Logs and queues', () => {
  it('are as they should be, and nothing is left in them', async () => {
    expect(await broken()).toEqual([]);
    expect(await readdir(place('_incoming'))).toEqual([]);
  });

  it('tells a folder that is missing', async () => {
    await rmdir(place('logs'));
    expect(await broken()).toEqual([`${place('logs')}/ is not there`]);
  });

  it('tells one that the mail server’s user cannot write', async () => {
    await chown(place('temp'), 0, 0);
    await chmod(place('temp'), 0o755);
    expect(await broken()).toEqual([`${place('temp')}/ cannot be written by uid 1500`]);
  });

  it('tells one that lies on a share', async () => {
    await rmdir(place('_incoming'));
    const share = await Sshfs.of(place('logs'), place('_incoming'));
    try {
      expect(await broken()).toEqual([`${place('_incoming')}/ is not on a disk of the node`]);
    } finally {
      await share.unmount();
    }
  });

  it('tells a queue that path.dat names elsewhere, or not at all', async () => {
    await writePathDat([place('_outgoing'), place('_outgoing/retry'), '/mnt/icewarp/share/mail/_incoming']);
    expect(await broken()).toEqual([
      'line 13 of path.dat names /mnt/icewarp/share/mail/_incoming/, not one of these folders',
    ]);
    await writeFile(join(context.folder, 'icewarp/path.dat'), '');
    expect(await broken()).toHaveLength(3);
  });
});
