import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { jobsNaming, lineNaming } from '../../src/platform/scheduled-jobs.js';

const FOLDER = '/opt/icewarp';
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cron-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(file: string, ...lines: string[]): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), lines.map((line) => `${line}\n`).join(''));
}

describe('jobs that name a folder', () => {
  it('are found in every place where cron looks, as file:line, without what they say', async () => {
    await put('etc/crontab', 'SHELL=/bin/sh', '0 3 * * * root tar c /opt/icewarp/mail --password=geheim');
    await put('etc/cron.d/backup', '0 4 * * * root rsync /opt/icewarp/ elsewhere:');
    await put('etc/cron.daily/clean', '#!/bin/sh', '', 'cd /opt/icewarp && ./tool.sh');
    await put('var/spool/cron/crontabs/root', '@daily ls "/opt/icewarp"');
    expect(await jobsNaming(FOLDER, root)).toEqual([
      '/etc/crontab:2',
      '/etc/cron.d/backup:1',
      '/var/spool/cron/crontabs/root:1',
      '/etc/cron.daily/clean:3',
    ]);
  });

  it('are none where only a comment, another folder or a file that cron passes over names it', async () => {
    await put('etc/crontab', '# tar c /opt/icewarp', '0 3 * * * root tar c /opt/icewarp-old /mnt/opt/icewarp');
    await put('etc/cron.daily/clean.dpkg-old', 'rm -r /opt/icewarp');
    expect(await jobsNaming(FOLDER, root)).toEqual([]);
  });

  it('are those of timers that start with the machine, and of the services that they start', async () => {
    for (const name of ['used', 'named', 'unused']) {
      const unit = name === 'named' ? ['Unit=other.service'] : [];
      await put(`usr/lib/systemd/system/${name}.timer`, '[Timer]', 'OnCalendar=daily', ...unit);
      await put(`usr/lib/systemd/system/${name}.service`, '[Service]', `ExecStart=/opt/icewarp/${name}`);
    }
    await put('etc/systemd/system/other.service', '[Service]', 'ExecStart=/usr/bin/tar c /opt/icewarp/mail');
    await mkdir(join(root, 'etc/systemd/system/timers.target.wants'), { recursive: true });
    for (const name of ['used', 'named']) {
      const link = join(root, `etc/systemd/system/timers.target.wants/${name}.timer`);
      await symlink(`/usr/lib/systemd/system/${name}.timer`, link);
    }
    expect([...(await jobsNaming(FOLDER, root))].sort()).toEqual([
      '/etc/systemd/system/other.service:2',
      '/usr/lib/systemd/system/used.service:2',
    ]);
  });

  it('name the folder itself, whatever stands around it', () => {
    expect(lineNaming(FOLDER, 'HOME=/opt/icewarp')).toBe(1);
    expect(lineNaming('/opt/ice+warp', "x '/opt/ice+warp/y'")).toBe(1);
    expect(lineNaming('/opt/ice.warp', '/opt/icexwarp')).toBeNull();
  });
});
