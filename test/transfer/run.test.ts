import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { identify, whereabouts, type ProcessIdentity } from '../../src/transfer/process-identity.js';
import { runEngine, type RunOptions } from '../../src/transfer/run.js';
import { readStatus } from '../../src/transfer/run-status.js';
import type { EngineTask, PassResult, Progress, VerifyResult } from '../../src/transfer/types.js';
import { eventually } from '../support/eventually.js';
import { HungShare } from '../support/hung-share.js';

const CHILD = join(import.meta.dirname, 'fixtures/fake-engine.js');
const PARENT = join(import.meta.dirname, 'fixtures/engine-parent.js');

let ledger: string;
/** Every engine that a test started. */
let engines: ProcessIdentity[];

beforeEach(async () => {
  ledger = await mkdtemp(join(tmpdir(), 'icewarp-rollout-run-engine-'));
  engines = [];
});

afterEach(async () => {
  for (const engine of engines) {
    if ((await whereabouts(engine)) === 'alive') process.kill(engine.pid, 'SIGKILL');
  }
  await rm(ledger, { recursive: true });
});

function taskOf(source: string, destination = '/nowhere'): EngineTask {
  return { task: 'copy', options: { source, destination, ledger, kind: 'seed' } };
}

function run(source: string, options: RunOptions = {}): Promise<PassResult | VerifyResult> {
  return runEngine(taskOf(source), { child: CHILD, ...options });
}

/** Runs a scene until its first progress; what it does afterwards is up to the test. */
async function begin(
  scene: string,
  { destination = '/nowhere', ...options }: RunOptions & { destination?: string } = {},
): Promise<{ engine: ProcessIdentity; first: Progress; ended: Promise<PassResult | VerifyResult | Error> }> {
  let pid = 0;
  let hear = (_progress: Progress): void => undefined;
  const heard = new Promise<Progress>((resolve) => (hear = resolve));
  const ended = runEngine(taskOf(scene, destination), {
    child: CHILD,
    onProgress: (progress) => hear(progress),
    onStart: (control) => (pid = control.pid),
    ...options,
  }).catch((error: unknown) => error as Error);
  const first = await Promise.race([heard, ended.then((end) => Promise.reject(new Error('it ended', { cause: end })))]);
  return { engine: await noted(pid), first, ended };
}

/** An engine that works on a scene and whose parent has been killed. */
async function orphan(scene: string): Promise<ProcessIdentity> {
  const parent = fork(PARENT, [CHILD, JSON.stringify(taskOf(scene))]);
  const [{ pid }] = (await once(parent, 'message')) as [{ pid: number }];
  const engine = await noted(pid);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return engine;
}

/** A running engine, which is ended after the test if it has not ended by then. */
async function noted(pid: number): Promise<ProcessIdentity> {
  const engine = await identify(pid);
  if (engine === null) throw new Error('the engine ended at once');
  engines.push(engine);
  return engine;
}

async function gone(engine: ProcessIdentity): Promise<void> {
  await eventually(`process ${engine.pid} is gone`, async () => (await whereabouts(engine)) !== 'alive');
}

describe('the engine’s process', () => {
  it('tells its progress and its result', async () => {
    const heard: number[] = [];
    const result = await run('works', { onProgress: ({ durable }) => heard.push(durable.files) });
    expect(heard).toEqual([1, 2, 3]);
    expect(result).toMatchObject({ outcome: 'done', kind: 'seed' });
  });

  it('gets its task, many threads, little memory, and none of our secrets', async () => {
    process.env['TEST_SECRET'] = 's3cr3t';
    try {
      const result = (await run('says what it got', { env: { MORE: 'x' } })) as PassResult;
      const [task = '', environment = '', flags] = result.notes;
      expect(JSON.parse(task)).toEqual(taskOf('says what it got'));
      expect(JSON.parse(environment)).toMatchObject({
        UV_THREADPOOL_SIZE: '128',
        MORE: 'x',
        PATH: process.env['PATH'],
      });
      expect(environment).not.toContain('s3cr3t');
      expect(flags).toMatch(/^--max-old-space-size=\d+$/);
    } finally {
      delete process.env['TEST_SECRET'];
    }
  });

  it('is in a process group of its own', async () => {
    const controller = new AbortController();
    const { engine, ended } = await begin('works on', { signal: controller.signal });
    const stat = await readFile(`/proc/${engine.pid}/stat`, 'utf8');
    expect(stat.slice(stat.lastIndexOf(')')).split(' ')[3]).toBe(String(engine.pid));
    controller.abort();
    await ended;
  });

  it('fails with the code that it tells, and one that nobody knows is unexpected', async () => {
    await expect(run('fails')).rejects.toMatchObject({ code: 'SOURCE_MISSING', message: 'there is no such folder' });
    await expect(run('fails oddly')).rejects.toMatchObject({ code: 'UNEXPECTED', message: 'something odd' });
  });

  it('that ends without a word has died: how, and its last words for the log', async () => {
    await expect(run('ends without a word')).rejects.toMatchObject({
      code: 'ENGINE_DIED',
      retryable: true,
      message: expect.stringMatching(/process \d+ ended with exit code 7$/),
      cause: { stderr: 'the last words\n' },
    });
    await expect(run('kills itself')).rejects.toMatchObject({
      code: 'ENGINE_DIED',
      message: expect.stringMatching(/ended by SIGKILL$/),
    });
    await expect(run('works', { child: '/no/such/child.js' })).rejects.toMatchObject({ code: 'ENGINE_DIED' });
  });

  it('pauses and goes on', async () => {
    const controller = new AbortController();
    let resume = (): void => undefined;
    const seen: boolean[] = [];
    const ended = run('can pause', {
      signal: controller.signal,
      onStart: (control) => {
        control.pause();
        resume = () => control.resume();
      },
      onProgress: ({ waits }) => {
        if (seen.at(-1) !== (waits === 'paused')) seen.push(waits === 'paused');
        if (waits === 'paused') resume();
        else if (seen.includes(true)) controller.abort(new Error('seen enough'));
      },
    });
    await expect(ended).rejects.toThrow('seen enough');
    expect(seen.slice(-2)).toEqual([true, false]);
  });

  it('gives a sign of life for as long as it is waited for', async () => {
    const controller = new AbortController();
    let pulses = 0;
    const { ended } = await begin('works on', {
      signal: controller.signal,
      pulse: () => {
        pulses += 1;
        if (pulses === 2) controller.abort(new Error('two'));
      },
    });
    expect(await ended).toMatchObject({ message: 'two' });
  });
});

describe('stopping the engine', () => {
  it.each([
    ['works on', 1_000],
    ['ignores the request', 3_000],
    ['ignores all but SIGKILL', 6_000],
  ])('that %s ends it and throws the reason', async (scene, patience) => {
    const controller = new AbortController();
    const { engine, first, ended } = await begin(scene, { signal: controller.signal });
    const aborted = Date.now();
    controller.abort(new Error('enough'));
    expect(await ended).toMatchObject({ message: 'enough' });
    // generous: the machine may be busy, but each way of ending has its own second
    expect(Date.now() - aborted).toBeLessThan(patience + 2_000);
    expect(await whereabouts(engine)).toBe('gone');
    const grandchild = scene === 'ignores all but SIGKILL' ? await identify(first.seen.files) : null;
    if (grandchild !== null) await gone(grandchild);
  });

  it('that has just finished gives its result', async () => {
    const controller = new AbortController();
    const { ended } = await begin('has finished when it is stopped', { signal: controller.signal });
    controller.abort();
    expect(await ended).toMatchObject({ outcome: 'done' });
  });

  it('that has told its result and lives on ends it, and gives the result', async () => {
    const { engine, ended } = await (async () => {
      let pid = 0;
      const result = run('lingers after its result', { onStart: (control) => (pid = control.pid) });
      while (pid === 0) await sleep(10);
      const identity = await identify(pid);
      if (identity === null) throw new Error('it ended at once');
      engines.push(identity);
      return { engine: identity, ended: result };
    })();
    expect(await ended).toMatchObject({ outcome: 'done' });
    expect(await whereabouts(engine)).toBe('gone');
  });

  it('before it has begun starts nothing', async () => {
    const controller = new AbortController();
    controller.abort(new Error('never'));
    let started = false;
    const options = { signal: controller.signal, onStart: () => (started = true) };
    await expect(run('works', options)).rejects.toThrow('never');
    expect(started).toBe(false);
  });

  it('that waits for a dead share says so after 6 s, and the next run waits until it has ended', async () => {
    const share = await HungShare.create();
    try {
      share.hang();
      const controller = new AbortController();
      const { engine, ended } = await begin('waits for a share', {
        signal: controller.signal,
        destination: join(share.mount, 'x'),
      });
      // until the call has reached the server: before, SIGKILL would end it
      await sleep(500);
      const aborted = Date.now();
      controller.abort(new Error('enough'));
      const end = await ended;
      expect(end).toMatchObject({ code: 'SHARE_HANGS', message: expect.stringContaining(`process ${engine.pid} `) });
      expect(Date.now() - aborted).toBeLessThan(10_000);
      expect(await whereabouts(engine)).toBe('alive');

      const waits: string[] = [];
      const next = run('works', { onWait: (words) => waits.push(words) });
      while (waits.length === 0) await sleep(20);
      expect(waits[0]).toContain(`process ${engine.pid}`);
      expect(await whereabouts(engine)).toBe('alive');
      share.answer();
      expect(await next).toMatchObject({ outcome: 'done' });
      expect(await whereabouts(engine)).toBe('gone');
    } finally {
      await share.remove();
    }
  }, 60_000);
});

describe('an earlier engine of the same ledger', () => {
  it('refuses a second run, in this process and in any other', async () => {
    const controller = new AbortController();
    const { engine, ended } = await begin('works on', { signal: controller.signal });
    await expect(run('works')).rejects.toMatchObject({ code: 'LEDGER_BUSY' });
    const other = fork(PARENT, [CHILD, JSON.stringify(taskOf('works'))]);
    const [said] = (await once(other, 'message')) as [{ code: string; message: string }];
    expect(said).toMatchObject({
      code: 'LEDGER_BUSY',
      message: expect.stringContaining(`process ${engine.pid} since`),
    });
    controller.abort();
    await ended;
    await expect(run('works')).resolves.toMatchObject({ outcome: 'done' });
  });

  it('whose parent was killed ends by itself, and the next run begins', async () => {
    const engine = await orphan('works on');
    await gone(engine);
    await expect(run('works')).resolves.toMatchObject({ outcome: 'done' });
  });

  it('that has not noticed that its parent is gone is ended', async () => {
    const engine = await orphan('outlives its parent');
    await sleep(200);
    expect(await whereabouts(engine)).toBe('alive');
    await expect(run('works')).resolves.toMatchObject({ outcome: 'done' });
    expect(await whereabouts(engine)).toBe('gone');
  });
});

describe('the status beside a ledger', () => {
  it('tells of the run that goes on, and how the last one of each task has ended', async () => {
    expect(await readStatus(ledger)).toEqual({ runs: {} });
    const controller = new AbortController();
    const { engine, ended } = await begin('works on', { signal: controller.signal });
    expect(await readStatus(ledger)).toMatchObject({
      running: { task: 'copy', pid: engine.pid },
      runs: { copy: { kind: 'seed' } },
    });
    controller.abort();
    await ended;
    const stopped = await readStatus(ledger);
    expect(stopped).toMatchObject({ runs: { copy: { progress: { seen: { files: 1 } }, end: { stopped: true } } } });
    expect(stopped.running).toBeUndefined();

    await run('works');
    await run('fails').catch(() => undefined);
    const verify: EngineTask = { task: 'verify', options: { ledger, destination: '/nowhere' } };
    await runEngine(verify, { child: CHILD }).catch(() => undefined);
    const { runs } = await readStatus(ledger);
    expect(runs.copy?.end).toMatchObject({ failure: { code: 'SOURCE_MISSING' } });
    expect(runs.verify?.end).toMatchObject({ result: { outcome: 'equal' } });
  });

  it('takes for the one that goes on the latest one without an end', async () => {
    await writeFile(join(ledger, 'status.json'), '{"verify":{"since":"2020-01-01T00:00:00.000Z"}}');
    expect((await readStatus(ledger)).running).toBeUndefined();
    const controller = new AbortController();
    const { ended } = await begin('works on', { signal: controller.signal });
    expect(await readStatus(ledger)).toMatchObject({ running: { task: 'copy' }, runs: { verify: {} } });
    controller.abort();
    await ended;
  });
});
