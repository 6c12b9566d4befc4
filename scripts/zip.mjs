// One file out of a zip archive held in memory.
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const END_SIZE = 22;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const DEFLATED = 8;

/**
 * The content of the first entry whose path `matches`; null when there is none. Knows stored and deflated entries of
 * archives under 4 GB, which is what wheels are.
 */
export function readZipEntry(archive, matches) {
  for (const entry of entries(archive)) {
    if (!matches(entry.path)) continue;
    const nameLength = archive.readUInt16LE(entry.offset + 26);
    const extraLength = archive.readUInt16LE(entry.offset + 28);
    const start = entry.offset + LOCAL_SIZE + nameLength + extraLength;
    const bytes = archive.subarray(start, start + entry.packedSize);
    return entry.method === DEFLATED ? inflateRawSync(bytes) : bytes;
  }
  return null;
}

/** Walks the directory at the archive's end. */
function* entries(archive) {
  let end = archive.length - END_SIZE;
  while (end >= 0 && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  if (end < 0) return;
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    const nameLength = archive.readUInt16LE(at + 28);
    yield {
      path: archive.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength),
      method: archive.readUInt16LE(at + 10),
      packedSize: archive.readUInt32LE(at + 20),
      offset: archive.readUInt32LE(at + 42),
    };
    at += ENTRY_SIZE + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
}
