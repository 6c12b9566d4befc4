import { lookup } from 'node:dns/promises';
import { readdir, readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

import type { Room } from '../cluster/room.js';
import { readRegistration } from '../icewarp/installation.js';
import { EXTERNAL_MAILBOXES, isInstalled, sharedConfigurationOf } from '../icewarp/layout.js';
import { roomFor } from '../platform/folders.js';
import { holderOf, isOwn, listeners, takes } from '../platform/listeners.js';
import { MeetingPoint } from '../platform/meeting-point.js';
import { jobsNaming } from '../platform/scheduled-jobs.js';
import { systemRelease } from '../platform/system-release.js';
import type { Context, Procedure } from './resource.js';

export interface NodePreflightInput {
  /** Where IceWarp is, or will be. */
  readonly directory: string;
  /** Folder of Temp, Logs and queues. */
  readonly local: string;
  /** Mount point of the share. */
  readonly point: string;
  readonly address: string;
  readonly host: string;
  /** Ports on which IceWarp will listen. */
  readonly ports: readonly number[];
}

/** What a node shows before anything on it is changed: under 2 kB, no word of any file's content. */
export interface NodePreflight {
  /** The system, as os-release names it; empty where it does not. */
  readonly os: string;
  readonly osVersion: string;
  readonly architecture: string;
  readonly installed: boolean;
  /** Build of the IceWarp that is installed in that folder; empty where none is, or none is registered. */
  readonly build: string;
  /** It runs on a shared configuration already. */
  readonly joined: boolean;
  readonly room: { readonly installation: Room; readonly local: Room };
  /** Nothing can listen at the node's address: it is that of another machine, or of none. */
  readonly elsewhere: boolean;
  /** Ports that another program has at the node's address; not looked for where IceWarp is installed. */
  readonly taken: readonly { readonly port: number; readonly by: string }[];
  /** How many things lie in the mount point while nothing is mounted there. */
  readonly hidden: number;
  /** What the node's own host name means to it. */
  readonly names: readonly string[];
  /** Cron jobs and timers that name IceWarp's folder, as file:line. */
  readonly writers: readonly string[];
  readonly writersInAll: number;
  /** Mailboxes that lie outside of the mail folder, as IceWarp lists them (B4). */
  readonly externalMailboxes: number;
}

/** Longer lists are cut: the answer goes into history. */
const MOST = 6;
const LONGEST = 100;

/** Looks at a node before the first change (procedure, order 1, step 1). Changes nothing. */
export const nodePreflight: Procedure<NodePreflightInput, NodePreflight, 'node'> = {
  place: 'node',
  async run({ directory, local, point, address, host, ports }, context) {
    const { id, version } = await systemRelease();
    const installed = await isInstalled(directory);
    const registration = installed ? await readRegistration() : null;
    const writers = await jobsNaming(directory);
    return {
      os: id,
      osVersion: version,
      architecture: arch(),
      installed,
      build: registration?.directory === directory ? registration.version.slice(0, LONGEST) : '',
      joined: (await sharedConfigurationOf(directory)) !== '',
      room: { installation: await roomFor(directory), local: await roomFor(local) },
      elsewhere: !(await isOwn(address)),
      taken: installed ? [] : await takenAt(address, ports),
      hidden: await hiddenBy(point, context),
      names: await namesOf(host),
      writers: writers.slice(0, MOST).map((place) => place.slice(0, LONGEST)),
      writersInAll: writers.length,
      externalMailboxes: await externalMailboxesOf(directory),
    };
  },
};

/** Ports in whose way somebody is. Each port is told once, and at most twelve of them. */
async function takenAt(address: string, ports: readonly number[]): Promise<NodePreflight['taken']> {
  const found = new Map<number, string>();
  for (const listener of await listeners()) {
    if (!ports.includes(listener.port) || found.has(listener.port) || !takes(listener, address)) continue;
    if (MeetingPoint.holds(listener)) continue;
    found.set(listener.port, (await holderOf(listener))?.name ?? '');
  }
  const taken = [...found].map(([port, by]) => ({ port, by: by.slice(0, 20) }));
  return taken.sort((one, other) => one.port - other.port).slice(0, 2 * MOST);
}

async function hiddenBy(point: string, { agent }: Context): Promise<number> {
  if (await agent.platform.mounts.mounted(point)) return 0;
  try {
    return (await readdir(point)).length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 0;
    if (code === 'ENOTDIR') return 1;
    throw error;
  }
}

async function namesOf(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return [...new Set(found.map(({ address }) => address))].slice(0, MOST);
}

async function externalMailboxesOf(directory: string): Promise<number> {
  const texts = await Promise.all(
    EXTERNAL_MAILBOXES.map((file) => readFile(join(directory, file), 'utf8').catch(() => '')),
  );
  return texts
    .join('\n')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '').length;
}
