import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { RolloutError } from '../cluster/errors.js';
import { BUFFER } from './content.js';
import { codeOf } from './io.js';
import { runAsync } from './io-async.js';
import type { Throttle } from './limits.js';
import type { ByteName } from './names.js';
import { rootPins } from './root-pins.js';
import { perform, type Task, type TaskName, type Tasks } from './tasks.js';
import type { Bench } from './unit.js';
import type { Walked, WalkTask } from './walk.js';
import type { Part } from './work.js';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './worker.js';

/** A task failed as a whole, with the system's code. */
export class TaskFailed extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

type OnPart = (folder: number, name: ByteName, part: Part) => void;

/** Worker threads that carry out walks and, where calls are fast, everything else. */
export class Threads {
  readonly #workers: Worker[];
  /** Requests that each thread has not answered yet. */
  readonly #load: number[];
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #next = 0;

  constructor(count: number, setup: WorkerSetup, onPart: OnPart) {
    this.#load = Array.from({ length: count }, () => 0);
    this.#workers = this.#load.map((_, index) => {
      const workerData: WorkerSetup = { ...setup, prefix: `${setup.prefix}.${index}` };
      const worker = new Worker(join(import.meta.dirname, 'worker.js'), { workerData });
      worker.on('message', (message: WorkerReply) => {
        if ('part' in message) {
          onPart(message.part.folder, message.part.name, message.part.part as Part);
          return;
        }
        this.#load[index] = (this.#load[index] ?? 1) - 1;
        const { resolve, reject } = this.#waiting.get(message.id) ?? {};
        this.#waiting.delete(message.id);
        if ('answer' in message) resolve?.(message.answer);
        else reject?.(failureOf(message.failed));
      });
      worker.on('error', (error) => {
        for (const { reject } of this.#waiting.values()) {
          reject(new RolloutError('ENGINE_DIED', 'a thread of the copy engine failed', { cause: error }));
        }
        this.#waiting.clear();
      });
      return worker;
    });
  }

  /** Threads that can begin at once, counting one more request per thread so that none waits for the next. */
  get capacity(): number {
    return this.#workers.length * 2;
  }

  walk(walk: WalkTask): Promise<Walked> {
    return this.#ask({ id: this.#id(), walk });
  }

  run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']> {
    return this.#ask({ id: this.#id(), task });
  }

  /** Tells every thread the same. */
  async all(task: Task): Promise<void> {
    await Promise.all(this.#workers.map((_, index) => this.#ask({ id: this.#id(), task }, index)));
  }

  /** Lets every thread end what it does: one that is ended while it loads native code takes the process with it. */
  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map(
        (worker) =>
          new Promise<void>((resolve) => {
            worker.once('exit', () => {
              resolve();
            });
            worker.postMessage('end');
          }),
      ),
    );
  }

  #id(): number {
    return (this.#next += 1);
  }

  #ask(request: WorkerRequest, thread = this.#idlest()): Promise<never> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#load[thread] = (this.#load[thread] ?? 0) + 1;
      this.#workers[thread]?.postMessage(request);
    });
  }

  #idlest(): number {
    return this.#load.indexOf(Math.min(...this.#load));
  }
}

/** What a thread failed with: its ledger's state is one's own, anything else is a code of the system. */
function failureOf(code: string): Error {
  return code === 'LEDGER_DAMAGED'
    ? new RolloutError(code, 'the ledger holds what no pass has written')
    : new TaskFailed(code);
}

/** Lanes in this thread for a destination where each call takes its time. */
export class Lanes {
  readonly #bench: Omit<Bench, 'buffer'>;
  readonly #buffers: Buffer[] = [];
  #sequence = 0;

  constructor(
    setup: WorkerSetup,
    private readonly throttle: Throttle,
    onPart: OnPart,
    private readonly signal: AbortSignal,
  ) {
    this.#bench = {
      pins: rootPins(setup.destination, setup.uuid),
      source: setup.source,
      rules: setup.rules,
      generation: setup.generation,
      clock: () => BigInt(Date.now()) * 1_000_000n,
      temp: () => `${setup.prefix}.l.${(this.#sequence += 1).toString(36)}`,
      stopped: () => signal.aborted,
      ...(setup.quarantine === undefined ? {} : { quarantine: setup.quarantine }),
      onPart: ({ folder }, name, part) => {
        onPart(folder, name, part);
      },
    };
  }

  async run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']> {
    // a lane's buffer is used again: the widest moment decides how many there are
    const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(BUFFER);
    try {
      return await runAsync(perform({ ...this.#bench, buffer }, task), (bytes, files) =>
        this.throttle.takeAsync(files, bytes, this.signal),
      );
    } catch (error) {
      throw error instanceof RolloutError ? error : new TaskFailed(codeOf(error) || 'UNEXPECTED');
    } finally {
      this.#buffers.push(buffer);
    }
  }
}
