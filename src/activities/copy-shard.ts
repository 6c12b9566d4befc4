import { createHash } from 'node:crypto';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { cutTree } from '../transfer/cut.js';
import { readIfThere, writeDurable } from '../transfer/durable-file.js';
import { writeLimits } from '../transfer/limits.js';
import { tempName } from '../transfer/names.js';
import { claimPair, noteSeeded, readPair } from '../transfer/pair.js';
import { compile } from '../transfer/patterns.js';
import { runEngine, type RunOptions } from '../transfer/run.js';
import { SKIPPED_FILE } from '../transfer/skipped.js';
import { summarize, type SkippedSummary } from '../transfer/skipped-summary.js';
import { hasWritten } from '../transfer/withdraw.js';
import type { Limits, PassOptions, PassResult, Progress, VerifyResult } from '../transfer/types.js';
import type {
  CopyTreeInput,
  LimitTreeInput,
  ReverseTreeInput,
  Tree,
  TreeBeat,
  TreeCut,
  VerifyTreeInput,
} from './tree.js';

/** Shards of one pass: with it a pass stays under 5,000 events of history (reference, limits). */
export const MOST_SHARDS = 500;

const CUT = 'cut.json';

/** What a part of a tree's copy is given by its agent. */
export interface TreeContext {
  /** The agent's own folder, on a local disk. */
  readonly stateDir: string;
  readonly signal: AbortSignal;
  /** Tells how far it is, for the next heartbeat. */
  readonly tell: (beat: TreeBeat) => void;
  /** Another engine in tests. */
  readonly engine?: Pick<RunOptions, 'child' | 'env'>;
}

/** Cuts a tree for its first copy. A second call cuts it anew. */
export async function cutForCopy({ tree }: { readonly tree: Tree }, context: TreeContext): Promise<TreeCut> {
  const ledger = await ledgerOf(tree, context);
  const { shards, entries } = await cutTree(tree.source, {
    most: MOST_SHARDS,
    exclude: compile(tree.exclude ?? []),
    signal: context.signal,
    onProgress: (files) => context.tell({ phase: 'count', files, bytes: 0 }),
  });
  const text = JSON.stringify(shards);
  await writeDurable(ledger, CUT, text, tempName('cut', process.pid));
  return { shards: shards.length, entries, id: idOf(text) };
}

/**
 * One pass over a shard, or over the whole tree. May be killed anywhere and run again: the ledger goes on.
 *
 * @throws RolloutError CHANGED_MEANWHILE when the tree has been cut anew since; what the engine fails with.
 */
export async function copyShard({ tree, kind, shard }: CopyTreeInput, context: TreeContext): Promise<PassResult> {
  const ledger = await ledgerOf(tree, context);
  const pair = await claimPair(ledger, tree.source, tree.destination);
  const only = shard === undefined ? undefined : await shardOf(ledger, shard);
  const { name: _, ...asked } = tree;
  const options: PassOptions = {
    ...asked,
    ledger,
    kind,
    // a folder of the share: the cluster file says whose it is
    keepRoot: true,
    ...(only === undefined ? {} : { only }),
  };
  const result = (await runEngine({ task: 'copy', options }, runOptions(context))) as PassResult;
  if (only === undefined && result.outcome === 'done') await noteSeeded(ledger, pair);
  return result;
}

/** Reads the destination back and compares it with what was recorded. */
export async function verifyTree(
  { tree, sample, latest }: VerifyTreeInput,
  context: TreeContext,
): Promise<VerifyResult> {
  const { destination, threads } = tree;
  const options = {
    ledger: await ledgerOf(tree, context),
    destination,
    ...(sample === undefined ? {} : { sample }),
    ...(latest === undefined ? {} : { latest }),
    ...(threads === undefined ? {} : { threads }),
  };
  return (await runEngine({ task: 'verify', options }, runOptions(context))) as VerifyResult;
}

/** Takes back to the source what has changed at the destination since the final pass. */
export async function reverseTree({ tree, quarantine }: ReverseTreeInput, context: TreeContext): Promise<PassResult> {
  const { source, destination, exclude, rehash, maxDelete, threads } = tree;
  const options = {
    ledger: await ledgerOf(tree, context),
    source,
    destination,
    quarantine,
    ...(exclude === undefined ? {} : { exclude }),
    ...(rehash === undefined ? {} : { rehash }),
    ...(maxDelete === undefined ? {} : { maxDelete }),
    ...(threads === undefined ? {} : { threads }),
  };
  return (await runEngine({ task: 'reverse', options }, runOptions(context))) as PassResult;
}

/**
 * Takes away from the destination what passes over this tree have put there, and forgets them: the way back of a copy
 * that nobody uses. May be killed anywhere and run again.
 *
 * @returns what stays there because somebody changed it since, or put something into it.
 * @throws RolloutError COPY_INCOMPLETE when something could not be deleted; what the engine fails with.
 */
export async function withdrawCopy(name: Tree['name'], context: TreeContext): Promise<SkippedSummary> {
  const ledger = ledgerFolder(name, context.stateDir);
  const pair = await readPair(ledger);
  if (pair === null) return {};
  const left = (await hasWritten(ledger)) ? await takeAway(ledger, pair.destination, context) : {};
  await rm(ledger, { recursive: true, force: true });
  // what another tree has there stays
  await rmdir(dirname(ledger)).catch(() => undefined);
  return left;
}

async function takeAway(ledger: string, destination: string, context: TreeContext): Promise<SkippedSummary> {
  const task = { task: 'withdraw', options: { ledger, destination } } as const;
  const result = (await runEngine(task, runOptions(context))) as PassResult;
  const left = await summarize(result);
  const failed = left.FAILED ?? left.DENIED;
  if (result.outcome === 'done' && failed === undefined) return left;
  throw new RolloutError(
    'COPY_INCOMPLETE',
    `not all of ${destination} could be taken away: ${failed?.example ?? result.why ?? ''}`,
  );
}

/** Makes a tree's ledger that of its two folders, before the first pass: from then on the copy is begun. */
export async function claimTree(tree: Tree, context: TreeContext): Promise<void> {
  await claimPair(await ledgerOf(tree, context), tree.source, tree.destination);
}

/** The list of what the latest pass over a tree has skipped. */
export function skippedFileOf(name: Tree['name'], stateDir: string): string {
  return join(ledgerFolder(name, stateDir), SKIPPED_FILE);
}

/** Changes how fast a tree's passes may go; one that runs takes it up by itself. */
export async function limitTree({ tree, limits }: LimitTreeInput, context: TreeContext): Promise<Limits> {
  await writeLimits(await ledgerOf(tree, context), limits);
  return limits;
}

async function ledgerOf({ name }: Tree, { stateDir }: TreeContext): Promise<string> {
  const ledger = ledgerFolder(name, stateDir);
  await mkdir(ledger, { recursive: true, mode: 0o700 });
  return ledger;
}

/** @throws RolloutError USAGE for a name that is none: it would be a path. */
export function ledgerFolder(name: string, stateDir: string): string {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) throw new RolloutError('USAGE', `"${name}" is no name of a tree`);
  return join(stateDir, 'transfer', name);
}

/** Whether passes over a tree have been begun, and nobody has withdrawn what they copied. */
export async function isCopyBegun(name: Tree['name'], stateDir: string): Promise<boolean> {
  return (await readPair(ledgerFolder(name, stateDir))) !== null;
}

async function shardOf(
  ledger: string,
  { cut, index }: NonNullable<CopyTreeInput['shard']>,
): Promise<readonly string[]> {
  const text = (await readIfThere(join(ledger, CUT))) ?? '';
  const shard = idOf(text) === cut ? (JSON.parse(text) as string[][])[index] : undefined;
  if (shard !== undefined) return shard;
  throw new RolloutError('CHANGED_MEANWHILE', `the tree of ${ledger} has been cut anew by another pass`);
}

function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function runOptions({ signal, tell, engine }: TreeContext): RunOptions {
  return {
    ...engine,
    signal,
    onProgress: (progress) => tell(beatOf(progress)),
    onWait: (waits) => tell({ phase: 'start', files: 0, bytes: 0, waits }),
  };
}

function beatOf({ phase, durable, total, copied, skipped, waits }: Progress): TreeBeat {
  return {
    phase,
    files: durable.files,
    bytes: durable.bytes,
    ...(total === undefined ? {} : { totalFiles: total.files, totalBytes: total.bytes }),
    copiedFiles: copied.files,
    skipped,
    ...(waits === undefined ? {} : { waits }),
  };
}
