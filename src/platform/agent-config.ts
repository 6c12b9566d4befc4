import { readFile, stat } from 'node:fs/promises';

import { parse } from 'yaml';
import { z } from 'zod';

import { RolloutError } from '../cluster/errors.js';
import { secretSource } from './secret-source.js';

const installer = z.strictObject({
  path: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  arguments: z.array(z.string()).default([]),
});

const agentConfig = z.strictObject({
  /** The cluster whose task queues this process serves. */
  cluster: z.string().min(1),
  /** The local address to connect from, on a machine that has several: grants name it. */
  address: z.string().optional(),
  /** Vault and log: durable local disk. */
  stateDir: z.string().default('/var/lib/icewarp-rollout'),
  secrets: z.record(z.string(), secretSource).default({}),
  installers: z.record(z.string(), installer).default({}),
  /** The keys that encrypt what this process sends to Temporal; without them nothing is encrypted. */
  payloadKeys: secretSource.optional(),
});

export type AgentConfig = z.infer<typeof agentConfig>;
export type Installer = z.infer<typeof installer>;

/**
 * Reads `agent.yaml`, the file through which one machine says what secret and installer NAMES mean there, so that
 * workflow input can neither read a file nor run a command of its choice.
 *
 * @throws RolloutError AGENT_CONFIG when it is missing, not owned by this process's user, writable by others or wrong.
 */
export async function loadAgentConfig(file: string): Promise<AgentConfig> {
  let text: string;
  try {
    const { mode, uid } = await stat(file);
    if (process.platform !== 'win32' && ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.getuid?.()))) {
      throw new RolloutError('AGENT_CONFIG', `${file} must be owned by the agent's user and writable by nobody else`);
    }
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof RolloutError) throw error;
    throw new RolloutError('AGENT_CONFIG', `${file} cannot be read`, { cause: error });
  }
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new RolloutError('AGENT_CONFIG', `${file} is not valid YAML`, { cause: error });
  }
  const result = agentConfig.safeParse(parsed);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new RolloutError('AGENT_CONFIG', `${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`);
  }
  return result.data;
}
