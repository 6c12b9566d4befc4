import { isInstalled, sharedConfigurationOf } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { readWatchdog, watched } from '../icewarp/watchdog.js';
import type { Agent } from './agent.js';
import type { Resource } from './resource.js';
import { stateFile, type StateFile } from './state-file.js';

/**
 * Whether IceWarp starts stopped services again. It does not while the rollout stops them to copy what they write
 * (procedure, Terms, "quiet"); afterwards it is as before.
 */
export interface WatchdogDesired {
  readonly directory: string;
  /** off: from before the first stop on. before: what `off` switched off is on again. */
  readonly state: 'off' | 'before';
}

export interface WatchdogObserved {
  /** The node runs on the shared configuration: nothing is stopped for a copy there any more. */
  readonly joined: boolean;
  /** Variables that are on. */
  readonly on: readonly string[];
  /** Those that a rollout has switched off, and not on again. */
  readonly remembered: readonly string[];
}

export const watchdog: Resource<WatchdogDesired, WatchdogObserved, 'node'> = {
  place: 'node',

  async observe({ directory }, { agent, signal }) {
    if (!(await isInstalled(directory))) return null;
    const found = await readWatchdog(new Tool(directory, signal), directory);
    const on = [...found].filter(([, isOn]) => isOn).map(([variable]) => variable);
    const joined = (await sharedConfigurationOf(directory)) !== '';
    return { joined, on: on.slice(0, MOST), remembered: (await noteOf(agent).read()) ?? [] };
  },

  diff({ state }, observed) {
    if (observed === null) return [];
    const { joined, on, remembered } = observed;
    if (state === 'off') {
      if (joined || on.length === 0) return [];
      return [{ what: `watchdog of ${words(on)}`, before: 'on', after: 'off until the nodes serve' }];
    }
    const off = remembered.filter((variable) => !on.includes(variable));
    if (remembered.length === 0) return [];
    return [
      { what: `watchdog of ${words(remembered)}`, before: off.length > 0 ? 'off' : 'on, still noted', after: 'on' },
    ];
  },

  async apply(desired, context) {
    const observed = await watchdog.observe(desired, context);
    if (observed === null || watchdog.diff(desired, observed).length === 0) return;
    const { on, remembered } = observed;
    if (desired.state === 'off') {
      await switchOff(desired.directory, [...new Set([...remembered, ...on])], context);
      return;
    }
    await setAll(desired.directory, remembered, '1', context.signal);
    await noteOf(context.agent).remove();
  },

  async restore(desired, before, context) {
    if (before === null || !(await isInstalled(desired.directory))) {
      await noteOf(context.agent).remove();
      return [];
    }
    // the way back stops services too
    if (desired.state === 'before') {
      if (before.remembered.length > 0) await switchOff(desired.directory, before.remembered, context);
      return [];
    }
    const now = await watchdog.observe(desired, context);
    const off = before.on.filter((variable) => now?.on.includes(variable) !== true);
    await setAll(desired.directory, off, '1', context.signal);
    await noteOf(context.agent).remove();
    return [];
  },
};

/** As many variables as a version may have. */
const MOST = 20;

/** The note comes first: what is off without a note would stay off. */
async function switchOff(
  directory: string,
  variables: readonly string[],
  { agent, signal }: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<void> {
  await noteOf(agent).write(variables);
  await setAll(directory, variables, '0', signal);
}

async function setAll(
  directory: string,
  variables: readonly string[],
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const tool = new Tool(directory, signal);
  for (const variable of variables) await tool.set(variable, value);
}

const words = (variables: readonly string[]): string => variables.map(watched).join(', ');

function noteOf(agent: Agent): StateFile<readonly string[]> {
  return stateFile<readonly string[]>(agent, 'watchdog');
}
