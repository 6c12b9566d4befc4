import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { run, type Ran } from './command-line.js';

const ROOT = join(import.meta.dirname, '../../..');
const SMALLEST = join(ROOT, 'examples/smallest.yaml');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cli-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function cli(args: readonly string[], env?: Record<string, string>): Promise<Ran> {
  return run(args, env, folder);
}

describe('the command line', () => {
  it('answers wrong usage with exit code 2 and a guess', async () => {
    expect(await cli(['strat'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean start?') });
    expect(await cli(['worker'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--control, --node ID or --share'),
    });
    expect((await cli(['status', '--nonsense'])).code).toBe(2);
    for (const [words, meant] of [
      [['lab', 'upp'], 'Did you mean up?'],
      [['transfer', 'cpoy'], 'Did you mean copy?'],
      [['status', '--jsno'], 'Did you mean --json?'],
    ] as const) {
      expect(await cli(words)).toMatchObject({ code: 2, err: expect.stringContaining(meant) });
    }
    expect((await cli(['lab', 'up', '--nonsense'])).code).toBe(2);
  });

  it('names with every error the command that explains it', async () => {
    expect((await cli(['validate', 'absent.yaml'])).err).toMatch(
      /\(CLUSTER_FILE\)\nmore: icewarp-rollout explain CLUSTER_FILE\n$/,
    );
    expect((await cli(['strat'])).err).toContain('icewarp-rollout explain USAGE');
  });

  it('validates a file: 0 when right, 2 with file:line:column when wrong, also as JSON', async () => {
    expect(await cli(['validate', SMALLEST])).toMatchObject({
      code: 0,
      out: expect.stringContaining('is described correctly'),
    });
    const wrong = join(folder, 'wrong.yaml');
    await writeFile(wrong, (await readFile(SMALLEST, 'utf8')).replace('role: slave', 'role: master'));
    expect(await cli(['validate', wrong])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/wrong\.yaml:14:\d+: nodes\.1\.role/),
    });
    const { code, out } = await cli(['validate', wrong, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ line: 14, where: 'nodes.1.role' }] });
    expect(await cli(['validate', 'absent.yaml'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('absent.yaml cannot be read'),
    });
  });

  it('says within seconds that no Temporal server answers, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await Promise.all(
      ['plan', 'start', 'status', 'verify', 'retry', 'watch'].map(async (command) => {
        const { code, err } = await cli([command, SMALLEST], { TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
        expect({ command, code, err }).toMatchObject({ code: 1, err: expect.stringContaining('TEMPORAL_ADDRESS') });
      }),
    );
  }, 120_000);

  it('says how to end what is left of a demo that did not succeed', async () => {
    // whoever runs it: this lab cannot be made, for want of an empty folder or of root
    const taken = join(folder, 'taken');
    await mkdir(taken);
    await writeFile(join(taken, 'somebody-elses'), '');
    const state = { XDG_STATE_HOME: taken };
    await mkdir(join(taken, 'icewarp-rollout/lab/taken'), { recursive: true });
    expect(await cli(['lab', 'demo'], state)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\(LAB_(STATE|ROOT)\)\n.* not succeeded.* end it: npm run demo:down\n$/s),
    });
    expect(await cli(['lab', 'demo', '--dir', taken, '--json'])).toMatchObject({
      code: 1,
      err: expect.stringContaining(`end it: icewarp-rollout lab down --dir ${taken}`),
    });
  });
});
