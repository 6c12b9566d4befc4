import type { AgentConfig } from '../platform/agent-config.js';
import { platformHere } from '../platform/detect.js';
import { createLog } from '../platform/log.js';
import type { Platform } from '../platform/platform.js';
import { SecretStore } from '../platform/secrets.js';
import { Vault } from '../platform/vault.js';

/** The vault as one step sees it: its own originals and nothing else. */
export type VaultSlot = ReturnType<Vault['slot']>;

/** Everything that a worker process knows of its own machine. */
export interface Agent {
  /** `control`, `share`, or a node's id. */
  readonly machine: string;
  readonly config: AgentConfig;
  readonly secrets: SecretStore;
  readonly platform: Platform;
  readonly vault: Vault;
  /** Writes one redacted line to the agent's local log. */
  log(event: string, detail?: unknown): void;
}

/**
 * The agent of a machine, in this process.
 *
 * @throws RolloutError PLATFORM_UNKNOWN where agents do not run.
 */
export function createAgent(config: AgentConfig, machine: string): Agent {
  const secrets = new SecretStore(config.secrets);
  return {
    machine,
    config,
    secrets,
    platform: platformHere(),
    vault: new Vault(config.stateDir, config.cluster),
    log: createLog(machine, (text) => secrets.redact(text)),
  };
}
