import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';

const END = 0;
const READ_BACK = 64 * 1024;

/** A durable, growing list of paths in bytes, each ended by NUL. A torn last path is cut off before the next is added. */
export class PathList {
  constructor(readonly file: string) {}

  /** Adds paths; they are on disk when this resolves. */
  async append(paths: readonly Buffer[]): Promise<void> {
    const list = await open(this.file, 'a+', 0o600);
    try {
      await list.truncate(await endOfWhole(list));
      await list.appendFile(Buffer.concat(paths.flatMap((path) => [path, Buffer.of(END)])));
      await list.sync();
    } finally {
      await list.close();
    }
  }

  /** The paths in the order in which they were added; none when there is no list. */
  async *paths(): AsyncGenerator<Buffer> {
    let rest = Buffer.alloc(0);
    try {
      for await (const chunk of createReadStream(this.file)) {
        const bytes = Buffer.concat([rest, chunk as Buffer]);
        let from = 0;
        for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, from)) {
          yield bytes.subarray(from, at);
          from = at + 1;
        }
        rest = bytes.subarray(from);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }
}

/** Where the last whole path ends. A path is far shorter than what is read back. */
async function endOfWhole(list: Awaited<ReturnType<typeof open>>): Promise<number> {
  const { size } = await list.stat();
  const from = Math.max(0, size - READ_BACK);
  const tail = Buffer.alloc(size - from);
  await list.read(tail, 0, tail.length, from);
  return from + tail.lastIndexOf(END) + 1;
}
