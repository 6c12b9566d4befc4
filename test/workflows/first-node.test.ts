import { describe, expect, it } from '@jest/globals';

import type { SettingsDesired } from '../../src/activities/settings.js';
import { machinesOf } from '../../src/cluster/names.js';
import type { ClusterFile } from '../../src/cluster/schema.js';
import { configureFirstNode } from '../../src/workflows/guide/first-node.js';
import { localEverywhere } from '../../src/workflows/guide/joining.js';
import { inParallel, stepId, type Runner } from '../../src/workflows/runner.js';
import { exampleCluster } from './example-cluster.js';

/** A runner that only notes what it is asked to do, and tells what each node's own folders are. */
function noting(broken: Readonly<Record<string, readonly string[]>> = {}): {
  runner: Runner;
  steps: Map<string, unknown>;
  breaches: (string | null)[];
} {
  const steps = new Map<string, unknown>();
  const breaches: (string | null)[] = [];
  const runner: Runner = {
    plans: false,
    phase: () => undefined,
    step: (kind, on, desired, about) => {
      steps.set(stepId(kind, on, about), desired);
      return Promise.resolve(false);
    },
    act: () => Promise.resolve(null),
    together: () => Promise.resolve([]),
    lookTogether: () => Promise.resolve([]),
    clock: () => Promise.resolve(null),
    look: (action, on) =>
      Promise.resolve((action === 'localPlaces' ? { broken: broken[on.name] ?? [] } : null) as never),
    rule: async (_about, judge) => {
      breaches.push(await judge());
    },
    findings: () => Promise.resolve(),
    wouldChange: () => Promise.resolve(false),
    pass: () => Promise.resolve(null),
    approvedSkipped: [],
    cutover: () => Promise.resolve(),
    switched: () => Promise.resolve(),
    verified: () => undefined,
    each: inParallel,
  };
  return { runner, steps, breaches };
}

/** What the first node's settings say of full text. */
async function fullTextOf(icewarp: Partial<ClusterFile['icewarp']>): Promise<Record<string, string>> {
  const file = exampleCluster('t');
  const other = { ...file, icewarp: { ...file.icewarp, ...icewarp } };
  const { runner, steps } = noting();
  await configureFirstNode(runner, { file: other, on: machinesOf(other) }, null);
  const { values } = steps.get('A/settings:directories') as SettingsDesired;
  const texts = values.flatMap((value) => ('value' in value ? [[value.setting, value.value] as const] : []));
  return Object.fromEntries(texts.filter(([name]) => name.startsWith('fullText')));
}

const scanning = (value: string): Record<string, string> => ({
  fullTextPath: '/mnt/icewarp/share/_yodaidx/',
  fullTextMailScanning: value,
  fullTextArchiveScanning: value,
  fullTextGroupwareScanning: value,
});

describe('the first node', () => {
  it('has its watchdog switched off before anything of it is stopped', async () => {
    const file = exampleCluster('t');
    const { runner, steps } = noting();
    await configureFirstNode(runner, { file, on: machinesOf(file) }, null);
    expect([...steps.keys()][0]).toBe('A/watchdog:off');
    expect(steps.get('A/watchdog:off')).toEqual({ directory: '/opt/icewarp', state: 'off' });
  });

  it('scans nothing for full text before the operator says so, whoever makes the index', async () => {
    expect(await fullTextOf({})).toEqual(scanning('0'));
    expect(await fullTextOf({ fullTextScanning: 'now' })).toEqual(scanning('1'));
    expect(await fullTextOf({ fullText: 'off', fullTextScanning: 'now' })).toEqual({
      ...scanning('0'),
      fullTextEnabled: '0',
    });
    const fullTextUrl = { database: 'http://192.0.2.11:25793', scanner: 'http://192.0.2.11:25795' };
    expect(await fullTextOf({ fullTextUrl })).toEqual({
      ...scanning('0'),
      fullTextDatabaseUrl: fullTextUrl.database,
      fullTextScannerUrl: fullTextUrl.scanner,
    });
  });
});

describe('nodes that have joined', () => {
  it('have Temp, Logs and queues of their own: what one of them has not is told with its name', async () => {
    const file = exampleCluster('t');
    const cluster = { file, on: machinesOf(file) };
    const good = noting();
    await localEverywhere(good.runner, cluster);
    expect(good.breaches).toEqual([null]);
    const bad = noting({ B: ['/var/lib/icewarp/logs/ is not there'] });
    await localEverywhere(bad.runner, cluster);
    expect(bad.breaches).toEqual(['B: /var/lib/icewarp/logs/ is not there']);
  });
});
