import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { Change } from '../../src/activities/resource.js';
import { assertMayBeSaved, loadPlan, planHash, savePlan, type SavedPlan } from '../../src/cli/saved-plan.js';
import { describeRollout, memoStatus, rolloutHandle } from '../../src/cli/workflows.js';
import { PRODUCT_VERSION } from '../../src/cluster/version.js';
import type { Plan } from '../../src/workflows/planner.js';
import { finding } from '../../src/workflows/preflight/finding.js';
import { risksOf } from '../../src/workflows/risks.js';
import { exampleCluster } from '../workflows/example-cluster.js';
import {
  applies,
  cluster,
  environment,
  MINUTE,
  newCluster,
  runWorkers,
  useTemporal,
  world,
} from '../workflows/harness.js';
import { run } from './command-line.js';
import { clusterFile, runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-saved-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A new name for a plan in the tests' folder. */
function newFile(): string {
  files += 1;
  return join(folder, `plan-${files}.json`);
}

async function read(file: string): Promise<SavedPlan> {
  return JSON.parse(await readFile(file, 'utf8')) as SavedPlan;
}

const example = exampleCluster('t');
const examplePlan: Plan = {
  cluster: 't',
  version: PRODUCT_VERSION,
  steps: [
    {
      ...{ id: 'A/osUser', phase: 'Machines', title: 'user', guide: 'G6', machine: 'A', state: 'change' },
      ...{ undo: 'removed', seconds: 1, note: '' },
      changes: [{ what: 'user', before: 'absent', after: '1500', volatile: ['after'] }],
    },
  ],
  risks: risksOf(example),
  findings: [finding('roomLittle', 'A', 'only 1 GB', 'local'), finding('hostUnknown', 'B', 'unknown')],
};

const code = (expected: string, message: RegExp): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) });

describe('a file with a saved plan', () => {
  it('is written whole, for its owner only, and read again as what it was', async () => {
    const file = newFile();
    await savePlan(file, example, examplePlan);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
    const { steps, risks, findings, hash } = await loadPlan(file, example);
    expect({ steps, risks, findings }).toEqual({
      steps: examplePlan.steps,
      risks: examplePlan.risks,
      findings: examplePlan.findings,
    });
    expect(hash).toBe(planHash(example, examplePlan));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is replaced by a later plan, but nothing else is: neither a cluster file nor what is no file', async () => {
    const file = newFile();
    await expect(assertMayBeSaved(file)).resolves.toBeUndefined();
    await savePlan(file, example, examplePlan);
    await expect(assertMayBeSaved(file)).resolves.toBeUndefined();
    const link = newFile();
    await symlink(file, link);
    const other = newFile();
    await writeFile(other, JSON.stringify(example));
    for (const one of [other, link, folder]) {
      await expect(assertMayBeSaved(one)).rejects.toEqual(code('USAGE', /exists and is no saved plan/));
    }
    await expect(savePlan(join(folder, 'none', 'plan.json'), example, examplePlan)).rejects.toEqual(
      code('USAGE', /cannot be written \(ENOENT\)/),
    );
  });

  it.each<[string, (text: string) => string]>([
    ['a word that is bound', (text) => text.replace('"1500"', '"1501"').replace('"absent"', '"there"')],
    ['a word that is not bound', (text) => text.replace('"title": "user"', '"title": "nothing"')],
    ['a volatile mark', (text) => text.replace('"volatile": [', '"volatile": ["before",')],
    ['its hash', (text) => text.replace(/"hash": "./, '"hash": "')],
    ['a key more', (text) => text.replace('{', '{ "more": 1,')],
  ])('is refused when somebody has edited %s', async (_, edit) => {
    const file = newFile();
    await savePlan(file, example, examplePlan);
    const text = await readFile(file, 'utf8');
    expect(edit(text)).not.toBe(text);
    await writeFile(file, edit(text));
    await expect(loadPlan(file, example)).rejects.toEqual(code('PLAN_OTHER', /is not as it was saved/));
  });

  it('may be laid out anew: only what it says counts', async () => {
    const file = newFile();
    await savePlan(file, example, examplePlan);
    const turned = Object.fromEntries(Object.entries(await read(file)).reverse());
    await writeFile(file, JSON.stringify(turned));
    expect((await loadPlan(file, example)).hash).toBe(planHash(example, examplePlan));
  });

  it.each([
    ['', /is damaged/],
    ['null', /is damaged/],
    ['{}', /is damaged/],
  ])('is refused when it holds %j', async (text, why) => {
    const file = newFile();
    await writeFile(file, text);
    await expect(loadPlan(file, example)).rejects.toEqual(code('PLAN_OTHER', why));
  });

  it('is refused when it is cut short at any place, or not there', async () => {
    const file = newFile();
    await savePlan(file, example, examplePlan);
    const text = (await readFile(file, 'utf8')).trimEnd();
    for (let length = 0; length < text.length; length += 97) {
      await writeFile(file, text.slice(0, length));
      await expect(loadPlan(file, example)).rejects.toEqual(code('PLAN_OTHER', /is damaged/));
    }
    await expect(loadPlan(newFile(), example)).rejects.toEqual(code('PLAN_OTHER', /cannot be read \(ENOENT\)/));
  });

  it('is refused for another cluster, another cluster file and another release, and says what differs', async () => {
    const file = newFile();
    await savePlan(file, example, examplePlan);
    await expect(loadPlan(file, exampleCluster('other'))).rejects.toEqual(
      code('PLAN_OTHER', /is a plan of cluster "t", not of "other"/),
    );
    const nodes = example.nodes.map((node, index) => (index === 1 ? { ...node, weight: 20 } : node));
    await expect(loadPlan(file, { ...example, nodes, icewarp: { ...example.icewarp, build: '1' } })).rejects.toEqual(
      code('PLAN_OTHER', /another cluster file, which differs in: icewarp\.build, nodes\.1\.weight$/),
    );
    await savePlan(file, example, { ...examplePlan, version: '0.0.9' });
    await expect(loadPlan(file, example)).rejects.toEqual(
      code('PLAN_OTHER', new RegExp(`was saved by version 0\\.0\\.9; this is ${PRODUCT_VERSION}`)),
    );
  });
});

describe('a start with a saved plan', () => {
  it(
    'does what was approved, without a further question, and tells everywhere which plan that was',
    async () => {
      newCluster();
      await runWorkers();
      const file = newFile();
      const planned = await runOn('plan', '-o', file);
      expect(planned).toMatchObject({ code: 0, err: '' });
      const { hash } = await read(file);
      expect(planned.out).toContain(`Hash of this plan: ${hash}\nSaved in ${file}: `);

      const started = await runOn('start', '--plan', file, '--yes');
      expect(started).toMatchObject({ code: 0, out: expect.stringContaining(`Hash of this plan: ${hash}\n`) });
      const description = await describeRollout(environment.client, cluster);
      expect(description && memoStatus(description)).toMatchObject({ plan: hash });
      expect(await description?.staticDetails()).toContain(`Plan agreed to: ${hash}.`);
      const details = await rolloutHandle(environment.client, cluster).query('__temporal_workflow_metadata');
      expect(details).toMatchObject({ currentDetails: expect.stringContaining(`Plan agreed to: \`${hash}\``) });
      const { events } = await rolloutHandle(environment.client, cluster).fetchHistory();
      const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
      if (input == null) throw new TypeError('a rollout has an input');
      const { payloadConverter } = environment.client.options.loadedDataConverter;
      expect(payloadConverter.fromPayload(input)).toMatchObject({ plan: hash });
    },
    3 * MINUTE,
  );

  it(
    'is refused with the difference, and nothing is applied or begun, when a machine has changed since',
    async () => {
      newCluster();
      await runWorkers();
      const file = newFile();
      const planned = await runOn('plan', '--json', '--output', file);
      expect((JSON.parse(planned.out) as { hash: string }).hash).toBe((await read(file)).hash);
      world.applied.add('A/osUser');
      const text = await runOn('start', '--plan', file, '--yes');
      expect(text.code).toBe(1);
      expect(text.out).toBe(
        [
          'Not as in the saved plan',
          '  A/osUser',
          '    saved: would be changed',
          '    now:   is as described',
          '  A/osUser: osUser',
          '    saved: absent → there',
          '    now:   nothing to change',
          '',
        ].join('\n'),
      );
      expect(text.err).toMatch(/nothing has been changed\nLook at the difference, then plan again: .* \(PLAN_DRIFT\)/);
      const json = await runOn('start', '--plan', file, '--yes', '--json');
      expect(json.code).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({ event: 'drift', drift: [{ where: 'A/osUser' }, {}], remarks: [] });
      expect(applies()).toEqual([]);
      expect(await describeRollout(environment.client, cluster)).toBeUndefined();
    },
    2 * MINUTE,
  );

  it(
    'goes on with a remark when only old mail has grown meanwhile',
    async () => {
      newCluster();
      const oldMail = (after: string): void => {
        const change: Change = { what: 'old mail', before: 'not there', after, volatile: ['before', 'after'] };
        world.changes.set('A/oldMail:mail', [change]);
      };
      oldMail('3 files, 300 bytes');
      await runWorkers();
      const file = newFile();
      expect((await runOn('plan', '--output', file)).code).toBe(0);
      oldMail('4 files, 400 bytes');
      const started = await runOn('start', '--plan', file, '--yes', '--detach');
      expect(started.code).toBe(0);
      expect(started.out).toContain(
        [
          'Changed by itself since the plan was saved',
          '  A/oldMail:mail: old mail',
          '    saved: not there → 3 files, 300 bytes',
          '    now:   not there → 4 files, 400 bytes',
          '',
        ].join('\n'),
      );
      expect(started.out).toContain(`Hash of this plan: ${(await read(file)).hash}\n`);
      await rolloutHandle(environment.client, cluster).result();
    },
    3 * MINUTE,
  );

  it('is refused before any server is asked when the plan was edited or is of another cluster', async () => {
    newCluster();
    const file = newFile();
    await savePlan(file, example, examplePlan);
    const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const other = await run(['start', await clusterFile(), '--plan', file, '--yes'], nowhere);
    expect(other).toMatchObject({ code: 2, out: '', err: expect.stringContaining('not of') });
    await writeFile(file, (await readFile(file, 'utf8')).replace('"1500"', '"0"'));
    const edited = await run(['start', await clusterFile(), '--plan', file, '--yes'], nowhere);
    expect(edited).toMatchObject({ code: 2, out: '', err: expect.stringContaining('somebody has edited it') });
    for (const { err } of [other, edited])
      expect(err).toMatch(/Name the plan of this cluster file, or .*\(PLAN_OTHER\)/);
  });

  it('never overwrites the cluster file with a plan, and says so before it plans', async () => {
    newCluster();
    const file = await clusterFile();
    const { code, err } = await run(['plan', file, '--output', file], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('exists and is no saved plan') });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(cluster);
  });
});
