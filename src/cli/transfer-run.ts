import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';

import { RolloutError, type ErrorCode } from '../cluster/errors.js';
import { readLimits, writeLimits } from '../transfer/limits.js';
import { claimPair, noteSeeded, readPair, releasePair, type Pair } from '../transfer/pair.js';
import { fromText } from '../transfer/names.js';
import { compile } from '../transfer/patterns.js';
import { runEngine } from '../transfer/run.js';
import type { EngineTask, Limits, PassOptions, PassResult, VerifyResult } from '../transfer/types.js';
import { EXIT } from './exit.js';
import type { Basis } from './progress-line.js';
import type { CopyFlags, Engine, LimitFlag, ReverseFlags, VerifyFlags } from './transfer.js';
import { foldersOf, outside } from './transfer-folders.js';
import { TransferOutput } from './transfer-output.js';
import { isPass } from './transfer-text.js';

/** What a copy is refused with before it has done anything. */
const BEFORE_THE_FIRST_WRITE = new Set<ErrorCode>(['DESTINATION_OTHER', 'DESTINATION_BUSY', 'SOURCE_MISSING']);

/** Copies a tree: all of it the first time, what has changed after that. @returns the exit code. */
export async function copyFolder(from: string, to: string, flags: CopyFlags, engine: Engine): Promise<number> {
  const { exclude = [], alwaysHash = [] } = flags;
  // a wrong pattern is told before anything is made
  compile([...exclude, ...alwaysHash]);
  const { source, destination, ledger } = await foldersOf(from, to, flags.ledger);
  await mkdir(ledger, { recursive: true, mode: 0o700 });
  const isNew = (await readPair(ledger)) === null;
  const pair = await claimPair(ledger, source, destination);
  const { limitBytes, limitFiles } = flags;
  if (limitBytes !== undefined || limitFiles !== undefined) {
    await writeLimits(ledger, changed(await readLimits(ledger), limitBytes, limitFiles));
  }
  const kind = flags.final === true ? 'final' : pair.seeded === true ? 'delta' : 'seed';
  const { threads, maxDelete, maxSkipped } = flags;
  const options: PassOptions = {
    source,
    destination,
    ledger,
    kind,
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(alwaysHash.length === 0 ? {} : { rehash: alwaysHash }),
    ...(flags.adopt === undefined ? {} : { adopt: true }),
    ...(threads === undefined ? {} : { threads }),
    ...(maxDelete === undefined ? {} : { maxDelete }),
    ...(maxSkipped === undefined ? {} : { maxSkipped }),
  };
  const basis = kind === 'seed' ? 'durable' : 'seen';
  try {
    return await runShown({ task: 'copy', options }, basis, flags.json === true, engine, async (result) => {
      if (isPass(result) && result.outcome === 'done') await noteSeeded(ledger, pair);
    });
  } catch (error) {
    // a mistyped folder must not keep the ledger from the right one
    if (isNew && error instanceof RolloutError && BEFORE_THE_FIRST_WRITE.has(error.code)) await releasePair(ledger);
    throw error;
  }
}

/** Reads the destination back. @returns the exit code. */
export async function verifyCopy(flags: VerifyFlags, engine: Engine): Promise<number> {
  const { ledger, destination } = await knownPair(flags.ledger);
  const { sample, threads } = flags;
  const options = {
    ledger,
    destination,
    ...(sample === undefined ? {} : { sample }),
    ...(threads === undefined ? {} : { threads }),
  };
  return runShown({ task: 'verify', options }, 'seen', flags.json === true, engine);
}

/** Takes back to the source what has changed at the destination. @returns the exit code. */
export async function reverseCopy(flags: ReverseFlags, engine: Engine): Promise<number> {
  const { exclude = [], alwaysHash = [], threads, maxDelete } = flags;
  compile([...exclude, ...alwaysHash]);
  const { ledger, source, destination } = await knownPair(flags.ledger);
  const options = {
    ledger,
    source,
    destination,
    quarantine: await quarantineOf(flags, { ledger, source, destination }),
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(alwaysHash.length === 0 ? {} : { rehash: alwaysHash }),
    ...(threads === undefined ? {} : { threads }),
    ...(maxDelete === undefined ? {} : { maxDelete }),
  };
  return runShown({ task: 'reverse', options }, 'seen', flags.json === true, engine);
}

/** Outside both trees; inside the source where the patterns leave it out, as where that is a file system of its own. */
async function quarantineOf(
  { quarantine, exclude = [] }: ReverseFlags,
  { ledger, source, destination }: Pair & { readonly ledger: string },
): Promise<string> {
  const place = await outside('the quarantine', quarantine, { 'the destination': destination, 'the ledger': ledger });
  const leftOut = place.startsWith(`${source}/`) && compile(exclude)(fromText(place.slice(source.length + 1)));
  return leftOut ? place : outside('the quarantine', quarantine, { 'the source': source });
}

/** The folders that a ledger is about. @throws RolloutError USAGE when nothing has been copied with it. */
export async function knownPair(folder: string): Promise<Pair & { readonly ledger: string }> {
  const ledger = resolve(folder);
  const pair = await readPair(ledger);
  if (pair === null) throw new RolloutError('USAGE', `nothing has been copied with a ledger in ${ledger}`);
  return { ...pair, ledger };
}

/** Limits with a change; what is not named stays. */
export function changed(
  limits: Limits,
  bytes?: LimitFlag,
  files?: LimitFlag,
  timetable?: Limits['timetable'] | 'none',
): Limits {
  const wanted = Object.entries({ bytes, files, timetable }).filter(([, value]) => value !== undefined);
  const entries: [string, unknown][] = Object.entries({ ...limits, ...Object.fromEntries(wanted) });
  return Object.fromEntries(entries.filter(([, value]) => value !== 'none'));
}

/** Runs the engine, tells of it, and stops it cleanly on Ctrl-C. @returns the exit code. */
async function runShown(
  task: EngineTask,
  basis: Basis,
  json: boolean,
  engine: Engine,
  finish: (result: PassResult | VerifyResult) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const output = new TransferOutput(basis, json);
  const controller = new AbortController();
  const stop = (): void => {
    // the second time at once; the engine ends when it hears nothing of its parent any more
    if (controller.signal.aborted) process.exit(EXIT.failed);
    output.say('stopping', 'Stopping …');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const result = await runEngine(task, {
      ...engine,
      signal: controller.signal,
      onProgress: (progress) => output.progress(progress),
      onWait: (words) => output.say('waits', words),
    });
    await finish(result);
    await output.result(result);
    return exitCodeOf(result);
  } catch (error) {
    const failure = error instanceof RolloutError ? error : undefined;
    if (controller.signal.aborted && failure === undefined) {
      output.say('stopped', 'Stopped. The same command goes on where this one was.');
      return EXIT.failed;
    }
    if (failure !== undefined) output.failed(failure);
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function exitCodeOf(result: PassResult | VerifyResult): number {
  if (!isPass(result)) return result.outcome === 'equal' ? EXIT.done : EXIT.differences;
  if (result.outcome !== 'done') return EXIT.held;
  return result.skipped > 0 ? EXIT.differences : EXIT.done;
}
