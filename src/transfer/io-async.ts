import * as fs from 'node:fs';
import { promisify } from 'node:util';

import type { Call, Sequence, Times } from './io.js';
import { native, secondsText, TimesFailed, timespecs } from './io-native.js';

/** Waits for the budget; false when the pass is being stopped. */
export type AwaitBudget = (bytes: number, files: number) => Promise<boolean>;

/** Carries out a sequence through the thread pool: each call of a lane may take its time, lanes run side by side. */
export async function runAsync<T>(sequence: Sequence<T>, take: AwaitBudget = () => Promise.resolve(true)): Promise<T> {
  let step = sequence.next();
  while (step.done !== true) {
    let answer: unknown;
    try {
      answer = await callAsync(step.value, take);
    } catch (error) {
      step = sequence.throw(error);
      continue;
    }
    step = sequence.next(answer);
  }
  return step.value;
}

// Descriptors are numbers here, as in the blocking interpreter: the callback interface has them, promises do not.
const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.write);
const fstat = promisify(fs.fstat);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const ftruncate = promisify(fs.ftruncate);
const fchmod = promisify(fs.fchmod);
const fchown = promisify(fs.fchown);
const futimes = promisify(fs.futimes);

function callAsync(call: Call, take: AwaitBudget): Promise<unknown> {
  switch (call.op) {
    case 'open':
      return open(call.path, call.flags, call.mode);
    case 'read':
      return readAll(call);
    case 'write':
      return writeAll(call.fd, call.buffer, call.length, call.position);
    case 'fstat':
      return fstat(call.fd, { bigint: true });
    case 'fsync':
      return fsync(call.fd);
    case 'close':
      return close(call.fd);
    case 'lstat':
      return fs.promises.lstat(call.path, { bigint: true });
    case 'unlink':
      return fs.promises.unlink(call.path);
    case 'rmdir':
      return fs.promises.rmdir(call.path);
    case 'readlink':
      return fs.promises.readlink(call.path, 'latin1');
    case 'readdir':
      return fs.promises.readdir(call.path, 'latin1');
    case 'rename':
      return fs.promises.rename(call.from, call.to);
    case 'link':
      return fs.promises.link(call.from, call.to);
    case 'symlink':
      return fs.promises.symlink(call.target, call.path);
    case 'mkdir':
      return fs.promises.mkdir(call.path, { mode: call.mode });
    case 'ftruncate':
      return ftruncate(call.fd, call.length);
    case 'fchmod':
      return fchmod(call.fd, call.mode);
    case 'fchown':
      return fchown(call.fd, call.uid, call.gid);
    case 'lchown':
      return fs.promises.lchown(call.path, call.uid, call.gid);
    case 'futimes':
      return setTimes(call.fd, call.times);
    case 'lutimes':
      return setLinkTimes(call.path, call.times);
    case 'budget':
      return take(call.bytes, call.files);
  }
}

async function readAll({ fd, buffer, length, position, once }: Extract<Call, { op: 'read' }>): Promise<number> {
  let got = 0;
  while (got < length) {
    const { bytesRead } = await read(fd, buffer, got, length - got, position === null ? null : position + got);
    got += bytesRead;
    if (bytesRead === 0 || once) break;
  }
  return got;
}

async function writeAll(fd: number, buffer: Buffer, length: number, position: number | null): Promise<void> {
  for (let done = 0; done < length;) {
    const { bytesWritten } = await write(fd, buffer, done, length - done, position === null ? null : position + done);
    done += bytesWritten;
  }
}

async function setTimes(fd: number, times: Times): Promise<void> {
  if ((await native?.futimensAsync(fd, timespecs(times))) === 0) return;
  await futimes(fd, secondsText(times.atime), secondsText(times.mtime));
  if (native !== undefined && (await native.futimensAsync(fd, timespecs(times))) !== 0) throw new TimesFailed();
}

async function setLinkTimes(path: string | Buffer, times: Times): Promise<void> {
  // rare, and koffi's asynchronous calls must not outlive the path's memory
  const name = Buffer.from(path as string);
  if (native?.lutimens(name, timespecs(times)) === 0) return;
  await fs.promises.lutimes(path, secondsText(times.atime), secondsText(times.mtime));
  if (native !== undefined && native.lutimens(name, timespecs(times)) !== 0) throw new TimesFailed();
}
