import type { AgentConfig } from '../platform/agent-config.js';
import type { Platform } from '../platform/platform.js';
import type { SecretStore } from '../platform/secrets.js';
import type { Vault } from '../platform/vault.js';

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
