import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere, writeDurable } from './durable-file.js';
import { engineOf } from './engine-record.js';
import { tempName } from './names.js';
import type { EngineTask, PassKind, PassResult, Progress, VerifyResult } from './types.js';

const FILE = 'status.json';
/** Milliseconds between two writes while a run goes on. */
const INTERVAL = 5_000;

/** How a run ended. */
export interface RunEnd {
  readonly at: string;
  readonly result?: PassResult | VerifyResult;
  readonly failure?: { readonly code: string; readonly message: string };
  /** Somebody stopped it. */
  readonly stopped?: true;
}

/** The last run of one task on a ledger. */
export interface RunStatus {
  readonly kind?: PassKind;
  readonly since: string;
  readonly progress?: Progress;
  readonly end?: RunEnd;
}

type Task = EngineTask['task'];

/** What is known of a ledger's runs: the last one of each task, and the process of the one that goes on. */
export interface LedgerStatus {
  readonly runs: Partial<Record<Task, RunStatus>>;
  readonly running?: { readonly task: Task; readonly pid: number };
}

/** What `transfer status` shows. A file that is damaged tells nothing: only the ledger itself counts. */
export async function readStatus(ledger: string): Promise<LedgerStatus> {
  const [runs, engine] = await Promise.all([readRuns(ledger), engineOf(ledger)]);
  // one that was cut short has no end either
  const [task] = (Object.keys(runs) as Task[])
    .filter((one) => runs[one]?.end === undefined)
    .sort((one, other) => (runs[other]?.since ?? '').localeCompare(runs[one]?.since ?? ''));
  return { runs, ...(engine === null || task === undefined ? {} : { running: { task, pid: engine.child.pid } }) };
}

/** The file beside a ledger that tells how its runs go; for people, so it may be late and may be lacking. */
export class StatusFile {
  #written = Date.now();
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly ledger: string,
    private readonly others: LedgerStatus['runs'],
    private readonly task: Task,
    private run: RunStatus,
  ) {}

  static async begin(ledger: string, task: EngineTask): Promise<StatusFile> {
    const kind = task.task === 'copy' ? { kind: task.options.kind } : {};
    const run = { ...kind, since: new Date().toISOString() };
    const file = new StatusFile(ledger, await readRuns(ledger), task.task, run);
    file.#write();
    return file;
  }

  progress(progress: Progress): void {
    this.run = { ...this.run, progress };
    if (Date.now() - this.#written >= INTERVAL) this.#write();
  }

  async ended({
    result,
    error,
    stopped,
  }: {
    result?: PassResult | VerifyResult;
    error?: unknown;
    stopped?: true;
  }): Promise<void> {
    const failure = error === undefined ? {} : { failure: wordsOf(error) };
    const end: RunEnd = {
      at: new Date().toISOString(),
      ...(result === undefined ? {} : { result }),
      ...failure,
      ...(stopped === undefined ? {} : { stopped }),
    };
    this.run = { ...this.run, end };
    this.#write();
    await this.#writing;
  }

  /** One after the other, and without regard to failures. */
  #write(): void {
    this.#written = Date.now();
    const text = `${JSON.stringify({ ...this.others, [this.task]: this.run })}\n`;
    this.#writing = this.#writing
      .then(() => writeDurable(this.ledger, FILE, text, tempName('status', process.pid)))
      .catch(() => undefined);
  }
}

async function readRuns(ledger: string): Promise<LedgerStatus['runs']> {
  try {
    return JSON.parse((await readIfThere(join(ledger, FILE))) ?? '{}') as LedgerStatus['runs'];
  } catch {
    return {};
  }
}

function wordsOf(error: unknown): { code: string; message: string } {
  if (error instanceof RolloutError) return { code: error.code, message: error.message };
  return { code: 'UNEXPECTED', message: 'an unexpected error' };
}
