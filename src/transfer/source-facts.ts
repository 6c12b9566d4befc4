import type { BigIntStats } from 'node:fs';

import type { SourceFacts } from './work.js';

const FARTHEST = 2n ** 63n - 1n;

/** A time as rows hold it, in 64 bits: the year 2262 is the last one. No file of mail is of another. */
export function heldTime(time: bigint): bigint {
  return time > FARTHEST ? FARTHEST : time < -FARTHEST ? -FARTHEST : time;
}

/** What a look at a source file tells of it. */
export function sourceFacts(stats: BigIntStats): SourceFacts {
  return {
    size: stats.size,
    mtime: heldTime(stats.mtimeNs),
    ctime: heldTime(stats.ctimeNs),
    ino: stats.ino,
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    atime: heldTime(stats.atimeNs),
    blocks: stats.blocks,
    links: Number(stats.nlink),
  };
}
