import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { stillRunning } from '../icewarp/control.js';
import { SERVICE } from '../icewarp/installation.js';
import { Tool } from '../icewarp/tool.js';
import { readWatchdog, watched } from '../icewarp/watchdog.js';
import { changedSince, glanceAt } from '../platform/glance.js';
import { holderOf, listeners, takes } from '../platform/listeners.js';
import { writersBelow } from '../platform/open-files.js';
import { treeRoot } from '../platform/tree.js';
import { secondsSince } from './elapsed.js';
import type { Context, Procedure } from './resource.js';

export interface ProveQuietInput {
  readonly directory: string;
  /** Folders that are about to move: mail, archives, calendar, databases. */
  readonly trees: readonly string[];
  /** Ports of the cluster's services. Not every port of IceWarp's: another program may have one of those for its own. */
  readonly ports: readonly number[];
  /** Addresses at which nobody may listen there; none: at any of the machine. */
  readonly addresses: readonly string[];
}

/** Milliseconds between two looks at a tree: longer than the coarsest time that a file system keeps. */
const BETWEEN = 2_000;
/** Of what still writes; an error is read by a person, and kept in history. */
const MOST = 3;

/**
 * Proves that nothing writes to what is about to move (procedure, Terms, "quiet"):
 * watchdog and autostart are off, no process of the installation lives, nobody listens in its place, no file of the
 * trees is open for writing, and a second look at them finds nothing changed. That look is a glance, because a large
 * server is down meanwhile: every folder, and the files of those that changed last. The final pass looks at each file.
 *
 * @throws RolloutError NOT_QUIET naming all that it found.
 */
export const proveQuiet: Procedure<ProveQuietInput, { readonly seconds: number }, 'node'> = {
  place: 'node',
  async run(input, context) {
    const start = Date.now();
    const noise = [
      ...(await whatStarts(input, context)),
      ...(await stillRunning(input.directory)).map((name) => `${name} still runs`),
      ...(await whoListens(input)),
      ...whoWrites(input),
    ];
    refuse(noise);
    refuse(await whatChanges(input, context.signal));
    return { seconds: secondsSince(start) };
  },
};

function refuse(noise: readonly string[]): void {
  if (noise.length === 0) return;
  const more = noise.length > 2 * MOST ? `; and ${noise.length - 2 * MOST} more` : '';
  throw new RolloutError('NOT_QUIET', `${noise.slice(0, 2 * MOST).join('; ')}${more}`);
}

/** What would start the services again in the middle. */
async function whatStarts({ directory }: ProveQuietInput, { agent, signal }: Context): Promise<readonly string[]> {
  const found = await readWatchdog(new Tool(directory, signal), directory);
  const on = [...found].filter(([, isOn]) => isOn).map(([variable]) => watched(variable));
  const boots = (await agent.platform.services.startsAtBoot(SERVICE, signal)) === true;
  return [
    ...(on.length > 0 ? [`the watchdog is on for ${on.slice(0, MOST).join(', ')}`] : []),
    ...(boots ? [`${SERVICE} starts with the machine`] : []),
  ];
}

async function whoListens({ ports, addresses }: ProveQuietInput): Promise<readonly string[]> {
  const found: string[] = [];
  for (const listener of await listeners()) {
    const { port } = listener;
    if (!ports.includes(port)) continue;
    if (addresses.length > 0 && !addresses.some((address) => takes(listener, address))) continue;
    const holder = await holderOf(listener);
    const who = holder === undefined ? 'somebody' : `${holder.name} (${holder.pid})`;
    found.push(`${who} listens on port ${port}`);
  }
  return found;
}

function whoWrites({ trees }: ProveQuietInput): readonly string[] {
  const writers = writersBelow(trees);
  const more = writers.length > MOST ? [`${writers.length - MOST} more files are open for writing`] : [];
  return [...writers.slice(0, MOST).map(({ program, pid, file }) => `${program} (${pid}) writes ${file}`), ...more];
}

/** No longer apart than needed: the look at a large tree takes its time by itself. */
async function whatChanges({ trees }: ProveQuietInput, signal: AbortSignal): Promise<readonly string[]> {
  const start = Date.now();
  const glances = [];
  for (const tree of trees) glances.push(await glanceAt(treeRoot(tree), { signal }));
  const left = BETWEEN - (Date.now() - start);
  if (left > 0) await sleep(left, undefined, { signal });
  const changed: string[] = [];
  for (const glance of glances) changed.push(...(await changedSince(glance, { signal }, MOST)));
  return changed.map((path) => `${path} has just changed`);
}
