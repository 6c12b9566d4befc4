import { lstatSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

import { BUFFER } from './content.js';
import { codeOf } from './io.js';
import { runSync } from './io-sync.js';
import { LedgerReader } from './ledger.js';
import { Throttle, type SharedThrottle } from './limits.js';
import { toFs, type ByteName } from './names.js';
import { compile } from './patterns.js';
import { rootPins } from './root-pins.js';
import { perform, type Task } from './tasks.js';
import type { Bench } from './unit.js';
import { walkFolder, type WalkRules, type WalkTask } from './walk.js';
import type { Rules } from './work.js';

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly ledger: string;
  readonly source: ByteName;
  readonly destination: ByteName;
  /** Of the destination's mark, if it bears one. */
  readonly uuid?: string;
  readonly exclude: readonly string[];
  readonly rehash: readonly string[];
  readonly final: boolean;
  readonly before: bigint;
  readonly shallow: boolean;
  readonly ownNames: boolean;
  readonly rules: Rules;
  /** On the way back: how rows tell the share's files apart, and where what is replaced is kept. */
  readonly loose?: WalkRules['loose'];
  readonly quarantine?: ByteName;
  readonly generation: number;
  /** Begins its temporary names. */
  readonly prefix: string;
  readonly throttle: SharedThrottle;
  /** One 32-bit cell: not zero when everything shall end. */
  readonly stop: SharedArrayBuffer;
}

export type WorkerRequest = { readonly id: number } & ({ readonly walk: WalkTask } | { readonly task: Task });

/** An answer, a failure by its code, or a durable part of a large file. */
export type WorkerReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failed: string }
  | { readonly part: { readonly folder: number; readonly name: ByteName; readonly part: unknown } };

const setup = workerData as WorkerSetup;
const stop = new Int32Array(setup.stop);
const stopped = (): boolean => Atomics.load(stop, 0) !== 0;
const throttle = new Throttle(setup.throttle);
const reply = (message: WorkerReply): void => parentPort?.postMessage(message);

const rules: WalkRules = {
  source: setup.source,
  device: lstatSync(toFs(setup.source === '/' ? '/' : `${setup.source}/.`), { bigint: true }).dev,
  exclude: compile(setup.exclude),
  rehash: compile(setup.rehash),
  final: setup.final,
  before: setup.before,
  shallow: setup.shallow,
  ownNames: setup.ownNames,
  folds: setup.rules,
  ...(setup.loose === undefined ? {} : { loose: setup.loose }),
};
let reader: LedgerReader | undefined;
let bench: Bench | undefined;

function benchHere(): Bench {
  let sequence = 0;
  return (bench ??= {
    pins: rootPins(setup.destination, setup.uuid),
    source: setup.source,
    rules: setup.rules,
    generation: setup.generation,
    buffer: Buffer.allocUnsafeSlow(BUFFER),
    clock: () => BigInt(Date.now()) * 1_000_000n,
    temp: () => `${setup.prefix}.${(sequence += 1).toString(36)}`,
    stopped,
    ...(setup.quarantine === undefined ? {} : { quarantine: setup.quarantine }),
    onPart: ({ folder }, name, part) => {
      reply({ part: { folder, name, part } });
    },
  });
}

function readerHere(task: WalkTask): LedgerReader | null {
  if (!task.known) return null;
  reader ??= new LedgerReader(setup.ledger);
  reader.refresh();
  return reader;
}

parentPort?.on('message', (request: WorkerRequest | 'end') => {
  if (request === 'end') {
    void reader?.close();
    parentPort?.close();
    return;
  }
  const { id } = request;
  try {
    const answer =
      'walk' in request
        ? walkFolder(readerHere(request.walk), rules, request.walk)
        : runSync(perform(benchHere(), request.task), (bytes, files) => throttle.take(files, bytes, stopped));
    reply({ id, answer });
  } catch (error) {
    reply({ id, failed: codeOf(error) || (error instanceof Error ? error.message : 'UNEXPECTED') });
  }
});
