import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A process that changes a tree without pause: appends to its files, or does all that can be done to them. */
export class Writer {
  private constructor(private readonly process: ChildProcess) {}

  static async start(root: string, what: 'append' | 'everything', seed = 1): Promise<Writer> {
    const process = fork(join(import.meta.dirname, 'fixtures/writer.js'), [root, what, String(seed)]);
    await Promise.race([
      once(process, 'message'),
      once(process, 'exit').then(() => Promise.reject(new Error('the writer ended at once'))),
    ]);
    return new Writer(process);
  }

  /** @throws Error when it had ended by itself. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null) throw new Error(`the writer ended with ${this.process.exitCode}`);
    const ended = once(this.process, 'exit');
    this.process.send('stop');
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`the writer ended with ${String(code)}`);
  }
}
