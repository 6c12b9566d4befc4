import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
  existsSync,
} from 'node:fs';

import { NOT_OFFERED } from './durable-file.js';
import { classify } from './errors.js';
import { codeOf, futimes } from './io.js';
import { runSync } from './io-sync.js';
import { native } from './io-native.js';
import { toFs, type ByteName } from './names.js';
import type { Rules } from './work.js';

const SECOND = 1_000_000_000n;
/** Far ends of what file systems hold: the end of our own rows, 1901, 1970 and 2262, 2106, 2038. */
const EARLY = [-9_223_372_036n, -(2n ** 31n), 0n].map((seconds) => seconds * SECOND);
const LATE = [9_223_372_036n, 2n ** 32n - 1n, 2n ** 31n - 1n].map((seconds) => seconds * SECOND);

/**
 * Finds out what a destination can do, in a folder of its own that it removes again: how fast calls are, what it keeps of
 * owners, modes and times, whether it tells names apart.
 */
export function probe(destination: ByteName, name: ByteName, owner: Rules['owner']): Rules {
  const dir = `${destination}/${name}`;
  rmSync(toFs(dir), { recursive: true, force: true });
  const took: number[] = [];
  const timed = <T>(call: () => T): T => {
    const from = process.hrtime.bigint();
    const answer = call();
    took.push(Number(process.hrtime.bigint() - from) / 1_000);
    return answer;
  };
  timed(() => {
    mkdirSync(toFs(dir), { mode: 0o700 });
  });
  try {
    const file = `${dir}/f`;
    const fd = timed(() => openSync(toFs(file), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o777));
    timed(() => writeSync(fd, Buffer.from('probe')));
    timed(() => {
      fsyncSync(fd);
    });
    const created = timed(() => lstatSync(toFs(file), { bigint: true }));
    const createdAs = { uid: Number(created.uid), gid: Number(created.gid) };
    const createdMode = Number(created.mode) & 0o777;
    const modes = modesHold(file);
    const owners = ownersHold(file, createdAs);
    const { granularity, earliest, latest } = times(fd, file);
    timed(() => {
      closeSync(fd);
    });
    const median = took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0;
    return {
      ...(owner === undefined ? {} : { owner }),
      ...{ owners, createdAs, createdMode, modes, granularity, earliest, latest },
      hardLinks: holds(() => {
        linkSync(toFs(file), toFs(`${dir}/l`));
      }),
      symlinks: holds(() => {
        symlinkSync('f', toFs(`${dir}/s`));
      }),
      folderSync: folderSync(dir),
      foldsCase: existsSync(toFs(`${dir}/F`)),
      foldsForm: foldsForm(dir),
      latency: median,
    };
  } finally {
    rmSync(toFs(dir), { recursive: true, force: true });
  }
}

/**
 * Whether the destination carries out a call.
 *
 * @throws what may be otherwise the next time, such as EIO: taken for a refusal it would leave permissions or owners
 * behind for good.
 */
function holds(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (classify(error).is === 'skip') return false;
    throw error;
  }
}

/** What a destination does not keep, in words, for the report. */
export function notesOf(rules: Rules): string[] {
  return [
    ...(rules.folderSync ? [] : ['folders cannot be synced: entries are as durable as the server makes them']),
    ...(rules.owners ? [] : ['owners are not kept']),
    ...(rules.modes ? [] : ['permissions are not kept']),
    ...(rules.hardLinks ? [] : ['names of one file become files of their own']),
    ...(rules.symlinks ? [] : ['symbolic links cannot be held']),
    ...(rules.foldsCase ? ['names that differ only by case are one'] : []),
    ...(rules.foldsForm ? ['names that differ only by Unicode normal form are one'] : []),
  ];
}

/** How exactly times are kept, for the report (R9). */
export function timesOf(rules: Rules): string {
  if (rules.granularity > 1n) {
    return rules.granularity === SECOND ? 'whole seconds' : `${String(rules.granularity)} nanoseconds`;
  }
  return native === undefined ? 'microseconds' : 'nanoseconds';
}

function modesHold(file: ByteName): boolean {
  const isSet = holds(() => {
    chmodSync(toFs(file), 0o640);
  });
  return isSet && (lstatSync(toFs(file)).mode & 0o777) === 0o640;
}

function ownersHold(file: ByteName, created: { uid: number; gid: number }): boolean {
  // only root gives files away
  if (process.geteuid?.() !== 0) return false;
  const isSet = holds(() => {
    chownSync(toFs(file), created.uid + 1, created.gid + 1);
  });
  const { uid, gid } = lstatSync(toFs(file));
  return isSet && uid === created.uid + 1 && gid === created.gid + 1;
}

function times(fd: number, file: ByteName): Pick<Rules, 'granularity' | 'earliest' | 'latest'> {
  const kept = (mtime: bigint): bigint => {
    try {
      runSync(futimes(fd, { atime: mtime, mtime }));
      return lstatSync(toFs(file), { bigint: true }).mtimeNs;
    } catch {
      return mtime === 0n ? 1n : 0n;
    }
  };
  const exact = 1_000_000_000n * SECOND + 987_654_321n;
  const got = kept(exact);
  const lost = got > exact ? got - exact : exact - got;
  const granularity = lost === 0n ? 1n : lost < 1_000n ? 1_000n : lost < 1_000_000n ? 1_000_000n : SECOND;
  const holds = (time: bigint): boolean => kept(time) === time;
  return {
    granularity: lost >= SECOND ? 2n * SECOND : granularity,
    earliest: EARLY.find(holds) ?? 0n,
    latest: LATE.find(holds) ?? (2n ** 31n - 1n) * SECOND,
  };
}

function folderSync(dir: ByteName): boolean {
  const fd = openSync(toFs(dir), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
    return true;
  } catch (error) {
    if (NOT_OFFERED.has(codeOf(error))) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
}

function foldsForm(dir: ByteName): boolean {
  const isMade = holds(() => {
    closeSync(openSync(toFs(`${dir}/\u00c3\u00a9`), 'w'));
  });
  return isMade && existsSync(toFs(`${dir}/e\u00cc\u0081`));
}
