import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { runCommand } from '../../src/platform/run.js';
import { readText } from './repository.js';

const AGENT = 'icewarp-rollout-agent@.service';
const CONTROL = 'icewarp-rollout-control.service';
const textOf = (name: string): string => readText(`examples/systemd/${name}`);

/** What of a unit is no comment. */
const settingsOf = (name: string): string[] =>
  textOf(name)
    .split('\n')
    .filter((line) => /^\w+=/.test(line));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-unit-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes a unit as it would be installed, with a program that is here; the instance is node A. */
async function installed(name: string): Promise<string> {
  const file = join(folder, name.replace('@', '@A'));
  const text = textOf(name)
    .replaceAll('/usr/bin/icewarp-rollout', process.execPath)
    .replace(/^User=.*$/m, 'User=daemon');
  await writeFile(file, text);
  return file;
}

/** Whether this machine can judge units at all. */
async function canJudge(): Promise<boolean> {
  try {
    const { stdout } = await runCommand('systemd-analyze', ['--version']);
    return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0) >= 250;
  } catch {
    return false;
  }
}

describe('the units of the examples', () => {
  it.each([AGENT, CONTROL])('are understood by systemd, where there is one: %s', async (name) => {
    if (!(await canJudge())) return;
    const file = await installed(name);
    const { stderr } = await runCommand('systemd-analyze', ['verify', '--man=no', file], { accept: [0, 1] });
    const about = stderr.split('\n').filter((line) => line.includes('icewarp-rollout'));
    expect(about).toEqual([]);
  });

  it.each([
    [AGENT, 85],
    [CONTROL, 25],
  ])('leave no more open than %s at %i of 100', async (name, most) => {
    if (!(await canJudge())) return;
    const args = ['security', '--offline=true', '--no-pager', `--threshold=${most}`, await installed(name)];
    const { exitCode, stdout } = await runCommand('systemd-analyze', args, { accept: [0, 1] });
    expect({ exitCode, judged: stdout.split('\n').at(-1) }).toMatchObject({ exitCode: 0 });
  });

  it('let the agent mount for everybody, and let a mail server outlive it', () => {
    const settings = settingsOf(AGENT);
    // each of them gives a unit a mount namespace of its own
    const hiding =
      /^(Private(Tmp|Devices|Mounts|Users)|Protect(System|Home|Kernel\w+|ControlGroups|Proc|Clock|Hostname)|ProcSubset|MountFlags|ReadOnlyPaths|InaccessiblePaths|TemporaryFileSystem|RootDirectory|DynamicUser)=/;
    expect(settings.filter((line) => hiding.test(line))).toEqual([]);
    expect(settings).toContain('KillMode=process');
    const dropped = settings.filter((line) => line.startsWith('CapabilityBoundingSet=~')).join(' ');
    for (const needed of ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_CHOWN', 'CAP_SYS_PTRACE', 'CAP_NET_BIND_SERVICE']) {
      expect(dropped).not.toContain(needed);
    }
  });
});
