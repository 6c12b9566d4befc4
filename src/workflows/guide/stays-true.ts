import type { PathScanned } from '../../activities/path-scan.js';
import type { SettingsDesired } from '../../activities/settings.js';
import { sharedFolder, type Machine } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { configurationFolders } from './first-node-settings.js';

/**
 * Before the first node's configuration is everybody's: it names no place that only this node has (B11; procedure,
 * rule 4). An operator who skips this approves of the list that is named, by its hash.
 *
 * @param written What steps before this one write: as long as they have not, the old values are no trouble.
 * @param when foreseen: asked before these steps, also by a rollout.
 */
export async function staysTrue(
  run: Runner,
  { file }: Cluster,
  node: Machine<'node'>,
  written: SettingsDesired['values'],
  { label, foreseen }: { readonly label: string; readonly foreseen: boolean } = { label: 'paths', foreseen: false },
): Promise<void> {
  const input = {
    directory: file.icewarp.directory,
    to: {
      ...configurationFolders(file),
      mail: sharedFolder(file, 'mail'),
      archive: sharedFolder(file, 'archives'),
    },
    repointed: run.plans || foreseen ? written.map(({ setting }) => setting) : [],
  };
  await run.rule(
    {
      title: 'before it is shared: the configuration names no place of one node only',
      guide: 'B11',
      label,
      skippable: true,
    },
    async () => {
      const title = 'paths and SQLite databases in the configuration';
      const found = await run.look('pathScan', node, input, {
        title,
        guide: 'B11',
        ...(label === 'paths' ? {} : { label }),
      });
      return found === null || found.holds === 0 ? null : words(found, node.name);
    },
  );
}

function words({ holds, first, list, hash }: PathScanned, node: string): string {
  const more = holds > first.length ? `; and ${holds - first.length} more` : '';
  return (
    `${holds} in node ${node}’s configuration would not be true on every node: ${first.join('; ')}${more}. ` +
    `All of them: ${list} on node ${node}, sha256 ${hash}. Mend them and retry, or approve of this list with skip`
  );
}
