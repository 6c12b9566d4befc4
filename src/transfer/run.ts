import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { EngineProcess } from './engine-process.js';
import { earlierEngineGone, engineBusy, noteEngine } from './engine-record.js';
import { codeOf } from './io.js';
import { StatusFile } from './run-status.js';
import type { EngineTask, PassResult, Progress, VerifyResult } from './types.js';

/** Milliseconds between two calls of `pulse`. */
const PULSE = 1_000;

export interface RunOptions {
  /** Stops the engine: no new file after 100 ms, gone within 1 s while the share answers, at the latest after 6 s. */
  readonly signal?: AbortSignal;
  /** The counters, about once a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called once a second for as long as this waits for anything: for heartbeats. */
  readonly pulse?: () => void;
  /** Told whom it waits for before it begins. */
  readonly onWait?: (words: string) => void;
  /** Given, once the engine runs, what lets it pause and go on. */
  readonly onStart?: (control: EngineControl) => void;
  /** The compiled entry of the engine's process. */
  readonly child?: string;
  /** Added to the few environment variables that the engine gets. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface EngineControl {
  readonly pid: number;
  /** Begins no new file until it may go on. */
  pause(): void;
  resume(): void;
}

/** When the runs of this process have begun, by ledger. */
const running = new Map<string, string>();

/**
 * Runs the engine in a process of its own and waits for it (R23): a thread that waits in the kernel for a dead share
 * cannot be ended, a process can be left behind.
 *
 * @returns the result; also when it was told to stop and had finished just then.
 * @throws RolloutError LEDGER_BUSY while another run uses the ledger; what the engine failed with; ENGINE_DIED when it
 * ended by itself, with the end of its standard error as the cause; SHARE_HANGS when it was to be stopped and cannot be
 * ended. The signal's reason when it was stopped.
 */
export async function runEngine(task: EngineTask, options: RunOptions = {}): Promise<PassResult | VerifyResult> {
  const { signal, pulse } = options;
  signal?.throwIfAborted();
  const ledger = resolve(task.options.ledger);
  const since = running.get(ledger);
  if (since !== undefined) throw engineBusy(ledger, process.pid, since);
  running.set(ledger, new Date().toISOString());
  const timer = setInterval(() => pulse?.(), PULSE);
  try {
    if (task.task === 'copy') await mkdir(ledger, { recursive: true, mode: 0o700 });
    await earlierEngineGone(ledger, options);
    return await runAlone(task, ledger, options);
  } finally {
    clearInterval(timer);
    running.delete(ledger);
  }
}

async function runAlone(task: EngineTask, ledger: string, options: RunOptions): Promise<PassResult | VerifyResult> {
  const { signal, onProgress, onStart, child = join(import.meta.dirname, 'child.js'), env = {} } = options;
  const status = await StatusFile.begin(ledger, task);
  signal?.throwIfAborted();
  const engine = new EngineProcess(child, env, (progress) => {
    status.progress(progress);
    onProgress?.(progress);
  });
  const stop = (): void => engine.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const { pid } = engine;
    if (pid !== undefined) {
      await note(ledger, pid, engine);
      if (signal?.aborted !== true) engine.send(task);
      onStart?.({
        pid,
        pause: () => engine.send({ order: 'pause' }),
        resume: () => engine.send({ order: 'resume' }),
      });
    }
    const result = await engine.result();
    await status.ended({ result });
    return result;
  } catch (error) {
    await status.ended(signal?.aborted === true ? { stopped: true } : { error });
    if (!isHang(error)) signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Before the engine has its task nothing is written, so one that nobody noted does no harm. */
async function note(ledger: string, pid: number, engine: EngineProcess): Promise<void> {
  try {
    await noteEngine(ledger, pid);
  } catch (error) {
    engine.stop();
    await engine.result().catch(() => undefined);
    throw fullOr(ledger, error);
  }
}

function fullOr(ledger: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new RolloutError('LEDGER_FULL', `there is no room on the disk of the ledger ${ledger}`, { cause: error });
}

function isHang(error: unknown): boolean {
  return error instanceof RolloutError && error.code === 'SHARE_HANGS';
}
