import type { ClusterFile, NodeSpec } from './schema.js';

/** Where a step runs: the control worker, a node's agent, or the share server's agent. */
export type Place = 'control' | 'node' | 'share';

/** One machine as the workflow sees it: what it is called and the task queue that its agent polls. */
export interface Machine<P extends Place = Place> {
  readonly place: P;
  readonly name: string;
  readonly queue: string;
}

/** The machines of a cluster. A share that is only mounted has no agent. */
export interface Machines {
  readonly control: Machine<'control'>;
  readonly share: Machine<'share'> | undefined;
  readonly nodes: readonly Machine<'node'>[];
}

/** The task queue of one machine's agent, or of the control worker. */
export function queueOf(cluster: string, place: Place, node?: string): string {
  return `icewarp-rollout.${cluster}.${place === 'node' ? `node-${node ?? ''}` : place}`;
}

/** The task queue of a node's copies of trees: they may take days, and nothing else may wait behind them. */
export function copyQueueOf(cluster: string, node: string): string {
  return `${queueOf(cluster, 'node', node)}.copy`;
}

/** The workflow id of one pass over one tree. */
export function treeIdOf(cluster: string, tree: string, label: string): string {
  return `${rolloutIdOf(cluster)}.tree-${tree}.${label}`;
}

/** The workflow id that every changing verb on a cluster shares: it is the cluster's lock. */
export function rolloutIdOf(cluster: string): string {
  return `icewarp-rollout.${cluster}`;
}

/** The machines that a cluster file names. */
export function machinesOf(cluster: ClusterFile): Machines {
  const on = <P extends Place>(place: P, name: string): Machine<P> => ({
    place,
    name,
    queue: queueOf(cluster.name, place, name),
  });
  return {
    control: on('control', 'control'),
    share: cluster.share.kind === 'smb' ? on('share', 'share') : undefined,
    nodes: cluster.nodes.map(({ id }) => on('node', id)),
  };
}

/** All of them: the control machine, the share server where there is one, the nodes. */
export function everyMachine({ control, share, nodes }: Machines): Machine[] {
  return [control, ...(share === undefined ? [] : [share]), ...nodes];
}

/** The machine that is a node of the file. */
export function machineOf({ nodes }: Machines, { id }: NodeSpec): Machine<'node'> {
  const machine = nodes.find(({ name }) => name === id);
  if (machine === undefined) throw new RangeError(`the cluster has no machine ${id}`);
  return machine;
}

/** What the file says of a machine that is a node. */
export function specOf({ nodes }: ClusterFile, { name }: Machine<'node'>): NodeSpec {
  const spec = nodes.find(({ id }) => id === name);
  if (spec === undefined) throw new RangeError(`the cluster file has no node ${name}`);
  return spec;
}

/** The folders on the share (G7), as the operator and the guide name them. */
export const SHARED_FOLDERS = ['config', 'spam', 'calendar', 'mail', '_yodaidx', 'archives'] as const;
export type SharedFolder = (typeof SHARED_FOLDERS)[number];

/** A folder of the share as every node sees it, with the trailing separator that IceWarp's settings carry. */
export function sharedFolder({ share }: ClusterFile, folder: SharedFolder): string {
  return `${share.mount}/share/${folder}/`;
}

/** A folder as the file system names it, without its trailing separator. */
export function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '');
}

/** Folders that stay on each node's own disk (G3, procedure rule 3), with trailing separator. */
export interface LocalFolders {
  readonly temp: string;
  readonly logs: string;
  readonly outgoing: string;
  readonly retry: string;
  readonly incoming: string;
}

/** The local folders of a node: the same path on every node, because the settings are shared. */
export function localFolders({ icewarp: { local } }: ClusterFile): LocalFolders {
  return {
    temp: `${local}/temp/`,
    logs: `${local}/logs/`,
    outgoing: `${local}/queues/_outgoing/`,
    retry: `${local}/queues/_outgoing/retry/`,
    incoming: `${local}/queues/_incoming/`,
  };
}

/** The file that proves that a mount point shows this cluster's share (B8). */
export const SENTINEL = '.icewarp-rollout-sentinel';

/** The accounts that the product makes itself, as full addresses. */
export function ownAccounts({ mail: { domain, administrator, probes } }: ClusterFile): readonly string[] {
  return [administrator, ...probes].map(({ name }) => `${name}@${domain}`);
}

/** How full text is made: by one server for all nodes where the file says which; as in the guide where it says nothing. */
export function fullTextOf({ icewarp: { fullText, fullTextUrl } }: ClusterFile): 'guide' | 'single' | 'off' {
  return fullText ?? (fullTextUrl === undefined ? 'guide' : 'single');
}

/** The node that is configured first: the master, whose configuration becomes everybody's (G23). */
export function firstNode({ nodes }: ClusterFile): NodeSpec {
  const first = nodes.find(({ role }) => role === 'master') ?? nodes[0];
  if (first === undefined) throw new RangeError('a cluster has at least two nodes');
  return first;
}

/** The nodes that join after the first, in the file's order. */
export function joiningNodes(cluster: ClusterFile): readonly NodeSpec[] {
  const first = firstNode(cluster);
  return cluster.nodes.filter((node) => node !== first);
}
