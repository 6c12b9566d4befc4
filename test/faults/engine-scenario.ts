import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';

import type { PassKind, PassResult, Progress } from '../../src/transfer/types.js';
import { output } from '../support/commands.js';
import { differences, manifest, type Manifest } from '../support/trees/manifest.js';
import { rsyncDifferences } from '../support/trees/rsync-differences.js';
import type { Command } from './strace.js';

/** Begins every name that the engine uses for itself in a tree. */
const OWN = /(^|\/)\.iw~/;
const LEASE = '.icewarp-rollout-transfer.lease';

/** Source, destination and ledger of a copy under faults. */
export interface Sides {
  readonly source: string;
  readonly destination: string;
  readonly ledger: string;
}

/** What one line of the driver says. */
export interface PassEvent {
  readonly progress?: Progress;
  readonly result?: PassResult;
  readonly failed?: string;
}

/** Empty folders for destination and ledger, and a source to be filled, below one folder. */
export function makeSides(folder: string): Sides {
  const sides = {
    source: join(folder, 'source'),
    destination: join(folder, 'destination'),
    ledger: join(folder, 'ledger'),
  };
  for (const path of Object.values(sides)) mkdirSync(path, { recursive: true });
  return sides;
}

/** The command of one pass, in one process with one copying thread. */
export function passCommand(
  { source, destination, ledger }: Sides,
  kind: PassKind,
  env: Readonly<Record<string, string>> = {},
): Command {
  const driver = join(import.meta.dirname, 'fixtures/one-pass.js');
  return { file: process.execPath, args: [driver, source, destination, ledger, kind], env };
}

/** Starts a pass; its events are read with {@link eventsOf}. */
export function startPass(sides: Sides, kind: PassKind, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const { file, args } = passCommand(sides, kind);
  return spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
}

/** Carries out a pass to its end. */
export async function runPassOf(
  sides: Sides,
  kind: PassKind,
  env: Readonly<Record<string, string>> = {},
): Promise<PassEvent> {
  const child = startPass(sides, kind, env);
  const [printed] = await Promise.all([child.stdout === null ? '' : text(child.stdout), once(child, 'exit')]);
  return endOf(printed);
}

/** The last thing that a pass said. */
export function endOf(printed: string): PassEvent {
  return eventsOf(printed).at(-1) ?? {};
}

export function eventsOf(printed: string): PassEvent[] {
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PassEvent);
}

/** Copies a destination and its ledger as they are: the beginning of many runs. */
export function cloneTree(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  output('cp', ['-a', '--', from, to]);
}

/** How the destination differs from the source, by two tools that are not the product's; names of its own count. */
export function unequal({ source, destination }: Sides): string[] {
  return [...differences(manifest(source), manifest(destination)), ...rsyncDifferences(source, destination)];
}

/**
 * Files under final names that are neither as in the source nor as they were before the pass.
 *
 * @param earlier the destination before the pass; absent for a first one.
 */
export function torn({ source, destination }: Sides, earlier?: Manifest): string[] {
  const wanted = manifest(source);
  // contents are found by hash: a name that is to be removed or moved may still be there
  const whole = new Set([...wanted.values(), ...(earlier?.values() ?? [])].map(({ sha256 }) => sha256));
  return [...manifest(destination)]
    .filter(([path, { type }]) => type === 'f' && !OWN.test(path) && path !== LEASE)
    .filter(([path, { sha256 }]) => {
      const known = [wanted.get(path)?.sha256, earlier?.get(path)?.sha256].filter((hash) => hash !== undefined);
      return known.length === 0 ? !whole.has(sha256) : !known.includes(sha256);
    })
    .map(([path]) => path);
}

/** Names in a list of skipped items. */
export function skippedIn(ledger: string): { path: string; reason: string; detail: string }[] {
  try {
    return readFileSync(join(ledger, 'skipped.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { path: string; reason: string; detail: string });
  } catch {
    return [];
  }
}
