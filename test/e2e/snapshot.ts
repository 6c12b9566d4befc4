import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { MACHINES, type Lab } from '../../src/lab/lab.js';

/** What is allowed to differ: logs, caches and run-time state that no administrator would call part of the system. */
const IGNORED = [
  /^\/var\/log\//,
  /^\/var\/cache\//,
  /^\/var\/lib\/mysql\//,
  /^\/var\/lib\/samba\//, // tdb files change with every connection; accounts are compared by pdbedit
  /^\/var\/lib\/haproxy\//,
  /^\/var\/lib\/icewarp-rollout\/vault(\/|$)/,
  /^\/var\/lib\/icewarp-rollout$/,
  /^\/var\/lib\/icewarp-rollout\/agent\.lock$/, // names the process that is the machine's agent now
  /^\/opt\/icewarp\/(var|logs)(\/|$)/, // what a server that was there before writes whenever it runs
  /^\/root\/icewarp-install(-error)?\.log$/,
  /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/, // the previous version that useradd keeps
  /^\/etc\/(subuid|subgid)$/,
  /^\/etc\/\.(pwd\.lock|updated)$/,
];

/** Path → what is there: kind, mode, owner, content. */
export type Snapshot = Readonly<Record<string, string>>;

/** A file's content in a few characters; the path is that on its machine. */
export type Digest = (content: Buffer, path: string) => string;

const sha256: Digest = (content) => createHash('sha256').update(content).digest('hex').slice(0, 16);

/**
 * Everything that a rollout could have changed: all disks of all machines, accounts, databases, users, grants.
 *
 * @param digest of a file's content.
 */
export async function snapshot(lab: Lab, digest: Digest = sha256): Promise<Snapshot> {
  const entries: Record<string, string> = {};
  for (const name of MACHINES) {
    await walk(
      lab.machine(name).disk,
      '',
      (path, what) => {
        if (!IGNORED.some((pattern) => pattern.test(path))) entries[`${name}:${path}`] = what;
      },
      digest,
    );
    const { stdout: mounts } = await lab
      .machine(name)
      // what other tests mount meanwhile shows here as well
      .run('sh', ['-c', 'cut -d" " -f5 /proc/self/mountinfo | grep -vE "^(/tmp|/dev/shm)/" | sort -u']);
    entries[`${name}:mounts`] = mounts;
  }
  const { stdout: accounts } = await lab.machine('share').run('pdbedit', ['-L']);
  entries['share:samba accounts'] = accounts;
  const databases = (await lab.sql('SHOW DATABASES')) as { Database: string }[];
  entries['databases'] = databases
    .map(({ Database }) => Database)
    .sort()
    .join(' ');
  const users = (await lab.sql('SELECT user AS user, host AS host FROM mysql.user ORDER BY 1, 2')) as {
    user: string;
    host: string;
  }[];
  for (const { user, host } of users) {
    // the role that MariaDB makes for everybody has no grants to show
    if (user === 'PUBLIC') continue;
    const grants = (await lab.sql(`SHOW GRANTS FOR '${user}'@'${host}'`)) as Record<string, string>[];
    entries[`grants ${user}@${host}`] = grants
      .map((row) => Object.values(row).join())
      .sort()
      .join('\n');
  }
  return entries;
}

/** What differs between two snapshots, readable in a failing test. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths
    .filter((path) => before[path] !== after[path])
    .map((path) => `${path}: ${before[path] ?? 'absent'} → ${after[path] ?? 'absent'}`);
}

/** The originals that the machines still keep: none after a complete rollback. */
export async function keptOriginals(lab: Lab): Promise<string[]> {
  const found: string[] = [];
  for (const name of MACHINES) {
    await walk(`${lab.machine(name).disk}/var/lib/icewarp-rollout/vault`, '', (path, what) => {
      if (what.startsWith('file')) found.push(`${name}: ${path}`);
    });
  }
  return found;
}

async function walk(
  root: string,
  path: string,
  found: (path: string, what: string) => void,
  digest: Digest = sha256,
): Promise<void> {
  const names = await readdir(join(root, path)).catch(() => []);
  for (const name of names) {
    const inner = `${path}/${name}`;
    const stat = await lstat(join(root, inner)).catch(() => undefined);
    if (stat === undefined) continue;
    const owner = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
    if (stat.isDirectory()) {
      found(inner, `folder ${owner}`);
      await walk(root, inner, found, digest);
    } else if (stat.isSymbolicLink()) {
      found(inner, `link to ${await readlink(join(root, inner))}`);
    } else if (stat.isFile()) {
      found(inner, `file ${owner} ${digest(await readFile(join(root, inner)), inner)}`);
    }
  }
}
