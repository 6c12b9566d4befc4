/** Where an agent looks for its own settings unless told otherwise. */
export const AGENT_FILE = '/etc/icewarp-rollout/agent.yaml';
