import type { OldMessagesInput } from '../../activities/old-messages.js';
import { firstNode, machineOf } from '../../cluster/names.js';
import type { ClusterFile, NodeSpec } from '../../cluster/schema.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { nodePorts } from './probes.js';

function throughNode(file: ClusterFile, { id, address }: NodeSpec): OldMessagesInput {
  const { domain, probes } = file.mail;
  return { node: { id, address }, imap: nodePorts(file).imap, cluster: file.name, domain, accounts: probes };
}

/** Before the mail moves, while its services run: what the probe accounts will be recognised by (rule 18). */
export async function plantOldMessages(run: Runner, { file, on }: Cluster): Promise<void> {
  await run.act('plantOldMessages', on.control, throughNode(file, firstNode(file)), {
    title: 'an old message for each probe account',
    guide: 'G15',
  });
}

/** Through one node: the probe accounts' mail is the one from before, by hash, flag, UID and folders. */
export async function probeOldMessages(
  run: Runner,
  { file, on }: Cluster,
  node: NodeSpec,
  label = node.id,
): Promise<void> {
  await run.act('probeOldMessages', on.control, throughNode(file, node), {
    title: `old messages are read through node ${node.id}, by hash`,
    guide: 'G15 G25',
    label,
    // there are some only between the move and the end of the joining
    disturbs: true,
  });
}

/**
 * Once mail was copied beside IceWarp: its counts are made anew, which the probe accounts show (B3; procedure, rule 8);
 * they are needed no longer then.
 */
export async function refreshCounts(run: Runner, { file, on }: Cluster): Promise<void> {
  const first = firstNode(file);
  const { directory } = file.icewarp;
  const { domain, probes } = file.mail;
  const { imap } = nodePorts(file);
  await run.act(
    'refreshDirectoryCache',
    machineOf(on, first),
    { directory },
    { title: 'directory cache counted anew', guide: 'B3', disturbs: true },
  );
  await run.act(
    'probeQuota',
    on.control,
    { node: { id: first.id, address: first.address }, imap, domain, accounts: probes },
    { title: 'quotas count what is there', guide: 'B3', skippable: true },
  );
  await run.act('removeOldMessages', on.control, throughNode(file, first), {
    title: 'old messages of the probe accounts removed',
    guide: 'G15',
    disturbs: true,
  });
}
