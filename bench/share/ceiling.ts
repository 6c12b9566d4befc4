import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { MailTree } from '../../test/support/trees/mail-tree.js';
import { SftpClient } from './sftp-client.js';

/** As sshfs writes. */
const WRITE_BYTES = 32_768;

/** What the bare loop copies. */
export interface BareLoop {
  readonly port: number;
  readonly tree: MailTree;
  /** The folder on the server's side. */
  readonly destination: string;
  readonly lanes: number;
}

/**
 * Copies a tree with the requests that a safe copy cannot do without, as sshfs sends them, over one connection; writes
 * and closes are not waited for one by one. The folders are made beforehand.
 *
 * @returns seconds
 */
export async function bareShareLoop({ port, tree, destination, lanes }: BareLoop): Promise<number> {
  const folders = new Set(Array.from({ length: tree.files }, (_, index) => dirname(tree.path(index))));
  for (const folder of folders) mkdirSync(join(destination, folder), { recursive: true });
  const client = await SftpClient.connect(port);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < tree.files; index = next++) {
      const path = tree.path(index);
      await copyFile(client, readFileSync(join(tree.root, path)), join(destination, path));
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  const seconds = (performance.now() - begin) / 1_000;
  client.end();
  return seconds;
}

/** Milliseconds that one request takes through the relay, on the average. */
export async function roundTripTime(port: number, count = 200): Promise<number> {
  const client = await SftpClient.connect(port);
  const begin = performance.now();
  for (let asked = 0; asked < count; asked += 1) await client.lstat('/');
  const time = (performance.now() - begin) / count;
  client.end();
  return time;
}

async function copyFile(client: SftpClient, content: Buffer, path: string): Promise<void> {
  await client.lstat(path);
  const handle = await client.create(path);
  await client.lstat(path);
  const writes: Promise<void>[] = [];
  for (let at = 0; at < content.length; at += WRITE_BYTES) {
    writes.push(client.write(handle, at, content.subarray(at, at + WRITE_BYTES)));
  }
  await client.setTimes(handle, 1_000_000_000);
  await client.lstat(path);
  await Promise.all([...writes, client.fsync(handle)]);
  await client.close(handle);
}
