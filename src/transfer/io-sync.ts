import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

import type { Call, Sequence, Times } from './io.js';
import { native, secondsText, TimesFailed, timespecs } from './io-native.js';

/** Waits for the budget, blocking; false when the pass is being stopped. */
export type TakeBudget = (bytes: number, files: number) => boolean;

/** Carries out a sequence with blocking calls: for worker threads. */
export function runSync<T>(sequence: Sequence<T>, take: TakeBudget = () => true): T {
  let step = sequence.next();
  while (step.done !== true) {
    let answer: unknown;
    try {
      answer = callSync(step.value, take);
    } catch (error) {
      step = sequence.throw(error);
      continue;
    }
    step = sequence.next(answer);
  }
  return step.value;
}

function callSync(call: Call, take: TakeBudget): unknown {
  switch (call.op) {
    case 'open':
      return openSync(call.path, call.flags, call.mode);
    case 'read':
      return readAll(call);
    case 'fstat':
      return fstatSync(call.fd, { bigint: true });
    case 'lstat':
      return lstatSync(call.path, { bigint: true });
    case 'readlink':
      return readlinkSync(call.path, 'latin1');
    case 'readdir':
      return readdirSync(call.path, 'latin1');
    case 'budget':
      return take(call.bytes, call.files);
    default:
      act(call);
      return undefined;
  }
}

/** Calls that answer nothing. */
function act(
  call: Exclude<Call, { op: 'open' | 'read' | 'lstat' | 'fstat' | 'readlink' | 'readdir' | 'budget' }>,
): void {
  switch (call.op) {
    case 'write':
      writeAll(call.fd, call.buffer, call.length, call.position);
      break;
    case 'fsync':
      fsyncSync(call.fd);
      break;
    case 'close':
      closeSync(call.fd);
      break;
    case 'unlink':
      unlinkSync(call.path);
      break;
    case 'rmdir':
      rmdirSync(call.path);
      break;
    case 'rename':
      renameSync(call.from, call.to);
      break;
    case 'link':
      linkSync(call.from, call.to);
      break;
    case 'symlink':
      symlinkSync(call.target, call.path);
      break;
    case 'mkdir':
      mkdirSync(call.path, { mode: call.mode });
      break;
    case 'ftruncate':
      ftruncateSync(call.fd, call.length);
      break;
    case 'fchmod':
      fchmodSync(call.fd, call.mode);
      break;
    case 'fchown':
      fchownSync(call.fd, call.uid, call.gid);
      break;
    case 'lchown':
      lchownSync(call.path, call.uid, call.gid);
      break;
    case 'futimes':
      setTimes(call.fd, call.times);
      break;
    case 'lutimes':
      setLinkTimes(call.path, call.times);
      break;
  }
}

function readAll({ fd, buffer, length, position, once }: Extract<Call, { op: 'read' }>): number {
  let got = 0;
  while (got < length) {
    const bytes = readSync(fd, buffer, got, length - got, position === null ? null : position + got);
    got += bytes;
    if (bytes === 0 || once) break;
  }
  return got;
}

function writeAll(fd: number, buffer: Buffer, length: number, position: number | null): void {
  for (let done = 0; done < length;) {
    done += writeSync(fd, buffer, done, length - done, position === null ? null : position + done);
  }
}

function setTimes(fd: number, times: Times): void {
  if (native?.futimens(fd, timespecs(times)) === 0) return;
  // tells the reason, but is less exact: where it succeeds the first failure was a passing one
  futimesSync(fd, secondsText(times.atime), secondsText(times.mtime));
  if (native !== undefined && native.futimens(fd, timespecs(times)) !== 0) throw new TimesFailed();
}

function setLinkTimes(path: string | Buffer, times: Times): void {
  const name = Buffer.from(path as string);
  if (native?.lutimens(name, timespecs(times)) === 0) return;
  lutimesSync(path, secondsText(times.atime), secondsText(times.mtime));
  if (native !== undefined && native.lutimens(name, timespecs(times)) !== 0) throw new TimesFailed();
}
