import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll } from '@jest/globals';

import { labDown, labUp, type Lab } from '../../src/lab/lab.js';
import { statusQuery, type Status, type StepStatus } from '../../src/workflows/status.js';
import { withRollout } from '../support/rollout-handle.js';

const CLIENT = join(import.meta.dirname, '../../src/client.js');

/** The labs that were begun and not taken down: folder → their start. */
const begun = new Map<string, Promise<Lab>>();

// Also after a test, or a hook, that was not waited for: the next file must not run beside what it left.
afterAll(() => takeAllDown(), 240_000);

/** Takes down every lab that this process began, and waits for those that are still starting. */
export async function takeAllDown(): Promise<void> {
  for (const [dir, starting] of begun) {
    // One that fails to start has removed itself.
    await starting.catch(() => undefined);
    await takeDown(dir);
  }
}

async function takeDown(dir: string): Promise<void> {
  await labDown(dir);
  await rm(dir, { recursive: true, force: true });
  begun.delete(dir);
}

export interface CliResult {
  readonly code: number;
  readonly out: string;
}

/** A lab of the test's own and the command line as an operator uses it: a process of its own, its output and exit code. */
export class LabCluster {
  /** Everything that any command has printed: the canary test reads it. */
  printed = '';
  readonly #children = new Set<ChildProcess>();

  private constructor(readonly lab: Lab) {}

  static async up(options: Omit<Parameters<typeof labUp>[0], 'dir' | 'log'>): Promise<LabCluster> {
    const dir = mkdtempSync(join(tmpdir(), 'icewarp-rollout-lab-'));
    const starting = labUp({ dir, log: () => undefined, ...options });
    begun.set(dir, starting);
    return new LabCluster(await starting);
  }

  async down(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await takeDown(this.lab.directory);
  }

  /** Runs a command to its end. */
  cli(command: string, ...flags: string[]): Promise<CliResult> {
    return this.#run([command, this.lab.paths.clusterFile, ...flags]);
  }

  /** Runs a sub-command, whose words come before the cluster file. */
  call(...words: string[]): Promise<CliResult> {
    return this.#run([...words, this.lab.paths.clusterFile]);
  }

  async #run(words: readonly string[]): Promise<CliResult> {
    const child = spawn(process.execPath, [CLIENT, ...words], {
      env: { ...process.env, TEMPORAL_ADDRESS: this.lab.temporal.address, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        this.printed += text;
      });
    }
    const code = await new Promise<number>((resolve) =>
      child.once('close', (exit) => {
        resolve(exit ?? -1);
      }),
    );
    this.#children.delete(child);
    return { code, out };
  }

  /** The rollout's status as `status --json` tells it; undefined while nobody answers. */
  async status(): Promise<Status | undefined> {
    const { out } = await this.cli('status', '--json');
    try {
      return (JSON.parse(out) as { status: Status | null }).status ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Waits until a step is in a state; fails with what the rollout was doing instead. */
  async stepIs(id: string, state: StepStatus['state']['is'], seconds = 120): Promise<StepStatus> {
    const until = Date.now() + seconds * 1000;
    let last: Status | undefined;
    while (Date.now() < until) {
      // not by the command: a process for each look would take its time from what it looks at
      last = (await withRollout(this.lab, (handle) => handle.query(statusQuery)).catch(() => undefined)) ?? last;
      const step = last?.steps.find((one) => one.id === id);
      if (step?.state.is === state) return step;
      const held = last?.steps.find((one) => one.state.is === 'held' && one.id !== id);
      if (held !== undefined)
        throw new Error(`waiting for ${id} to be ${state}, but ${held.id}: ${JSON.stringify(held.state)}`);
      await sleep(100);
    }
    const current = last?.steps.filter((one) => ['running', 'waiting', 'held'].includes(one.state.is));
    throw new Error(`${id} never was ${state}; last seen: ${JSON.stringify(current)}`);
  }
}
