import type { Stage } from '../cluster/stages.js';
import type { Agent } from './agent.js';
import { stateFile, type StateFile } from './state-file.js';

/**
 * Whether users have worked with what a stage moved: from then on a way back has to bring along what they changed
 * (procedure, Terms, "open"; rule 16). Durable, on the node whose services were stopped.
 */
export async function wasOpened(agent: Agent, stage: Stage): Promise<boolean> {
  return (await openStages(agent)).includes(stage);
}

/** Notes, BEFORE the node opens, that a stage is open; or, once it has been put back, that it is not. */
export async function noteOpened(agent: Agent, stage: Stage, open: boolean): Promise<void> {
  const others = (await openStages(agent)).filter((one) => one !== stage);
  const stages = open ? [...others, stage] : others;
  if (stages.length === 0) await noteOf(agent).remove();
  else await noteOf(agent).write(stages);
}

/** The stages that users have worked with on this node. */
export async function openStages(agent: Agent): Promise<readonly Stage[]> {
  return (await noteOf(agent).read()) ?? [];
}

function noteOf(agent: Agent): StateFile<readonly Stage[]> {
  return stateFile<readonly Stage[]>(agent, 'opened-stages');
}
