import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { SENTINEL } from '../../../src/cluster/names.js';
import { SETTINGS } from '../../../src/icewarp/variables.js';
import { sentinelText } from '../../../src/platform/sentinel.js';
import type { BringBackInput } from './bring-back.js';
import { Sandbox } from './sandbox.js';

const SHARE = '/srv/share';
const DIRECTORY = '/opt/icewarp';
const { archiveEnabled, logPath } = SETTINGS;

let folder: string;
let node: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-back-'));
  node = await Sandbox.start(folder, 'back', `127.97.${(process.pid % 200) + 1}.12`);
  await node.install('--user', 'icewarp');
  const share = join(folder, 'share');
  for (const name of ['config', 'spam', 'calendar']) await mkdir(join(share, name), { recursive: true });
  await writeFile(join(share, SENTINEL), sentinelText('test'));
  await node.mountShare(share);
});

afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the configuration of a stand-in that was shared', () => {
  it('comes back with what users changed, and with the paths as they were', async () => {
    const former = await node.get(logPath.variable);
    const [config, spam, calendar] = ['config', 'spam', 'calendar'].map((name) => `${SHARE}/${name}/`) as [
      string,
      string,
      string,
    ];
    const input: BringBackInput = {
      settings: { directory: DIRECTORY, values: [{ setting: 'logPath', value: '/opt/logs-of-nodes/' }] },
      configuration: {
        ...{ directory: DIRECTORY, mount: SHARE, to: { config, spam, calendar } },
        ...{ cluster: 'test', node: 'A', uid: 4501, gid: 4501 },
      },
      meanwhile: `printf '%s\\r\\n' ${config} '' '' '' '' ${spam} ${calendar} > ${DIRECTORY}/path.dat
        ${DIRECTORY}/tool.sh set system ${archiveEnabled.variable} 1
        ${DIRECTORY}/tool.sh create domain joined.example
        rm ${DIRECTORY}/path.dat`,
    };
    const script = join(import.meta.dirname, 'bring-back.js');
    const { stdout, exitCode } = await node.run(process.execPath, script, JSON.stringify(input));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.stringContaining('/opt/icewarp/config.icewarp-rollout-replaced-1'),
    );
    expect(await node.get('C_ConfigPath')).toBe(`${DIRECTORY}/config/`);
    expect(await node.get(archiveEnabled.variable)).toBe('1');
    expect(await node.get(logPath.variable)).toBe(former);
    expect(await node.get('C_DefaultConfig')).toBe('0');
  });
});
