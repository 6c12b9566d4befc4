import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { runActivity } from '../support/activity.js';
import { testContext, type TestContext } from '../support/context.js';
import { attemptOf, lives, pidIn } from '../support/processes.js';

let context: TestContext;

beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

describe('an attempt of a step', () => {
  it('begins only when what a killed agent has left running on the machine is ended, and the log says so', async () => {
    const said: unknown[] = [];
    Object.assign(context.agent, { log: (event: string, detail: unknown) => said.push([event, detail]) });
    const { stateDir } = context.agent.config;
    const script = 'echo $$ >"$1/installer"; while :; do sleep 0.05; done';
    const killed = attemptOf('A/installation', stateDir, ['sh', '-c', script, 'install.sh', context.folder]);
    const installer = await pidIn(join(context.folder, 'installer'));
    await killed.kill();
    expect(lives(installer)).toBe(true);

    const folder = join(context.folder, 'temp');
    const desired = { folders: [folder], uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const answer = await runActivity('node', context.agent, 'localFolders.check', 'A/localFolders', desired);
    expect(answer).toMatchObject({ changes: [{ what: `folder ${folder}` }] });
    expect(lives(installer)).toBe(false);
    expect(said).toEqual([
      ['ended what an earlier attempt had left running', { step: 'A/localFolders', ended: ['sh'] }],
    ]);
  });
});
