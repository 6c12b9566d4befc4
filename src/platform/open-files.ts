import { readdirSync, readlinkSync, realpathSync } from 'node:fs';

import { allPids, factsOf, readProcess } from './processes.js';
import { shown } from './tree.js';

/** A file that a process can write to. */
export interface Writer {
  readonly pid: number;
  readonly program: string;
  /** For people. */
  readonly file: string;
}

/** The bits of open(2)'s flags that say for what a file is open; 0 is for reading. */
const ACCESS = 0o3;
/** Ends the name that the kernel shows of a file which nobody can open any more. */
const DELETED = ' (deleted)';

/**
 * Who has files below some folders open for writing, or mapped into memory for it, as the kernel tells it (proc(5)).
 * This process and what it has started do not count. Needs the right to look at every process.
 *
 * A file that is seen at another place, in a container or through a bind mount, is not recognised.
 */
export function writersBelow(folders: readonly string[]): readonly Writer[] {
  const roots = folders.map(realPath);
  const isBelow = (path: string): boolean =>
    !path.endsWith(DELETED) && roots.some((root) => path.startsWith(`${root}/`));
  return allPids()
    .filter((pid) => !isOurs(pid))
    .flatMap((pid) => {
      const files = new Set([
        ...openForWriting(pid, isBelow),
        ...mappedForWriting(readProcess(pid, 'maps', 'latin1')).filter(isBelow),
      ]);
      const program = files.size === 0 ? '' : readProcess(pid, 'comm').trim();
      return [...files].map((file) => ({ pid, program, file: shown(Buffer.from(file, 'latin1')) }));
    });
}

/** The files that a process has mapped into memory so that what it writes there reaches them. Paths as latin1. Pure. */
export function mappedForWriting(maps: string): readonly string[] {
  return maps.split('\n').flatMap((line) => {
    const [, path] = /^\S+ .w.s \S+ \S+ \d+ +(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [path];
  });
}

/** Names are bytes: paths are compared as latin1. */
function openForWriting(pid: number, isBelow: (path: string) => boolean): readonly string[] {
  return handlesOf(pid).flatMap((handle) => {
    const path = linkAt(`/proc/${pid}/fd/${handle}`);
    if (!isBelow(path)) return [];
    const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readProcess(pid, `fdinfo/${handle}`)) ?? [];
    return (parseInt(flags, 8) & ACCESS) === 0 ? [] : [path];
  });
}

function handlesOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    // it has ended
    return [];
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** As the kernel shows what is open: without links on the way. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder, 'latin1');
  } catch {
    // what is not there holds nothing open
    return Buffer.from(folder).toString('latin1').replace(/\/+$/, '');
  }
}

function isOurs(pid: number): boolean {
  for (let one: number | undefined = pid; one !== undefined && one > 1; one = factsOf(one)?.parent) {
    if (one === process.pid) return true;
  }
  return false;
}
