import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { stringify } from 'yaml';

import { AGENT_FILE } from '../platform/agent-file.js';
import { DIST, NODE } from './host.js';
import { type Addresses, type AgentName, isNode, labPaths, type Ports, type SecretName } from './layout.js';
import type { Machine } from './machine.js';
import { readSecret } from './secrets.js';
import { writeInstaller } from './standin/installer.js';
import { LAB_FILE, type LabMachine } from './standin/machine.js';

/** The name of the cluster in every file of a lab. */
export const LAB_CLUSTER = 'lab';

/** The build that the installer on every node brings. */
const BUILD = '14.1.0';

/** When a node blocks an address that guesses names; probes of a rollout guess less. */
const GUESSING = { after: 15, seconds: 120 } as const;

const SECRET_FOLDER = '/etc/icewarp-rollout/secrets';
const INSTALLER_FOLDER = '/root/icewarp-installer';

/** The installer on every node; its path there. */
export const INSTALLER = join(INSTALLER_FOLDER, 'install.sh');

const PROBES = ['mail-administrator', 'probe-1', 'probe-2'] as const satisfies readonly SecretName[];

/** What each agent may know; nobody knows more than its work takes. */
function secretsOf(agent: AgentName): readonly SecretName[] {
  if (agent === 'control') return ['database-administrator', 'database-icewarp', 'outside-mailbox', ...PROBES];
  if (agent === 'share') return ['share-account'];
  return ['database-icewarp', 'share-account', 'licence-order', ...PROBES];
}

/** Writes the agent.yaml of a machine and the files of the secrets that it names, all for root only. */
async function writeAgentFile(
  machine: Machine,
  agent: AgentName,
  directory: string,
  installer: InstallerEntry | undefined,
): Promise<void> {
  const secrets = secretsOf(agent);
  await mkdir(machine.disk + SECRET_FOLDER, { recursive: true, mode: 0o700 });
  for (const name of secrets) {
    const secret = readSecret(labPaths(directory).secrets, name);
    await writeFile(join(machine.disk + SECRET_FOLDER, name), secret, { mode: 0o600 });
  }
  const config = {
    cluster: LAB_CLUSTER,
    address: machine.address,
    stateDir: '/var/lib/icewarp-rollout',
    secrets: Object.fromEntries(secrets.map((name) => [name, { file: join(SECRET_FOLDER, name) }])),
    ...(installer === undefined ? {} : { installers: { icewarp: installer } }),
  };
  await writeFile(machine.disk + AGENT_FILE, stringify(config), { mode: 0o600 });
}

/** What agent.yaml says of an installer. */
interface InstallerEntry {
  readonly path: string;
  readonly sha256: string;
  readonly arguments: readonly string[];
}

/** Where the parts of a lab are. */
interface LabNet {
  readonly ports: Ports;
  readonly addresses: Addresses;
}

/** Gives a node what an administrator would bring along: the stand-in's installer, and the facts of its network card. */
async function writeNodeFiles(machine: Machine, { ports, addresses }: LabNet): Promise<InstallerEntry> {
  const facts: LabMachine = {
    address: machine.address,
    ports: ports.node,
    node: NODE,
    dist: DIST,
    relaySink: { host: addresses.outside, port: ports.outside.smtp },
    // as a careful administrator sets them up for the balancer
    proxyFrom: [addresses.balancer],
    lockout: { ...GUESSING, exempt: [addresses.balancer] },
  };
  await writeFile(machine.disk + LAB_FILE, `${JSON.stringify(facts, undefined, 2)}\n`);
  const folder = machine.disk + INSTALLER_FOLDER;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { sha256 } = await writeInstaller(folder, { version: BUILD });
  return { path: INSTALLER, sha256, arguments: ['--auto'] };
}

/** Writes everything that a machine with an agent holds before the rollout begins. */
export async function writeMachineFiles(machine: Machine, directory: string, net: LabNet): Promise<void> {
  const { name } = machine;
  if (name === 'database') return;
  const installer = isNode(name) ? await writeNodeFiles(machine, net) : undefined;
  await writeAgentFile(machine, name, directory, installer);
}
