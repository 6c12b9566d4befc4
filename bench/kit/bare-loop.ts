// The ceiling: the system calls that a safe copy, or a walk, cannot do without, and nothing else. Its own program:
// `bare-loop.js copy THREADS SOURCE DESTINATION` or `bare-loop.js walk THREADS SOURCE`.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

interface Task {
  readonly kind: string;
  readonly source: string;
  readonly destination: string;
  readonly folders: readonly string[];
  /** One counter for all threads: the next folder that nobody has taken. */
  readonly next: Int32Array;
}

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OLD = constants.O_RDONLY | constants.O_NOFOLLOW;

if (isMainThread) {
  const [kind = '', threads = '', source = '', destination = ''] = process.argv.slice(2);
  const folders = foldersBelow(source);
  if (kind === 'copy') for (const folder of folders) mkdirSync(destination + folder, { recursive: true });
  const next = new Int32Array(new SharedArrayBuffer(4));
  const task: Task = { kind, source, destination, folders, next };
  for (let count = 0; count < Number(threads); count += 1) {
    new Worker(new URL(import.meta.url), { workerData: task });
  }
} else {
  work(workerData as Task);
}

function work({ kind, source, destination, folders, next }: Task): void {
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (;;) {
    const folder = folders[Atomics.add(next, 0, 1)];
    if (folder === undefined) return;
    if (kind === 'walk') walk(source + folder);
    else copy(source + folder, destination + folder, buffer);
  }
}

function foldersBelow(root: string): string[] {
  const found = [''];
  for (const folder of found) {
    for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
      if (entry.isDirectory()) found.push(`${folder}/${entry.name}`);
    }
  }
  return found;
}

function walk(folder: string): void {
  for (const name of readdirSync(folder, { encoding: 'latin1' })) lstatSync(`${folder}/${name}`);
}

function copy(from: string, to: string, buffer: Buffer): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = openSync(`${from}/${entry.name}`, OLD);
    const { mtimeMs } = fstatSync(file);
    const part = openSync(`${to}/.iw~bare`, NEW, 0o644);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) writeSync(part, buffer, 0, read);
    futimesSync(part, mtimeMs / 1_000, mtimeMs / 1_000);
    fsyncSync(part);
    closeSync(part);
    fstatSync(file);
    closeSync(file);
    lstatSync(`${from}/${entry.name}`);
    renameSync(`${to}/.iw~bare`, `${to}/${entry.name}`);
  }
  const directory = openSync(to, constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(directory);
  closeSync(directory);
}
