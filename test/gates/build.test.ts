import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from '@jest/globals';

import { runCommand } from '../../src/platform/run.js';
import { eventually } from '../support/eventually.js';

const SCRIPTS = join(import.meta.dirname, '../../../scripts');

it('a build from which a lab runs is not wiped: what ends the lab is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-build-'));
  const script = `
    import { runScript } from '${SCRIPTS}/say.mjs';
    import { processesFrom, refuseWhileUsed } from '${SCRIPTS}/build.mjs';
    if (process.argv[1] === 'who') console.log(processesFrom('${folder}').join());
    else await runScript(async () => refuseWhileUsed('${folder}'));`;
  const ask = (word = 'may I'): ReturnType<typeof runCommand> =>
    runCommand(process.execPath, ['--input-type=module', '--eval', script, word], { accept: [0, 1] });
  await mkdir(join(folder, 'src'));
  const program = join(folder, 'src/worker.js');
  await writeFile(program, 'setInterval(() => undefined, 1000);');
  const worker = spawn(process.execPath, [program, '--node', 'A'], { stdio: 'ignore' });
  try {
    await eventually('it is seen', async () => (await ask('who')).stdout === String(worker.pid));
    const { exitCode, stderr } = await ask();
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('npm run demo:down') });
    expect(stderr).toContain(`such as ${worker.pid}`);
  } finally {
    const ended = once(worker, 'exit');
    worker.kill('SIGKILL');
    await ended;
  }
  expect(await ask()).toMatchObject({ exitCode: 0 });
  await rm(folder, { recursive: true });
});
