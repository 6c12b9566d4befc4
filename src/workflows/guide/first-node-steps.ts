import { localFolders, sharedFolder, type Machine } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';

/** The first domain and its administrator, where there are none, and the accounts that the probes log in as (G12). */
export async function makeAccounts(run: Runner, { file }: Cluster, node: Machine<'node'>): Promise<void> {
  const { domain, administrator, probes } = file.mail;
  await run.step(
    'mailAccounts',
    node,
    {
      directory: file.icewarp.directory,
      domain,
      administrator,
      probes,
      folders: [sharedFolder(file, 'mail'), sharedFolder(file, 'archives')],
      mount: file.share.mount,
      cluster: file.name,
    },
    { title: 'first domain, administrator and probe accounts', guide: 'G12' },
  );
}

/** Queues are each node's own (B2; procedure, rule 3). */
export async function localQueues(run: Runner, { file }: Cluster, node: Machine<'node'>): Promise<void> {
  const { outgoing, retry, incoming } = localFolders(file);
  const owner = { uid: file.share.uid, gid: file.share.gid };
  await run.step(
    'mailQueues',
    node,
    { directory: file.icewarp.directory, queues: { outgoing, retry, incoming }, owner },
    { title: 'queues, with what waits in them, on the node’s own disk', guide: 'B2 G14' },
  );
}
