import { spawnSync } from 'node:child_process';

import type { PassResult } from '../../src/transfer/types.js';
import type { Command } from './measure.js';
import { Stop } from './stop.js';

/** What a mover is to do. All paths are absolute; the destination exists. */
export interface Job {
  readonly source: string;
  readonly destination: string;
  /** A folder on the local disk that is this job's alone. */
  readonly scratch: string;
  /** Files copied side by side where the mover lets one choose; without it what it does by itself. */
  readonly lanes?: number;
  /** Files in the source, which fpsync wants to know beforehand to cut its jobs. */
  readonly files: number;
  /** Also remove what the source no longer has. */
  readonly removes?: boolean;
  /** The destination keeps whole seconds only. */
  readonly wholeSeconds?: boolean;
}

/** A program that copies a tree. */
export interface Mover {
  readonly name: string;
  /** The program that has to be there. */
  readonly tool: string;
  readonly command: (job: Job) => Command;
}

/** The name of ours in every table. */
export const OURS = 'icewarp-rollout';

/** This product: hashes, syncs and keeps its ledger, as always. */
export function ours(engine: string): Mover {
  const command = ({ source, destination, scratch, lanes }: Job): Command => {
    const options = [
      '--ledger',
      `${scratch}/ledger`,
      '--json',
      ...(lanes === undefined ? [] : ['--threads', String(lanes)]),
    ];
    return { file: process.execPath, args: [engine, 'transfer', 'copy', source, destination, ...options] };
  };
  return { name: OURS, tool: process.execPath, command };
}

export const cp: Mover = {
  name: 'cp -a',
  tool: 'cp',
  command: ({ source, destination }) => ({ file: 'cp', args: ['-a', '--', `${source}/.`, destination] }),
};

export const rsync: Mover = {
  name: 'rsync -a',
  tool: 'rsync',
  command: (job) => ({ file: 'rsync', args: rsyncArgs(job, []) }),
};

export const rsyncFsync: Mover = {
  name: 'rsync -a --fsync',
  tool: 'rsync',
  command: (job) => ({ file: 'rsync', args: rsyncArgs(job, ['--fsync']) }),
};

export const rclone: Mover = {
  name: 'rclone copy',
  tool: 'rclone',
  command: ({ source, destination, lanes, removes = false, wholeSeconds = false }) => ({
    file: 'rclone',
    args: [
      removes ? 'sync' : 'copy',
      '--config=',
      ...(lanes === undefined ? [] : [`--transfers=${lanes}`, `--checkers=${lanes}`]),
      // It would take every file for changed whose nanoseconds were cut off.
      ...(wholeSeconds ? ['--modify-window=1s'] : []),
      source,
      destination,
    ],
  }),
};

export const fpsync: Mover = {
  name: 'fpsync',
  tool: 'fpsync',
  command: ({ source, destination, scratch, lanes = 2, files }) => ({
    file: 'fpsync',
    args: ['-n', `${lanes}`, '-f', `${Math.ceil(files / lanes)}`, '-t', `${scratch}/`, `${source}/`, `${destination}/`],
  }),
};

/** Whether this rsync can sync what it writes; Debian's can since 3.2.4. */
export function canFsync(): boolean {
  return spawnSync('rsync', ['--help'], { encoding: 'utf8' }).stdout.includes('--fsync');
}

/**
 * The result that ours prints as its last line.
 *
 * @throws Stop when it is none, or the pass was not carried to its end
 */
export function resultOf(stdout: string): PassResult {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  let result: Partial<PassResult>;
  try {
    result = JSON.parse(line) as Partial<PassResult>;
  } catch {
    throw new Stop(`the last line is no result: ${line.slice(0, 200)}`);
  }
  if (result.outcome !== 'done')
    throw new Stop(`the pass ended as ${result.outcome ?? 'nothing'}: ${result.why ?? line}`);
  return result as PassResult;
}

function rsyncArgs({ source, destination, removes = false }: Job, more: readonly string[]): string[] {
  return ['-a', ...more, ...(removes ? ['--delete'] : []), '--', `${source}/`, `${destination}/`];
}
