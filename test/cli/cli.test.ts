import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../../..');
const CLIENT = join(import.meta.dirname, '../../src/client.js');
const SMALLEST = join(ROOT, 'examples/smallest.yaml');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cli-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [CLIENT, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise<number>((resolve) =>
    child.once('close', (exit) => {
      resolve(exit ?? -1);
    }),
  );
  return { code, out, err };
}

describe('the command line', () => {
  it.each([
    ['--help'],
    ['validate', '--help'],
    ['plan', '--help'],
    ['start', '--help'],
    ['status', '--help'],
    ['watch', '--help'],
    ['verify', '--help'],
    ['retry', '--help'],
    ['skip', '--help'],
    ['pause', '--help'],
    ['resume', '--help'],
    ['rollback', '--help'],
    ['worker', '--help'],
    ['lab', '--help'],
  ])('leads the help of "%s %s" with examples and ends with the exit status', async (...args) => {
    const { code, out } = await run(args.filter((arg) => arg !== ''));
    expect(code).toBe(0);
    expect(out.trimStart()).toMatch(/^Examples?:\n {2}\$ icewarp-rollout /);
    expect(out).toContain('Exit status:');
  });

  it('answers wrong usage with exit code 2 and a guess', async () => {
    expect(await run(['strat'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean start?') });
    expect(await run(['worker'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--control, --node ID or --share'),
    });
    expect((await run(['status', '--nonsense'])).code).toBe(2);
  });

  it('validates a file: 0 when right, 2 with file:line:column when wrong, also as JSON', async () => {
    expect(await run(['validate', SMALLEST])).toMatchObject({
      code: 0,
      out: expect.stringContaining('is described correctly'),
    });
    const wrong = join(folder, 'wrong.yaml');
    await writeFile(wrong, (await readFile(SMALLEST, 'utf8')).replace('role: slave', 'role: master'));
    expect(await run(['validate', wrong])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/wrong\.yaml:14:\d+: nodes\.1\.role/),
    });
    const { code, out } = await run(['validate', wrong, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ line: 14, where: 'nodes.1.role' }] });
    expect(await run(['validate', 'absent.yaml'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('absent.yaml cannot be read'),
    });
  });

  it('says within seconds that no Temporal server answers, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    for (const command of ['plan', 'start', 'status', 'verify', 'retry', 'watch']) {
      const { code, err } = await run([command, SMALLEST], { TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
      expect({ command, code, err }).toMatchObject({ code: 1, err: expect.stringContaining('TEMPORAL_ADDRESS') });
    }
  }, 60_000);
});
