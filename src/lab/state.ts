import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { RolloutError } from '../cluster/errors.js';
import type { AgentName, Ports } from './layout.js';
import type { ProcessId } from './processes.js';

/** What `lab.json` says: enough to find, use and end a lab that another process started. */
export interface LabState {
  readonly version: 1;
  readonly phase: 'starting' | 'up';
  /** The process that is starting the lab, or started it. */
  readonly startedBy: ProcessId;
  /** First three numbers of the lab's addresses. */
  readonly subnet: string;
  readonly ports: Ports;
  /** `address:port`; the lab's own server, or the one that TEMPORAL_ADDRESS named. */
  readonly temporal: { readonly address: string; readonly own: boolean };
  /** The init processes of the machines and the servers of the lab, by name. */
  readonly processes: Readonly<Record<string, ProcessId>>;
  /** The agents that a machine starts when it is powered on. */
  readonly agents: readonly AgentName[];
}

/** The processes of a lab, remembered in lab.json, so that another process finds them. */
export interface ProcessBook {
  readonly get: (name: string) => ProcessId | undefined;
  readonly set: (name: string, process: ProcessId | undefined) => void;
}

/**
 * Reads `lab.json`; undefined where there is no lab.
 *
 * @throws RolloutError LAB_STATE when the file is damaged.
 */
export function readState(file: string): LabState | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const state = parse(text);
  if (state?.version !== 1) throw new RolloutError('LAB_STATE', `${file} is not the state of a lab`);
  return state;
}

/**
 * Changes `lab.json`. Reading, changing and writing happen at once, so that what runs side by side in this process
 * loses nothing; a reader sees the old or the new file.
 */
export function updateState(file: string, change: (state: LabState) => LabState): void {
  const state = readState(file);
  if (state === undefined) throw new RolloutError('LAB_STATE', `there is no lab any more: ${file} is gone`);
  renameSync(writeBeside(file, change(state)), file);
}

/** Writes `lab.json` where there is none; false when another process was first. */
export function createState(file: string, state: LabState): boolean {
  const temporary = writeBeside(file, state);
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The processes that `lab.json` names. */
export function processBook(file: string): ProcessBook {
  return {
    get: (name) => readState(file)?.processes[name],
    set: (name, process) => {
      updateState(file, (state) => {
        const { [name]: _former, ...others } = state.processes;
        return { ...state, processes: process === undefined ? others : { ...others, [name]: process } };
      });
    },
  };
}

function writeBeside(file: string, state: LabState): string {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  return temporary;
}

function parse(text: string): LabState | undefined {
  try {
    return JSON.parse(text) as LabState;
  } catch {
    return undefined;
  }
}
