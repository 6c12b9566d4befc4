import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { PathScanInput, PathScanned } from '../../../src/activities/path-scan.js';
import { SETTINGS, settingVariable, type SettingName } from '../../../src/icewarp/variables.js';
import { Sandbox } from './sandbox.js';

const SHARE = '/srv/share';
const MYSQL = 'iw;user;secret;192.0.2.40;3;2';
/** As the rollout writes them. */
const WRITTEN: Readonly<Partial<Record<SettingName, string>>> = {
  accountsDatabase: MYSQL,
  groupwareDatabase: MYSQL,
  antispamDatabase: MYSQL,
  directoryCacheDatabase: MYSQL,
  activeSyncDatabase: 'mysql:host=192.0.2.40;port=3306;dbname=eas',
  spamReportsDatabase: 'mysql:host=192.0.2.40;port=3306;dbname=reports',
  mailPath: `${SHARE}/mail/`,
  tempPath: '/opt/icewarp-local/temp/',
  logPath: '/opt/icewarp-local/logs/',
  fullTextPath: `${SHARE}/_yodaidx/`,
};

let folder: string;
let node: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-paths-'));
  node = await Sandbox.start(folder, 'paths', `127.97.${(process.pid % 200) + 1}.11`);
  await node.install('--user', 'icewarp');
});

afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

async function scan(repointed: readonly SettingName[]): Promise<PathScanned> {
  const [config, spam, calendar] = ['config', 'spam', 'calendar'].map((name) => `${SHARE}/${name}/`) as [
    string,
    string,
    string,
  ];
  const to = { config, spam, calendar, mail: `${SHARE}/mail/`, archive: `${SHARE}/archives/` };
  const input: PathScanInput = { directory: '/opt/icewarp', to, repointed };
  const script = join(import.meta.dirname, 'scan-paths.js');
  const { stdout } = await node.run(process.execPath, script, JSON.stringify(input));
  return JSON.parse(stdout) as PathScanned;
}

describe('the configuration of a stand-in', () => {
  it('is held while its databases are SQLite files of its own, unless steps are still to write them', async () => {
    const fresh = await scan([]);
    expect(fresh.holds).toBe(5);
    expect(fresh.first[0]).toContain(`(${SETTINGS.mailPath.variable}) absolute "/opt/icewarp/mail/"`);
    expect(fresh.first[1]).toContain('sqlite "config/accounts.db"');
    const names = Object.keys(WRITTEN) as SettingName[];
    expect(await scan(names)).toMatchObject({ holds: 0, repointed: 5, allowed: 1 });
  });

  it('names nothing of one node only, once the rollout has written its settings', async () => {
    for (const [name, value] of Object.entries(WRITTEN)) {
      const { variable } = settingVariable(name as SettingName);
      expect((await node.tool('set', 'system', variable, value)).exitCode).toBe(0);
    }
    expect(await scan([])).toMatchObject({ first: [], holds: 0, repointed: 0, allowed: 1 });
    expect((await node.tool('set', 'system', SETTINGS.archiveEnabled.variable, '1')).exitCode).toBe(0);
    expect((await scan([])).first).toEqual([expect.stringContaining(`(${SETTINGS.archivePath.variable}) relative`)]);
  });
});
