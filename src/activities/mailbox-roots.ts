import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { EXTERNAL_MAILBOXES } from '../icewarp/layout.js';
import { isNetwork } from '../platform/mount-options.js';
import { lookAtShare, PATIENCE } from '../platform/share.js';
import type { Context, Procedure } from './resource.js';

/** Mailboxes outside of the mail folder, as a node lists them (B4): under 2 kB. */
export interface MailboxRoots {
  /** The first of them. */
  readonly roots: readonly string[];
  readonly rootsInAll: number;
  /** Lines in which no path was found: the vendor does not tell the format. */
  readonly unparsed: number;
}

/** How many are looked for on every node; a longer path is told as one that was not parsed. */
const MOST = 8;
const LONGEST = 150;

/** Reads the folders that a node's list of external mailboxes names. Changes nothing. */
export const mailboxRoots: Procedure<{ readonly directory: string }, MailboxRoots, 'node'> = {
  place: 'node',
  async run({ directory }) {
    const texts = await Promise.all(
      EXTERNAL_MAILBOXES.map((file) => readFile(join(directory, file), 'utf8').catch(() => '')),
    );
    return rootsOf(texts.join('\n'));
  },
};

/** The folders in a list of external mailboxes. Each line is taken to hold one absolute path, wherever it stands. */
export function rootsOf(text: string): MailboxRoots {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const found = lines.map(pathIn).filter((path) => path !== null);
  const roots = [...new Set(found)].sort();
  return { roots: roots.slice(0, MOST), rootsInAll: roots.length, unparsed: lines.length - found.length };
}

function pathIn(line: string): string | null {
  // a path may hold spaces: it ends where a field would
  const [, path] = /(?:^|[\s;,|="'])(\/[^;,|"'\t]+)/.exec(line) ?? [];
  if (path === undefined) return null;
  const whole = normalize(path.trim()).replace(/(?<=.)\/+$/, '');
  return whole === '/' || Buffer.byteLength(whole) > LONGEST ? null : whole;
}

/** What a node sees of each folder: `none`, `local` on a disk of its own, or `shared:INODE` on a network file system. */
export type RootSeen = 'none' | 'local' | 'silent' | `shared:${string}`;

/** Looks whether this node reaches the folders in which another one has mailboxes (procedure, rule 7). */
export const mailboxRootsSeen: Procedure<{ readonly roots: readonly string[] }, readonly RootSeen[], 'node'> = {
  place: 'node',
  async run({ roots }, context) {
    const seen: RootSeen[] = [];
    for (const root of roots.slice(0, MOST)) seen.push(await see(root, context));
    return seen;
  },
};

async function see(root: string, { agent, signal }: Context): Promise<RootSeen> {
  try {
    const limits = { signal, timeout: PATIENCE };
    const { exitCode, stdout } = await lookAtShare('stat', ['-L', '--format=%F %i', '--', root], root, limits);
    const [, inode] = /^directory (\d+)$/.exec(stdout) ?? [];
    if (exitCode !== 0 || inode === undefined) return 'none';
    return isNetwork(await agent.platform.mounts.type(root)) ? `shared:${inode}` : 'local';
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'SHARE_UNREACHABLE') return 'silent';
    throw error;
  }
}
