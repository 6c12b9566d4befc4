import { homedir } from 'node:os';
import { join } from 'node:path';

/** The machines of a lab, in the order in which they are powered on. */
export const MACHINES = ['control', 'share', 'database', 'A', 'B', 'C'] as const;
export type MachineName = (typeof MACHINES)[number];

/** The machines that become mail servers. */
export const NODES = ['A', 'B', 'C'] as const satisfies readonly MachineName[];
export type NodeName = (typeof NODES)[number];

/** The machines on which a process of the product runs: the control worker, the share's agent, the nodes' agents. */
export const AGENTS = ['control', 'share', ...NODES] as const satisfies readonly MachineName[];
export type AgentName = (typeof AGENTS)[number];

/** The passwords of a lab: the names that its cluster file and every agent.yaml use. */
export const SECRETS = [
  'database-administrator',
  'database-icewarp',
  'share-account',
  'mail-administrator',
  'probe-1',
  'probe-2',
  'licence-order',
  'outside-mailbox',
  'mail-users',
] as const;
export type SecretName = (typeof SECRETS)[number];

/** The administrator of the empty database server; may connect from the control machine only. */
export const DATABASE_ADMINISTRATOR = 'rollout';

/** The first mail domain of every lab's cluster. */
export const LAB_DOMAIN = 'lab.test';

/** The mailbox of another provider: mail to it leaves the cluster. */
export const OUTSIDE_MAILBOX = 'probe@outside.test';

/** Last number of each address in the lab's /24. Those of the balancer and of the outside belong to control, those of Temporal's Web UI and of the mail programs to none. */
const HOSTS = {
  temporal: 2,
  control: 10,
  A: 11,
  B: 12,
  C: 13,
  balancer: 30,
  database: 40,
  share: 50,
  outside: 60,
  clients: 70,
} as const satisfies Record<MachineName | 'balancer' | 'clients' | 'outside' | 'temporal', number>;
export type Addresses = Readonly<Record<keyof typeof HOSTS, string>>;

/** Every address of a lab; `subnet` is its first three numbers, such as `127.64.3`. */
export function addressesIn(subnet: string): Addresses {
  const entries = Object.entries(HOSTS).map(([name, last]) => [name, `${subnet}.${last}`] as const);
  return Object.fromEntries(entries) as Addresses;
}

/** Where mail protocols listen. */
export interface MailPorts {
  readonly smtp: number;
  readonly pop3: number;
  readonly imap: number;
}

/** The ports in use: the protocols' own ones wherever the lab's address had them free. */
export interface Ports {
  readonly temporal: number;
  readonly temporalUi: number;
  readonly database: number;
  readonly share: number;
  readonly balancer: MailPorts;
  readonly outside: Pick<MailPorts, 'smtp' | 'imap'>;
  /** The same on every node, as in every cluster. */
  readonly node: MailPorts;
}

/** Name that a machine bears itself (`uname -n`). */
export function hostName(machine: MachineName): string {
  return isNode(machine) ? `mail-${machine.toLowerCase()}` : machine;
}

/** Name under which the others know a machine. */
export function fullHostName(machine: MachineName): string {
  return `${hostName(machine)}.${LAB_DOMAIN}`;
}

export function isNode(machine: MachineName): machine is NodeName {
  return (NODES as readonly MachineName[]).includes(machine);
}

/** Where a lab lives unless told otherwise: `$XDG_STATE_HOME/icewarp-rollout/lab`. */
export function defaultLabDirectory(): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(state, 'icewarp-rollout', 'lab');
}

/** The places inside a lab's folder. */
export interface LabPaths {
  readonly directory: string;
  readonly state: string;
  readonly clusterFile: string;
  readonly secrets: string;
  readonly temporalDatabase: string;
  readonly temporalLog: string;
  /** One folder per machine: its disk. */
  readonly machines: string;
  /** Boot script and boot messages of each machine. */
  readonly boot: string;
}

export function labPaths(directory: string): LabPaths {
  return {
    directory,
    state: join(directory, 'lab.json'),
    clusterFile: join(directory, 'cluster.yaml'),
    secrets: join(directory, 'secrets'),
    temporalDatabase: join(directory, 'temporal.db'),
    temporalLog: join(directory, 'temporal.log'),
    machines: join(directory, 'machines'),
    boot: join(directory, 'boot'),
  };
}
