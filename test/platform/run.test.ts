import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { runCommand, type RunOptions, type RunResult } from '../../src/platform/run.js';
import { eventually } from '../support/eventually.js';
import { lives, pidIn } from '../support/processes.js';

const SECRET = 's3cr3t-of-the-test';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-run-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function shell(script: string, options: RunOptions = {}): Promise<RunResult> {
  return runCommand('sh', ['-c', script, 'sh', folder], options);
}

async function failureOf(running: Promise<unknown>): Promise<Error & { code?: string }> {
  return running.then(
    () => new Error('it did not fail'),
    (error: unknown) => error as Error,
  );
}

const pidOf = (name: string): Promise<number> => pidIn(join(folder, name));

async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const start = Date.now();
  await action();
  return Date.now() - start;
}

describe('a command', () => {
  it('gives what it printed and an exit code that counts as an answer', async () => {
    const result = await shell('echo out; echo err >&2; exit 3', { accept: [0, 3] });
    expect(result).toEqual({ exitCode: 3, stdout: 'out', stderr: 'err' });
  });

  it('gets its arguments as they are, without a shell', async () => {
    const { stdout } = await runCommand('printf', ['%s|', '$HOME', '`id`', 'a b', '*']);
    expect(stdout).toBe('$HOME|`id`|a b|*|');
  });

  it('reads what it is given on standard input, and otherwise finds it empty', async () => {
    await expect(runCommand('cat', [], { input: 'line\n' })).resolves.toMatchObject({ stdout: 'line' });
    await expect(runCommand('cat', [])).resolves.toMatchObject({ stdout: '' });
  });

  it('that does not exist is named', async () => {
    const error = await failureOf(runCommand('no-such-command-here', [SECRET]));
    expect(error.code).toBe('COMMAND_MISSING');
    expect(error.message).toContain('no-such-command-here');
    expect(inspect(error)).not.toContain(SECRET);
  });

  it('that may not be run fails', async () => {
    await expect(runCommand('/etc/passwd', [])).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });

  it('that fails has neither its arguments nor its output in the message; the output is kept for the local log', async () => {
    const error = await failureOf(runCommand('sh', ['-c', `echo "said ${SECRET}"; exit 7`, 'sh', SECRET]));
    expect(error.code).toBe('COMMAND_FAILED');
    expect(error.message).toBe('sh ended with exit code 7');
    expect(error.stack).not.toContain(SECRET);
    expect(error.cause).toEqual({ exitCode: 7, stdout: `said ${SECRET}`, stderr: '' });
  });
});

describe('the environment of a command', () => {
  const NAMES = ['TEST_SECRET', 'TEMPORAL_API_KEY', 'LC_TIME', 'TZ', 'TMPDIR', 'LANG'];
  const former = NAMES.map((name) => [name, process.env[name]] as const);

  afterEach(() => {
    for (const [name, value] of former) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  async function environment(options: RunOptions = {}): Promise<Record<string, string>> {
    const { stdout } = await runCommand('env', ['--null'], options);
    const entries = stdout.split('\0').filter((entry) => entry !== '');
    return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2) as [string, string]));
  }

  it('holds none of our own secrets', async () => {
    process.env['TEST_SECRET'] = SECRET;
    process.env['TEMPORAL_API_KEY'] = SECRET;
    expect(Object.values(await environment())).not.toContain(SECRET);
  });

  it('says where commands, home and temporary files are, and which language and time zone to speak', async () => {
    const wanted = { LC_TIME: 'C.UTF-8', TZ: 'Europe/Prague', TMPDIR: folder, LANG: 'C.UTF-8' };
    Object.assign(process.env, wanted);
    const { PATH, HOME } = process.env;
    expect(await environment()).toMatchObject({ PATH, HOME, ...wanted });
  });

  it('holds what the caller adds, which wins', async () => {
    await expect(environment({ env: { HOME: '/nowhere', PASSWD_FD: '0' } })).resolves.toMatchObject({
      HOME: '/nowhere',
      PASSWD_FD: '0',
    });
  });
});

describe('stopping a command', () => {
  it('ends its grandchildren, also those that ignore the request', async () => {
    const controller = new AbortController();
    const script =
      '(trap "" TERM; sh -c \'trap "" TERM; echo $$ >"$1/deaf"; while :; do sleep 0.05; done\' sh "$1") & echo $! >"$1/child"; wait';
    const running = failureOf(shell(script, { signal: controller.signal }));
    const pids = [await pidOf('child'), await pidOf('deaf')];
    expect(pids.map(lives)).toEqual([true, true]);
    controller.abort();
    expect((await running).name).toBe('AbortError');
    await eventually('all have ended', () => !pids.some(lives), { limit: 20_000 });
  });

  it('does not start it at all once cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    const error = await failureOf(shell('echo $$ >"$1/started"', { signal: controller.signal }));
    expect(error.name).toBe('AbortError');
    await expect(readFile(join(folder, 'started'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('happens after the time-out, which says how long it had', async () => {
    const error = await failureOf(runCommand('sleep', ['60'], { timeout: 200 }));
    expect(error.code).toBe('COMMAND_TIMEOUT');
    expect(error.message).toBe('sleep did not end within 0.2 s');
  });
});

describe('a daemon that a command leaves behind', () => {
  // setsid takes it out of the process group, so no signal of ours reaches it.
  const DAEMON = 'setsid sh -c \'echo $$ >"$1/daemon"; exec sleep 60\' sh "$1" &';

  afterEach(async () => {
    process.kill(await pidOf('daemon'), 'SIGKILL');
    await rm(join(folder, 'daemon'));
  });

  it('and that keeps the pipe open is waited for until the time-out, and no longer', async () => {
    const took = await milliseconds(async () => {
      await expect(shell(DAEMON, { timeout: 500 })).rejects.toMatchObject({ code: 'COMMAND_TIMEOUT' });
    });
    expect(took).toBeLessThan(30_000);
    expect(lives(await pidOf('daemon'))).toBe(true);
  });

  it('and that keeps the pipe open does not delay a cancellation for ever', async () => {
    const controller = new AbortController();
    const running = failureOf(shell(DAEMON, { signal: controller.signal }));
    await pidOf('daemon');
    const took = await milliseconds(async () => {
      controller.abort();
      expect((await running).name).toBe('AbortError');
    });
    expect(took).toBeLessThan(30_000);
  });

  it('is not waited for where its output is thrown away', async () => {
    const took = await milliseconds(() => shell(DAEMON, { silent: true }));
    expect(took).toBeLessThan(30_000);
    expect(lives(await pidOf('daemon'))).toBe(true);
  });
});
