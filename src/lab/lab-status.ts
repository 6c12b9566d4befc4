import { realpath } from 'node:fs/promises';

import { Lab } from './handle.js';
import { AGENTS, labPaths, MACHINES } from './layout.js';
import { isListening } from './reachable.js';
import { readState } from './state.js';

/** One part of a lab, as `lab status` prints it. */
export interface LabPart {
  readonly name: string;
  /** Address, with port or as a URL where the part has one. */
  readonly place: string;
  readonly running: boolean;
}

export interface LabStatus {
  readonly directory: string;
  /** none: nothing there; starting: `up` runs or was cut short; up: all parts run; broken: some part does not. */
  readonly phase: 'none' | 'starting' | 'up' | 'broken';
  readonly clusterFile?: string;
  readonly uiUrl?: string;
  readonly parts: readonly LabPart[];
}

/** What of a lab runs. Agents that were never started are not missed. */
export async function labStatus(dir: string): Promise<LabStatus> {
  const directory = await realpath(dir).catch(() => dir);
  const state = readState(labPaths(directory).state);
  if (state === undefined) return { directory, phase: 'none', parts: [] };
  if (state.phase === 'starting') return { directory, phase: 'starting', parts: [] };
  const lab = new Lab(directory);
  const agents = AGENTS.filter((name) => state.agents.includes(name));
  const parts = [
    ...MACHINES.map((name) => part(`machine ${name}`, lab.addresses[name], lab.machine(name).isOn)),
    part('database', `${lab.addresses.database}:${lab.ports.database}`, lab.database.isRunning),
    part('share', `${lab.addresses.share}:${lab.ports.share}`, lab.share.isRunning),
    part('outside', `${lab.addresses.outside}:${lab.ports.outside.imap}`, lab.outside.isRunning),
    part('temporal', lab.temporal.address, await isTemporalListening(lab.temporal.address)),
    ...agents.map((name) => part(`agent ${name}`, lab.addresses[name], lab.agent(name).isRunning)),
  ];
  const { uiUrl } = lab.temporal;
  return {
    directory,
    phase: parts.every(({ running }) => running) ? 'up' : 'broken',
    clusterFile: lab.paths.clusterFile,
    ...(uiUrl === undefined ? {} : { uiUrl }),
    parts,
  };
}

function part(name: string, place: string, running: boolean): LabPart {
  return { name, place, running };
}

async function isTemporalListening(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  return isListening(address.slice(0, colon), Number(address.slice(colon + 1)));
}
