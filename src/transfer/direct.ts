import { closeSync, constants, openSync, readSync } from 'node:fs';

import { BUFFER } from './content.js';
import { isGone } from './errors.js';
import { codeOf } from './io.js';
import { native } from './io-native.js';
import { toFs, type ByteName } from './names.js';

/** What memory, offsets and lengths of direct reads are multiples of. */
const BLOCK = 4_096;

/** Memory for reads that go past the cache; without the C library, plain memory. */
export function readBuffer(): Buffer {
  const memory = Buffer.allocUnsafeSlow(BUFFER + BLOCK);
  if (native === undefined) return memory.subarray(0, BUFFER);
  const over = Number(native.addressOf(memory) % BigInt(BLOCK));
  const from = over === 0 ? 0 : BLOCK - over;
  return memory.subarray(from, from + BUFFER);
}

/** Whether files can be read past the cache: tried with one of them. @returns null when there is no such file. */
export function readsDirectly(file: ByteName): boolean | null {
  if (native === undefined) return false;
  try {
    const { O_RDONLY, O_DIRECT, O_NOFOLLOW, O_NONBLOCK } = constants;
    const fd = openSync(toFs(file), O_RDONLY | O_DIRECT | O_NOFOLLOW | O_NONBLOCK);
    try {
      readSync(fd, readBuffer(), 0, BUFFER, 0);
      return true;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return isGone(codeOf(error)) ? null : false;
  }
}
