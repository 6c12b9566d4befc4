import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { NodeName } from '../../../src/lab/layout.js';
import { INSTALLER } from '../../../src/lab/machine-files.js';
import { LAB_FILE } from '../../../src/lab/standin/machine.js';
import type { LabCluster } from '../lab-cluster.js';

const INSTALLATION = '/opt/icewarp';

/** Installs the stand-in on a node as an administrator would have done long ago, with a licence, stopped and off. */
export async function installOn(cluster: LabCluster, node: NodeName): Promise<void> {
  const machine = cluster.lab.machine(node);
  await machine.run('groupadd', ['--gid', '1500', 'icewarp']);
  await machine.run('useradd', ['--uid', '1500', '--gid', 'icewarp', '--no-create-home', 'icewarp']);
  await machine.run(INSTALLER, ['--auto', '--user', 'icewarp']);
  await machine.run(`${INSTALLATION}/icewarpd.sh`, ['--stop']);
  await machine.run('update-rc.d', ['icewarp', 'disable']);
  await tool(cluster, node, 'set', 'system', 'C_OnlineLicense', `ORDER-${node}`);
}

/** Leaves the node as a fresh machine. */
export async function removeFrom(cluster: LabCluster, node: NodeName): Promise<void> {
  const machine = cluster.lab.machine(node);
  await machine.run(`${INSTALLATION}/icewarpd.sh`, ['--stop']);
  await machine.run('update-rc.d', ['-f', 'icewarp', 'remove']);
  await machine.run('rm', ['-rf', INSTALLATION, '/etc/icewarp', '/etc/init.d/icewarp']);
  await machine.run('userdel', ['icewarp']);
}

export async function tool(cluster: LabCluster, node: NodeName, ...args: readonly string[]): Promise<void> {
  await cluster.lab.machine(node).run(`${INSTALLATION}/tool.sh`, args);
}

/** Runs statements in a database file of a node’s installation. */
export async function sqlite(cluster: LabCluster, node: NodeName, sql: string): Promise<void> {
  const file = `${INSTALLATION}/config/accounts.db`;
  await cluster.lab.machine(node).run('sqlite3', ['-bail', file], { input: sql });
}

/** Writes a file on a machine, and its folders; what is returned puts back what was there, or nothing. */
export async function withFile(
  cluster: LabCluster,
  node: NodeName,
  path: string,
  text: string | ((before: string) => string),
): Promise<() => Promise<void>> {
  const file = cluster.lab.machine(node).disk + path;
  const before = await readFile(file, 'utf8').catch(() => null);
  const made = await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof text === 'string' ? text : text(before ?? ''));
  return async () => {
    if (before === null) await rm(made ?? file, { recursive: true, force: true });
    else await writeFile(file, before);
  };
}

/** Changes what the lab lets a machine be. */
export function withLabFile(
  cluster: LabCluster,
  node: NodeName,
  change: Readonly<Record<string, unknown>>,
): Promise<() => Promise<void>> {
  return withFile(cluster, node, LAB_FILE, (text) => JSON.stringify({ ...(JSON.parse(text) as object), ...change }));
}

/** Changes the operator's cluster file. */
export async function withClusterFile(
  { lab }: LabCluster,
  change: (text: string) => string,
): Promise<() => Promise<void>> {
  const before = await readFile(lab.paths.clusterFile, 'utf8');
  await writeFile(lab.paths.clusterFile, change(before));
  return () => writeFile(lab.paths.clusterFile, before);
}
