import { mkdir, readdir, realpath, writeFile } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { labClusterFile } from './cluster-file.js';
import { prepareDatabase } from './database-server.js';
import { makeDisk } from './disk.js';
import { Lab } from './handle.js';
import { labDown } from './lab-down.js';
import { type LabPaths, labPaths, type MachineName, MACHINES } from './layout.js';
import { INSTALLER, writeMachineFiles } from './machine-files.js';
import { bringOldMail } from './old-mail.js';
import { choosePorts } from './ports.js';
import type { OldServerSize } from './production/old-server.js';
import { makeProduction } from './production/production.js';
import { identify, isAlive } from './processes.js';
import { writeSecrets } from './secrets.js';
import { prepareShare } from './share-server.js';
import { createState, type LabState, readState, updateState } from './state.js';
import { claimSubnet, releaseSubnet } from './subnet.js';
import { findTemporal, TEMPORAL_HOST } from './temporal-server.js';

export interface LabUpOptions {
  /** The lab's folder: empty, not yet there, or one that holds a lab already. */
  readonly dir: string;
  /** Also start the control worker and the agents. */
  readonly agents: boolean;
  /** Node A already is a server with mail and an archive. */
  readonly oldMail?: boolean;
  /** Node A already is a server in production, with so much in it. */
  readonly production?: OldServerSize;
  /** Gets one line per step. */
  readonly log: (line: string) => void;
}

/**
 * Starts a lab, and returns it once all its servers answer. A lab that is up already is returned as it is. When
 * something fails, everything started so far is ended and removed again.
 *
 * @throws RolloutError LAB_ROOT, LAB_STATE, LAB_FAILED, TEMPORAL_MISSING.
 */
export async function labUp(options: LabUpOptions): Promise<Lab> {
  if (process.getuid?.() !== 0) throw new RolloutError('LAB_ROOT', 'a lab makes namespaces and mounts: it needs root');
  const { dir, agents, log } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const directory = await realpath(dir);
  const existing = await findExisting(directory, log);
  if (existing !== undefined) {
    if (agents) await existing.startAgents();
    return existing;
  }
  await claim(directory);
  try {
    return await build(directory, options);
  } catch (error) {
    log('that failed: everything started so far is removed again');
    await labDown(directory);
    throw error;
  }
}

/**
 * The lab in that folder.
 *
 * @throws RolloutError LAB_STATE when there is none, or only its remains.
 */
export async function openLab(dir: string): Promise<Lab> {
  const directory = await realpath(dir).catch(() => dir);
  const state = readState(labPaths(directory).state);
  if (state?.phase === 'up') return new Lab(directory);
  throw new RolloutError('LAB_STATE', `there is no lab in ${directory}`);
}

/** A lab that is up is used; what a crashed `up` left is removed; everything else in the way is refused. */
async function findExisting(directory: string, log: (line: string) => void): Promise<Lab | undefined> {
  const state = readState(labPaths(directory).state);
  if (state === undefined) {
    if ((await readdir(directory)).length === 0) return undefined;
    throw new RolloutError('LAB_STATE', `${directory} is neither empty nor a lab: choose another folder`);
  }
  if (state.phase === 'up') {
    const lab = new Lab(directory);
    if (!MACHINES.some((name) => lab.machine(name).isOn)) {
      throw new RolloutError('LAB_STATE', `the lab in ${directory} lost all its machines: take it down first`);
    }
    log(`the lab in ${directory} is up`);
    return lab;
  }
  if (isAlive(state.startedBy)) {
    throw new RolloutError('LAB_STATE', `process ${state.startedBy.pid} is starting the lab in ${directory}`);
  }
  log('an earlier start was cut short: what it left is removed');
  await labDown(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return undefined;
}

/** Claims addresses, chooses ports and writes them down, so that from here on `labDown` finds everything. */
async function claim(directory: string): Promise<void> {
  const subnet = await claimSubnet(directory);
  const ports = await choosePorts(subnet);
  const given = process.env['TEMPORAL_ADDRESS'];
  const state: LabState = {
    version: 1,
    phase: 'starting',
    startedBy: identify(process.pid) ?? { pid: process.pid, started: '' },
    subnet,
    ports,
    temporal: { address: given ?? `${TEMPORAL_HOST}:${ports.temporal}`, own: given === undefined },
    processes: {},
    agents: [],
  };
  if (createState(labPaths(directory).state, state)) return;
  await releaseSubnet(subnet, directory);
  throw new RolloutError('LAB_STATE', `another process is starting the lab in ${directory}`);
}

async function build(directory: string, { agents, oldMail, production, log }: LabUpOptions): Promise<Lab> {
  const paths = labPaths(directory);
  const ownTemporal = readState(paths.state)?.temporal.own === true;
  if (ownTemporal) await findTemporal();
  await writeSecrets(paths.secrets);
  const lab = new Lab(directory);
  log(`addresses ${lab.addresses.temporal} to ${lab.addresses.share}`);
  const temporal = ownTemporal ? startTemporal(lab, log) : Promise.resolve();
  await allOf([temporal, buildMachines(lab, log)]);
  if (oldMail === true) {
    await bringOldMail(lab.machine('A'), INSTALLER);
    log('node A is a server with old mail');
  }
  if (production !== undefined) {
    await makeProduction(lab, production);
    log(`node A is in production: ${production.messages} messages in ${production.mailboxes} mailboxes`);
  }
  await writeFile(paths.clusterFile, labClusterFile(lab, production !== undefined), { mode: 0o644 });
  if (agents) {
    await lab.startAgents();
    log('control worker and agents started');
  }
  updateState(paths.state, (state) => ({ ...state, phase: 'up' }));
  return lab;
}

async function startTemporal(lab: Lab, log: (line: string) => void): Promise<void> {
  await lab.temporal.start();
  log(`Temporal ${lab.temporal.address}, Web UI ${lab.temporal.uiUrl ?? ''}`);
}

async function buildMachines(lab: Lab, log: (line: string) => void): Promise<void> {
  await makeDisks(lab, lab.paths);
  for (const name of MACHINES) await lab.machine(name).powerOn();
  log(`machines ${MACHINES.join(', ')} are on`);
  await allOf([startDatabase(lab, log), startShare(lab, log), startOutside(lab, log)]);
}

async function makeDisks(lab: Lab, paths: LabPaths): Promise<void> {
  const make = async (name: MachineName): Promise<void> => {
    const machine = lab.machine(name);
    await makeDisk(name, machine.disk, lab.addresses);
    await writeMachineFiles(machine, paths.directory, lab);
  };
  await allOf(MACHINES.map(make));
}

async function startDatabase(lab: Lab, log: (line: string) => void): Promise<void> {
  await prepareDatabase(lab.machine('database'), lab.databaseAccess);
  await lab.database.start();
  log(`MariaDB ${lab.addresses.database}:${lab.ports.database}, empty`);
}

async function startShare(lab: Lab, log: (line: string) => void): Promise<void> {
  await prepareShare(lab.machine('share'), lab.ports.share);
  await lab.share.start();
  log(`Samba ${lab.addresses.share}:${lab.ports.share}, without a share`);
}

async function startOutside(lab: Lab, log: (line: string) => void): Promise<void> {
  await lab.outside.start();
  log(`mailbox outside ${lab.addresses.outside}:${lab.ports.outside.imap}, empty`);
}

/** Waits for all of them, also when one fails: nothing may still be starting while the lab is removed. */
async function allOf(parts: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(parts);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
