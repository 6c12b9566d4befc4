import { ownAccounts } from '../../../cluster/names.js';
import type { ClusterFile } from '../../../cluster/schema.js';
import { MOVED_ROLES } from '../../../icewarp/database-roles.js';
import type { Runner } from '../../runner.js';
import { connection, databaseSettings } from '../first-node-settings.js';
import type { Prepared } from '../production.js';
import { probeNodeAlone } from '../probes.js';
import { startServices, type First } from './stop.js';

const about = { title: 'database settings', guide: 'G12 G13', label: 'databases' };

function settingsDesired({ file }: First): {
  directory: string;
  own: readonly string[];
  moved: true;
  values: ReturnType<typeof databaseSettings>;
} {
  return { directory: file.icewarp.directory, own: ownAccounts(file), moved: true, values: databaseSettings(file) };
}

/** Whether the node still works on databases of its own. */
export function databasesMove(run: Runner, first: First): Promise<boolean> {
  return run.wouldChange('settings', first.node, settingsDesired(first), about);
}

/** What the databases of a rehearsal are called. */
const scratchOf = (name: string): string => `${name}_rehearsal`;

/**
 * Copies of the databases are moved while users work: how long that takes is the forecast, and whatever is in the way is
 * found before anything stops (procedure, rule 13).
 */
export async function rehearseDatabases(run: Runner, { file, on, node, spec }: First): Promise<Prepared> {
  const { host, port, administrator, user, password } = file.database;
  const server = { host, port, administrator };
  const names = MOVED_ROLES.map((role) => scratchOf(file.database.names[role]));
  for (const name of names) {
    await run.step(
      'database',
      on.control,
      { ...server, name, scratchOf: file.name },
      { title: `database ${name} for the rehearsal`, guide: 'G13', label: name },
    );
  }
  await run.step(
    'databaseUser',
    on.control,
    { ...server, user, from: spec.address, password, databases: names },
    { title: `user ${user} may use them`, guide: 'G13', label: `${spec.id}-rehearsal` },
  );
  const rehearsed = await run.act(
    'databaseRehearsal',
    node,
    { directory: file.icewarp.directory, cluster: file.name, roles: moves(file, scratchOf) },
    { title: 'move of the databases rehearsed on copies', guide: 'G13', disturbs: true },
  );
  await run.act(
    'dropScratch',
    on.control,
    { ...server, names, scratchOf: file.name },
    { title: 'databases of the rehearsal removed', guide: 'G13', disturbs: true },
  );
  // only a running GroupWare makes its tables; nobody uses them yet
  await run.step(
    'tables',
    node,
    {
      directory: file.icewarp.directory,
      running: true,
      tables: [{ number: 2, connection: connection(file, 'groupware') }],
    },
    { title: 'tables of GroupWare, empty', guide: 'G12 G13', label: 'to-fill-running' },
  );
  const seconds = rehearsed?.seconds ?? null;
  // the same rows, moved and compared by the same function
  return { seconds, skipped: [], back: [{ what: 'databases', least: seconds, most: seconds }] };
}

/** Frozen copies, IceWarp's own migration, a comparison of every row; then the settings (G12, G13). */
export async function moveDatabases(run: Runner, first: First): Promise<void> {
  const { file, node, spec } = first;
  const { directory } = file.icewarp;
  await run.step(
    'tables',
    node,
    {
      directory,
      running: false,
      tables: [
        { number: 0, connection: connection(file, 'accounts') },
        { number: 3, connection: connection(file, 'antispam') },
      ],
    },
    { title: 'tables of accounts and antispam, empty', guide: 'G12 G13', label: 'to-fill' },
  );
  await run.step(
    'databaseMove',
    node,
    { directory, moves: moves(file, (name) => name) },
    { title: 'content of the databases moved and compared', guide: 'G13', copies: true },
  );
  await run.switched();
  await run.step('settings', node, settingsDesired(first), about);
  await run.step(
    'tables',
    node,
    { directory, running: false, tables: [{ number: 4, connection: connection(file, 'directoryCache') }] },
    { title: 'tables of the directory cache', guide: 'G12', label: 'stopped' },
  );
  await startServices(run, first, 'databases');
  await run.step(
    'tables',
    node,
    { directory, running: true, tables: [{ number: 6, connection: connection(file, 'activeSync') }] },
    { title: 'tables of ActiveSync', guide: 'G12', label: 'running' },
  );
  await probeNodeAlone(run, first, spec, 'databases');
}

/** Its counts began empty: they are made anew, beside users' work (B3; procedure, rule 8). */
export async function refreshCache(run: Runner, { file, node }: First): Promise<void> {
  await run.act(
    'refreshDirectoryCache',
    node,
    { directory: file.icewarp.directory },
    { title: 'directory cache counted anew', guide: 'B3', label: 'databases', disturbs: true },
  );
}

function moves(
  file: ClusterFile,
  named: (name: string) => string,
): { role: (typeof MOVED_ROLES)[number]; connection: ReturnType<typeof connection> }[] {
  return MOVED_ROLES.map((role) => {
    const own = connection(file, role);
    return { role, connection: { ...own, database: named(own.database) } };
  });
}
