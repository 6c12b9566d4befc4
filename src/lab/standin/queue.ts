import { mkdir, readFile, readdir, rename, unlink } from 'node:fs/promises';

import { writeDurably } from './durable-file.js';
import { isMissing } from './file-errors.js';

/** A message on its way. */
export interface Queued {
  readonly from: string;
  readonly to: readonly string[];
  readonly message: Buffer;
}

const NEWLINE = 0x0a;

/** Puts a message into a queue folder; when this returns it is durable there, as `<name>.dat`. */
export async function enqueue(folder: string, name: string, { from, to, message }: Queued): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const data = Buffer.concat([Buffer.from(`${JSON.stringify({ from, to })}\n`), message]);
  await writeDurably(`${folder}${name}.tm$.tm$`, folder, `${name}.dat`, data);
}

/** The names waiting in a queue folder, oldest first. */
export async function waiting(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith('.dat')).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Reads a queued message; undefined when another server took it meanwhile (a queue folder on the share). */
export async function readQueued(folder: string, name: string): Promise<Queued | undefined> {
  try {
    const data = await readFile(folder + name);
    const end = data.indexOf(NEWLINE);
    const envelope = JSON.parse(data.subarray(0, end).toString()) as { from: string; to: string[] };
    return { ...envelope, message: data.subarray(end + 1) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export async function dequeue(folder: string, name: string): Promise<void> {
  await unlink(folder + name).catch(ignoreMissing);
}

/** Moves a message that could not be sent to the retry folder. */
export async function postpone(folder: string, name: string, retry: string): Promise<void> {
  await mkdir(retry, { recursive: true, mode: 0o700 });
  await rename(folder + name, retry + name).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
