import { firstNode, machineOf, ownAccounts, type Machine } from '../../cluster/names.js';
import type { DatabaseRole } from '../../cluster/schema.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { configurationFolders, connection, databaseSettings, directorySettings } from './first-node-settings.js';
import { localQueues, makeAccounts } from './first-node-steps.js';
import { knowsItsConfiguration } from './joining.js';
import { moveOldMail, type ShareSpeed } from './old-mail.js';
import { pathDatOf } from './path-dat.js';
import { staysTrue } from './stays-true.js';

/**
 * The first node: its local configuration gets databases and directories, then becomes everybody's (G12–G16, G23).
 *
 * @returns whether it brings mail along.
 */
export async function configureFirstNode(run: Runner, cluster: Cluster, speed: ShareSpeed | null): Promise<boolean> {
  const { file, on } = cluster;
  const first = firstNode(file);
  const node = machineOf(on, first);
  await quietWatchdog(run, cluster, node, 'off');
  await databasesOf(run, cluster, node);
  const moved = await directoriesOf(run, cluster, node, speed);
  await configurationOf(run, cluster, node);
  return moved;
}

/**
 * From before the first stop until everything serves: nothing starts again what was stopped for a copy (procedure,
 * Terms, "quiet"). Only through the first node: what its configuration says becomes everybody's.
 */
async function quietWatchdog(
  run: Runner,
  { file }: Cluster,
  node: Machine<'node'>,
  state: 'off' | 'before',
): Promise<void> {
  const title = state === 'off' ? 'watchdog off while services are stopped' : 'watchdog as it was before the rollout';
  const { directory } = file.icewarp;
  await run.step('watchdog', node, { directory, state }, { title, guide: 'G15 G23', label: state });
}

/** Everything serves: what may start services again is on as before. */
export async function watchdogAgain(run: Runner, cluster: Cluster): Promise<void> {
  await quietWatchdog(run, cluster, machineOf(cluster.on, firstNode(cluster.file)), 'before');
}

async function databasesOf(run: Runner, cluster: Cluster, node: Machine<'node'>): Promise<void> {
  const { file } = cluster;
  const { directory } = file.icewarp;
  const of = (role: DatabaseRole): ReturnType<typeof connection> => connection(file, role);
  await run.step(
    'settings',
    node,
    { directory, own: ownAccounts(file), values: databaseSettings(file) },
    { title: 'database settings', guide: 'G12', label: 'databases' },
  );
  await run.step(
    'tables',
    node,
    {
      directory,
      running: false,
      tables: [
        { number: 0, connection: of('accounts') },
        { number: 3, connection: of('antispam') },
        { number: 4, connection: of('directoryCache') },
      ],
    },
    { title: 'tables of accounts, antispam, directory cache', guide: 'G12', label: 'stopped' },
  );
  await run.step(
    'services',
    node,
    { directory, running: true },
    { title: 'services on the new databases', guide: 'G12', label: 'databases' },
  );
  await run.step(
    'tables',
    node,
    {
      directory,
      running: true,
      tables: [
        { number: 2, connection: of('groupware') },
        { number: 6, connection: of('activeSync') },
      ],
    },
    { title: 'tables of GroupWare and ActiveSync', guide: 'G12', label: 'running' },
  );
  await makeAccounts(run, cluster, node);
}

/** @returns whether mail moves to them. */
async function directoriesOf(
  run: Runner,
  cluster: Cluster,
  node: Machine<'node'>,
  speed: ShareSpeed | null,
): Promise<boolean> {
  const { file } = cluster;
  const { directory } = file.icewarp;
  const { mount } = file.share;
  const moved = await moveOldMail(run, cluster, node, 'mail', speed);
  if (file.mail.archive) await moveOldMail(run, cluster, node, 'archive', speed);
  await localQueues(run, cluster, node);
  await run.step(
    'settings',
    node,
    { directory, mount, values: directorySettings(file) },
    { title: 'directories, archive, automatic check of the configuration', guide: 'G14 G16 G19', label: 'directories' },
  );
  await run.step(
    'services',
    node,
    { directory, running: true },
    { title: 'services on the new directories', guide: 'G14', label: 'directories' },
  );
  return moved;
}

async function configurationOf(run: Runner, cluster: Cluster, node: Machine<'node'>): Promise<void> {
  const { file } = cluster;
  const { directory } = file.icewarp;
  const { uid, gid, mount } = file.share;
  const to = configurationFolders(file);
  await staysTrue(run, cluster, node, [...databaseSettings(file), ...directorySettings(file)]);
  await run.step(
    'sharedConfiguration',
    node,
    { directory, to, mount, cluster: file.name, node: node.name, uid, gid },
    { title: 'configuration copied to the share, once', guide: 'G20 G23' },
  );
  await run.step('pathDat', node, pathDatOf(file, node.name), {
    title: 'path.dat: on the shared configuration',
    guide: 'G17 G18 G20 G21',
  });
  await run.step(
    'services',
    node,
    { directory, running: true },
    { title: 'services on the shared configuration', guide: 'G23', label: 'shared' },
  );
  await knowsItsConfiguration(run, cluster, node);
}
