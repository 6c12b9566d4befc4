// A program for the tests of the fault helpers: like a mover, it writes in a worker thread while its main thread opens
// and writes other things, so that calls of one kind are made in several threads.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const FILES = 6;

function write(folder: string): void {
  for (let index = 0; index < FILES; index += 1) {
    const descriptor = openSync(`${folder}/.part-${index}`, 'wx');
    writeSync(descriptor, 'content');
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${folder}/.part-${index}`, `${folder}/${index}`);
  }
}

if (isMainThread) {
  const folder = process.argv[2] ?? '';
  mkdirSync(folder);
  const worker = new Worker(new URL(import.meta.url), { workerData: folder });
  worker.on('exit', () => process.stdout.write('done\n'));
} else {
  try {
    write(String(workerData));
  } catch (error) {
    process.stdout.write(`${(error as NodeJS.ErrnoException).code ?? ''}\n`);
  }
}
