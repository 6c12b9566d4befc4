import { createRequire } from 'node:module';

import type { Times } from './io.js';

/** Calls that Node does not offer with nanoseconds (R9). They return 0, or -1 and leave the reason to Node's own call. */
export interface Native {
  futimens(fd: number, times: BigInt64Array): number;
  futimensAsync(fd: number, times: BigInt64Array): Promise<number>;
  /** Of a link itself. */
  lutimens(path: Buffer, times: BigInt64Array): number;
  /** The address of a buffer's memory: direct reads need it to be a multiple of the block size. */
  addressOf(buffer: Buffer): bigint;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const SECOND = 1_000_000_000n;

interface Function {
  (...args: unknown[]): number;
  async(...args: unknown[]): void;
}
interface Koffi {
  load(library: null): { func(prototype: string): Function };
  address(value: unknown): bigint;
}

/** The C library, where koffi is installed; undefined elsewhere: then times are exact to the microsecond. */
export const native: Native | undefined = load();

function load(): Native | undefined {
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
  try {
    const library = koffi.load(null);
    const futimens = library.func('int futimens(int fd, const int64_t *times)');
    const utimensat = library.func('int utimensat(int dir, const uint8_t *path, const int64_t *times, int flags)');
    return {
      futimens: (fd, times) => futimens(fd, times),
      futimensAsync: (fd, times) =>
        new Promise((resolve, reject) => {
          futimens.async(fd, times, (error: Error | null, answer: number) => {
            if (error === null) resolve(answer);
            else reject(error);
          });
        }),
      lutimens: (path, times) =>
        utimensat(AT_FDCWD, Buffer.concat([path, Buffer.alloc(1)]), times, AT_SYMLINK_NOFOLLOW),
      addressOf: (buffer) => koffi.address(buffer),
    };
  } catch {
    return undefined;
  }
}

/** Times that were set, but not as exactly as they are. */
export class TimesFailed extends Error {
  readonly code = 'EIO';

  constructor() {
    super('times could not be set to the nanosecond');
  }
}

/** As `struct timespec[2]`; seconds are rounded down, so that nanoseconds are never negative. */
export function timespecs({ atime, mtime }: Times): BigInt64Array {
  const [a, m] = [floorSeconds(atime), floorSeconds(mtime)];
  return new BigInt64Array([a, atime - a * SECOND, m, mtime - m * SECOND]);
}

function floorSeconds(nanoseconds: bigint): bigint {
  const quotient = nanoseconds / SECOND;
  return nanoseconds % SECOND < 0n ? quotient - 1n : quotient;
}

/** For Node's own calls: as text, because a negative number means "now" there. */
export function secondsText(nanoseconds: bigint): string {
  const seconds = floorSeconds(nanoseconds);
  const rest = nanoseconds - seconds * SECOND;
  // -1.25 s is written as such, not as -2 s and 0.75
  if (seconds < 0n && rest > 0n) return `-${String(-seconds - 1n)}.${String(SECOND - rest).padStart(9, '0')}`;
  return `${String(seconds)}.${String(rest).padStart(9, '0')}`;
}
