import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Agent } from '../../src/activities/agent.js';
import type { LeaseTakeInput } from '../../src/activities/lease.js';
import type { LeaseUndo } from '../../src/activities/lease-record.js';
import type { Check } from '../../src/activities/resource.js';
import { stopForChange } from '../../src/activities/restart-marker.js';
import type { SettingsDesired } from '../../src/activities/settings.js';
import { ensureStarted, MODULES, runningModules } from '../../src/icewarp/control.js';
import { settingVariable } from '../../src/icewarp/variables.js';
import { runActivity } from './activity.js';
import { testContext, type TestContext } from './context.js';
import { fakeIceWarp, type FakeIceWarp } from './fake-icewarp.js';

const STEP = 'A/settings:directories';
const [TEMP, LOGS] = [settingVariable('tempPath').variable, settingVariable('logPath').variable];

/** A node in the middle of a stop: it served with its old settings, is stopped now, and gets others. */
export interface StoppedNode {
  readonly context: TestContext;
  readonly agent: Agent;
  readonly icewarp: FakeIceWarp;
  /** What is given to `leaseTake`, with the undo of the one step, for a lease that a test does not outlive. */
  readonly lease: LeaseTakeInput & { readonly undo: readonly LeaseUndo[] };
  /** What the agent has logged. */
  readonly said: string[];
  take(extra?: Partial<LeaseTakeInput>): Promise<unknown>;
  /** Takes it once more, without telling the way back again. */
  renew(seconds: number): Promise<unknown>;
  switched(): Promise<unknown>;
  end(opened: boolean, id?: string): Promise<unknown>;
  /** Applies the step: the new settings. @param logs another value of the second of them. */
  apply(logs?: string): Promise<unknown>;
  /** What is in force, and how many modules serve. */
  state(): Promise<{ temp: string; logs: string; serving: number }>;
  remove(): Promise<void>;
}

export const OLD = { temp: 'old-temp', logs: 'old-logs', serving: MODULES.length };
export const NEW = { temp: 'new-temp', logs: 'new-logs', serving: 0 };

/** Makes the node, and stops it for a change; no lease is taken yet. */
export async function stoppedNode(): Promise<StoppedNode> {
  const context = await testContext();
  const { agent } = context;
  const said: string[] = [];
  Object.assign(agent, { log: (event: string) => said.push(event) });
  const icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { [TEMP]: OLD.temp, [LOGS]: OLD.logs });
  const { directory } = icewarp;
  await mkdir(agent.config.stateDir, { recursive: true, mode: 0o700 });
  const run = (name: string, ...args: unknown[]): Promise<unknown> => runActivity('node', agent, name, ...args);
  const desired = (logs = NEW.logs): SettingsDesired => ({
    directory,
    values: [
      { setting: 'tempPath', value: NEW.temp },
      { setting: 'logPath', value: logs },
    ],
  });
  await ensureStarted(directory, context.signal);
  const { before } = (await run('settings.check', STEP, desired())) as Check;
  const undo = [{ kind: 'settings', step: STEP, title: 'directories', desired: desired(), before }];
  const renewal = { id: 'run-1/storage', stage: 'storage', moves: ['storage'], seconds: 600, directory } as const;
  const lease = { ...renewal, undo };
  await stopForChange(directory, context);
  return {
    context,
    agent,
    icewarp,
    lease,
    said,
    take: (extra) => run('leaseTake.run', 'A/leaseTake', { ...lease, ...extra }),
    renew: (seconds) => run('leaseTake.run', 'A/leaseTake', { ...renewal, seconds }),
    switched: () => run('leaseSwitched.run', 'A/leaseSwitched', { id: lease.id }),
    end: (opened, id = lease.id) => run('leaseEnd.run', 'A/leaseEnd', { id, opened }),
    apply: (logs) => run('settings.apply', STEP, desired(logs)),
    state: async () => ({
      temp: await icewarp.value(TEMP),
      logs: await icewarp.value(LOGS),
      serving: (await runningModules(directory)).length,
    }),
    remove: async () => {
      await icewarp.stop();
      await context.remove();
    },
  };
}

/** The agent's own settings, for a process that is the same node's agent. */
export async function agentFileOf({ agent: { config }, context: { folder } }: StoppedNode): Promise<string> {
  const file = join(folder, 'agent.yaml');
  await writeFile(file, `cluster: ${config.cluster}\nstateDir: ${config.stateDir}\n`, { mode: 0o600 });
  return file;
}
