import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CommandNotes } from '../../src/platform/command-notes.js';
import { allPids, identify, readProcess } from '../../src/platform/processes.js';
import { runCommand } from '../../src/platform/run.js';
import { eventually } from '../support/eventually.js';
import { attemptOf, lives, pidIn, type OneAttempt } from '../support/processes.js';

const { signal } = new AbortController();

/** Writes its own process number and that of a child which ignores the request to end. */
const DEAF =
  'sh -c \'trap "" TERM; echo $$ >"$1/child"; while :; do sleep 0.05; done\' sh "$1" & echo $$ >"$1/leader"; wait';

let folder: string;
let state: string;
const agents: OneAttempt[] = [];
const started: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-notes-'));
  state = join(folder, 'state');
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.kill();
  for (const pid of started.splice(0)) if (lives(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function agent(step: string, script: string): OneAttempt {
  const one = attemptOf(step, state, ['sh', '-c', script, 'sh', folder]);
  agents.push(one);
  return one;
}

async function pids(...names: string[]): Promise<number[]> {
  const found = await Promise.all(names.map((name) => pidIn(join(folder, name))));
  started.push(...found);
  return found;
}

const notes = (): Promise<string[]> => readdir(state).catch(() => []);
const attempt = (step: string): CommandNotes => new CommandNotes(state, step);

describe('the commands that a killed agent leaves behind', () => {
  it('are ended with everything they started before anything else begins on that machine', async () => {
    const killed = agent('A/installation', DEAF);
    const running = await pids('leader', 'child');
    await killed.kill();
    expect(running.map(lives)).toEqual([true, true]);
    await expect(attempt('A/localFolders').endLeftovers(signal)).resolves.toEqual(['sh']);
    expect(running.map(lives)).toEqual([false, false]);
    expect(await notes()).toEqual([]);
  });

  it('are left alone while their agent lives, but for the next attempt of the same step', async () => {
    agent('A/installation', DEAF);
    const running = await pids('leader', 'child');
    await expect(attempt('A/licence').endLeftovers(signal)).resolves.toEqual([]);
    expect(running.map(lives)).toEqual([true, true]);
    await expect(attempt('A/installation').endLeftovers(signal)).resolves.toEqual(['sh']);
    expect(running.map(lives)).toEqual([false, false]);
  });

  it('that have ended by themselves leave the services running that they were there to start', async () => {
    const killed = agent('A/services', 'sleep 60 & echo $! >"$1/service"; echo $$ >"$1/leader"; sleep 0.5');
    const [service = 0, leader = 0] = await pids('service', 'leader');
    await killed.kill();
    await eventually('the command has ended', () => !lives(leader));
    await expect(attempt('A/services').endLeftovers(signal)).resolves.toEqual([]);
    expect(lives(service)).toBe(true);
    expect(await notes()).toEqual([]);
  });

  it('are told from a stranger who got their number later', async () => {
    const { pid = 0 } = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
    started.push(pid);
    await runCommand('mkdir', [state]);
    const process = { pid, started: String(Number(identify(pid)?.started) - 1) };
    const note = { command: 'install.sh', step: 'A/installation', process, agent: process };
    await writeFile(join(state, `command-${pid}-1.json`), JSON.stringify(note));
    await writeFile(join(state, 'command-1-1.json'), '{"torn');
    await expect(attempt('A/installation').endLeftovers(signal)).resolves.toEqual([]);
    expect(lives(pid)).toBe(true);
    expect(await notes()).toEqual([]);
  });
});

describe('a command that is to be noted', () => {
  it('leaves no note once it has ended, and gets arguments and input as always', async () => {
    const script = 'ls "$1"; cat; echo "$2"; exit 3';
    const result = await attempt('A/tables').run(() =>
      runCommand('sh', ['-c', script, 'sh', state, '$HOME'], { noted: true, input: 'line\n', accept: [3] }),
    );
    expect(result).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^command-\d+-\d+\.json\nline\n\$HOME$/),
    });
    expect(await notes()).toEqual([]);
  });

  it('never begins when it cannot be written down', async () => {
    await writeFile(state, 'in the way');
    const begun = join(folder, 'begun');
    const running = attempt('A/tables').run(() => runCommand('touch', [begun], { noted: true }));
    await expect(running).rejects.toThrow();
    const waits = (): boolean => allPids().some((pid) => readProcess(pid, 'cmdline').includes(begun));
    await eventually('nothing waits to begin any more', () => !waits());
    await expect(stat(begun)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that does not exist is named', async () => {
    const running = attempt('A/tables').run(() => runCommand('no-such-command-here', [], { noted: true }));
    await expect(running).rejects.toMatchObject({ code: 'COMMAND_MISSING' });
  });

  it('is gone with all that it started when a cancellation has ended it', async () => {
    const controller = new AbortController();
    const running = attempt('A/tables').run(() =>
      runCommand('sh', ['-c', DEAF, 'sh', folder], { noted: true, signal: controller.signal }),
    );
    const all = await pids('leader', 'child');
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(all.map(lives)).toEqual([false, false]);
    expect(await notes()).toEqual([]);
  });
});
