// A mover for the tests of the benchmarks, with the command line and the result of the real one: rsync does the work.
// It hashes nothing, syncs nothing and keeps no ledger.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import type { PassResult } from '../../src/transfer/types.js';
import { sizeOf } from '../../bench/kit/workspace.js';

const [, , source = '', destination = ''] = process.argv.slice(2);
if (!process.argv.includes('--help')) await copy();

async function copy(): Promise<void> {
  const begin = performance.now();
  const args = ['-a', '--delete', '--out-format=%i %l', '--', `${source}/`, `${destination}/`];
  const child = spawn('rsync', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('SIGINT', () => {
    child.kill('SIGKILL');
    process.stderr.write('cancelled\n');
    process.exit(130);
  });
  const lines = (await text(child.stdout)).split('\n');
  const copied = lines.filter((line) => line.startsWith('>f')).map((line) => Number(line.split(' ')[1]));
  const amount = { files: copied.length, bytes: copied.reduce((sum, bytes) => sum + bytes, 0) };
  const seen = sizeOf(source);
  const result: PassResult = {
    kind: 'seed',
    outcome: 'done',
    seen,
    copied: amount,
    unchanged: seen.files - amount.files,
    moved: 0,
    deleted: lines.filter((line) => line.startsWith('*deleting')).length,
    hardLinks: 0,
    skipped: 0,
    times: 'nanoseconds',
    notes: [],
    seconds: (performance.now() - begin) / 1_000,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
