import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';

import { Claim, Claiming } from './claim.js';
import { countTree } from './count.js';
import { Lanes, Threads } from './executors.js';
import { Gate } from './gate.js';
import { Ledger } from './ledger.js';
import { noteLeftovers } from './leftovers.js';
import { budgetAt, readLimits, Throttle } from './limits.js';
import { lockLedger } from './lock.js';
import { checkFolders, judgeDestination, settleRoot } from './marks.js';
import { fromText, tempName, type ByteName } from './names.js';
import { beginPass, endPass, kindOf, shareOf } from './pass-bounds.js';
import { Pass } from './pass.js';
import { knownRules, noteRules } from './probed.js';
import { notesOf, probe, timesOf } from './probe.js';
import { recover } from './recover.js';
import { SkippedList } from './skipped.js';
import { realRoot } from './source-file.js';
import { Steady } from './steady.js';
import { endOfPass } from './system-errors.js';
import type { Executor } from './tasks.js';
import type { PassOptions, PassResult, Progress } from './types.js';
import { Width } from './width.js';
import type { WorkerSetup } from './worker.js';

/** Microseconds of a call below which blocking threads are faster than lanes. */
const FAST_CALL = 300;
/** Most blocking threads; each costs memory, and more of them gain nothing. */
const THREADS = 4;
const LANES = 64;
/** Milliseconds: between counters, between looks at the limits, and after which a pass is worth counting its source. */
const TELL_EVERY = 1_000;
const COUNT_AFTER = 10_000;
/** Deletions that are always allowed, and the share of what was copied (R18). */
const DELETE_ALWAYS = 1_000;
const DELETE_SHARE = 0.02;

/** Folder in a ledger's folder with the ledger of the way back. */
export const REVERSE = 'reverse';

/** How a pass is watched and steered. */
export interface Steering {
  readonly onProgress: (progress: Progress) => void;
  /** Aborted: no new file is begun. */
  readonly signal: AbortSignal;
  /** Given the gate, which an operator may pause. */
  readonly onGate: (gate: Gate) => void;
  /** Milliseconds between two tries whether a destination that is full or away works again; default 10 s. */
  readonly tryEvery?: number;
}

/**
 * Carries out one pass over a tree, or goes on with one that was interrupted.
 *
 * @throws RolloutError SOURCE_MISSING, DESTINATION_OTHER, DESTINATION_OLDER, DESTINATION_BUSY, LEDGER_BUSY,
 * LEDGER_DAMAGED, LEDGER_FULL, USAGE. The signal's reason when it was stopped: what is durable stays so.
 */
export async function runPass(options: PassOptions, steering: Steering): Promise<PassResult> {
  const began = Date.now();
  await checkFolders(options);
  const release = await lockLedger(options.ledger);
  const { adopt = false } = options;
  const ledger = adopt ? Ledger.openAnyway(options.ledger, hostname()) : Ledger.open(options.ledger, hostname());
  try {
    await judgeDestination(ledger, options);
    const claim = new Claim(ledger, options);
    let result: PassResult;
    try {
      if (adopt) await claim.make();
      result = await carryOut({ options, claim }, steering, ledger, began);
    } finally {
      await claim.release();
    }
    // mark and lease changed it
    if (claim.wasMade && options.keepRoot !== true) settleRoot(options);
    return result;
  } catch (error) {
    throw endOfPass(error, options);
  } finally {
    await ledger.close();
    release();
  }
}

/** A pass, on the way there or on the way back. */
export interface Job {
  readonly options: PassOptions;
  /** On the way there: the destination bears a mark, and is claimed before the first write. */
  readonly claim?: Claim;
  /** On the way back. */
  readonly loose?: NonNullable<WorkerSetup['loose']>;
  readonly quarantine?: ByteName;
  /** Folder with the limits; default: the ledger's. */
  readonly limits?: string;
}

/** Carries out a pass on an open ledger. @throws as `runPass` does. */
export async function carryOut(
  { options, claim, loose, quarantine, limits = options.ledger }: Job,
  { onProgress, signal, onGate, tryEvery }: Steering,
  ledger: Ledger,
  began: number,
): Promise<PassResult> {
  const run = randomBytes(4).toString('hex');
  const [source, destination] = [realRoot(options.source), fromText(options.destination)];
  const { resumed, afterBoot } = beginPass(ledger, options.kind);
  // before anything is written: what is left of it is swept by the next call
  ledger.commit();
  const kind = kindOf(ledger, options);
  const known = kind === 'seed' ? undefined : knownRules(ledger, options);
  if (resumed || known === undefined || claim?.wasLeft === true) await claim?.make();
  const rules = known ?? probe(destination, tempName(run, 'probe'), options.owner);
  ledger.amend({ share: shareOf(rules) });
  noteRules(ledger, options, rules);
  const throttle = new Throttle();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const skipped = new SkippedList(options.ledger);
  const stopped = (): boolean => Atomics.load(stop, 0) !== 0;
  const setup: WorkerSetup = {
    ...{ ledger: options.ledger, source, destination, rules },
    exclude: options.exclude ?? [],
    rehash: options.rehash ?? [],
    final: kind === 'final',
    before: kind === 'seed' ? 0n : BigInt(ledger.meta().began) * 1_000_000n,
    shallow: options.shallow ?? false,
    // the way back writes to the old tree, and reads from a share that passes have written to
    ownNames: loose !== undefined || existsSync(join(options.ledger, REVERSE)),
    generation: ledger.meta().generation,
    prefix: tempName(run),
    ...(claim === undefined ? {} : { uuid: ledger.meta().uuid }),
    throttle: throttle.shared,
    stop: stop.buffer,
    ...(loose === undefined ? {} : { loose }),
    ...(quarantine === undefined ? {} : { quarantine }),
  };
  const onPart: ConstructorParameters<typeof Threads>[2] = (folder, name, part) => {
    pass?.copier.part(folder, name, part);
  };
  const { walkers, executor: inner, width } = executorsFor(setup, options, throttle, onPart, signal);
  const executor = claim === undefined ? inner : new Claiming(inner, claim);
  const gate: Gate = new Gate(
    async () => {
      await executor.run({ task: 'room' });
    },
    () => pass?.copier.wake(),
    tryEvery,
  );
  onGate(gate);
  let pass: Pass | undefined;
  const onAbort = (): void => {
    Atomics.store(stop, 0, 1);
    throttle.stop();
    pass?.copier.wake();
  };
  const counting = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    await obeyLimits(limits, throttle);
    const steady = new Steady(executor, gate, stopped);
    const ours = await recover(ledger, steady, afterBoot, resumed);
    if (resumed) await noteLeftovers({ ledger, executor: steady });
    pass = new Pass(
      {
        ...{ kind, source, destination, ledger, rules, walkers, gate, skipped, run, stopped },
        executor: steady,
        units: executor,
        only: options.only,
        maxDelete: options.maxDelete ?? Math.max(DELETE_ALWAYS, Math.floor(ledger.meta().files * DELETE_SHARE)),
        maxSkipped: options.maxSkipped ?? Number.MAX_SAFE_INTEGER,
        keepRoot: options.keepRoot ?? false,
        everywhere: async (path) => {
          await forgetFolder(inner, walkers, path);
        },
      },
      ours,
    );
    const current = pass;
    let last = 0;
    timer = setInterval(() => {
      const { files, bytes } = current.copier.results.copied;
      const done = files + bytes / 1e6;
      if (current.copier.queued > executor.capacity) width?.measured(done - last);
      last = done;
      onProgress(current.progress());
      obeyLimits(limits, throttle).catch((error: unknown) => {
        current.copier.fail(error);
      });
    }, TELL_EVERY);
    if (kind === 'seed' && options.only === undefined) countLater(setup, current, counting.signal);
    const end = await current.run();
    signal.throwIfAborted();
    endPass(ledger, end, kind);
    // what surprised us may be the destination's doing: it is asked again
    if (end.outcome !== 'done' || skipped.count > 0) ledger.forget('probed');
    await claim?.end();
    await ledger.durable();
    onProgress(current.progress());
    const { copied } = current.copier.results;
    return {
      kind,
      outcome: end.outcome,
      ...(end.why === undefined ? {} : { why: end.why }),
      seen: { ...current.seen },
      copied: { files: copied.files, bytes: copied.bytes },
      unchanged: current.unchanged + copied.same,
      ...(copied.adopted === 0 ? {} : { adopted: copied.adopted }),
      ...{ moved: current.moved, deleted: current.deleted, hardLinks: current.hardLinks, skipped: skipped.count },
      ...skipped.finish(),
      times: timesOf(rules),
      notes: notesOf(rules),
      seconds: (Date.now() - began) / 1_000,
    };
  } finally {
    clearInterval(timer);
    counting.abort();
    gate.end();
    pass?.copier.end();
    signal.removeEventListener('abort', onAbort);
    Atomics.store(stop, 0, 1);
    await walkers.close();
  }
}

function executorsFor(
  setup: WorkerSetup,
  { threads, lanes: asked }: PassOptions,
  throttle: Throttle,
  onPart: ConstructorParameters<typeof Threads>[2],
  signal: AbortSignal,
): { walkers: Threads; executor: Executor; width?: Width } {
  const cores = availableParallelism();
  if (!(asked ?? setup.rules.latency >= FAST_CALL)) {
    const both = new Threads(threads ?? Math.min(cores, THREADS), setup, onPart);
    return { walkers: both, executor: both };
  }
  const walkers = new Threads(Math.min(cores, 2), setup, onPart);
  const lanes = new Lanes(setup, throttle, onPart, signal);
  const width = new Width(threads ?? LANES);
  const executor: Executor = {
    get capacity() {
      return width.lanes;
    },
    run: (task) => lanes.run(task),
  };
  return { walkers, executor, width };
}

async function forgetFolder(executor: Executor, walkers: Threads, path: ByteName): Promise<void> {
  if (executor instanceof Threads) await walkers.all({ task: 'drop', path });
  else await executor.run({ task: 'drop', path });
}

async function obeyLimits(dir: string, throttle: Throttle): Promise<void> {
  throttle.set(budgetAt(await readLimits(dir), new Date()));
}

/** Counts the source once a seed has turned out to be long: then its end can be foretold. */
function countLater(setup: WorkerSetup, pass: Pass, signal: AbortSignal): void {
  const timer = setTimeout(() => {
    countTree(setup, signal).then(
      (total) => {
        pass.total = total;
      },
      () => undefined, // without it there is no forecast, and nothing else
    );
  }, COUNT_AFTER);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
  });
}
