import type { CollationClashes } from '../../activities/collation.js';
import type { DatabasePreflight } from '../../activities/database-preflight.js';
import { ownAccounts, type Machine } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Finding } from '../preflight/finding.js';
import { judgeBackups } from '../preflight/judge-backups.js';
import { judgeDialect, judgeZones } from '../preflight/judge-dialect.js';
import type { NodesShown } from '../preflight/judge-nodes.js';
import { judgeState, type ExternalShown, type StateShown } from '../preflight/judge-state.js';
import type { Runner } from '../runner.js';
import { shownBy } from './shown.js';

/** What is on the machines already and would bite (procedure, rules 4, 5, 7, 11 and 13; order 2, step 1). */
export async function stateFindings(
  run: Runner,
  cluster: Cluster,
  shown: NodesShown,
  server: DatabasePreflight | null,
): Promise<readonly Finding[]> {
  const { file, on } = cluster;
  const { host, port, administrator, user } = file.database;
  const states = await statesOf(run, cluster, shown);
  const dialect = await run.look(
    'databaseDialect',
    on.control,
    { host, port, administrator, user },
    { title: 'how the database server talks to its clients', guide: 'G4 G8' },
  );
  const state: StateShown = {
    states,
    licences: await licencesOf(run, cluster, states),
    collations: await collationsOf(run, cluster, states),
    external: await externalOf(run, cluster, shown),
  };
  const joined = [...shown.values()].some((facts) => facts.joined);
  const holding = joined ? [] : holdingOf(states, server);
  return [
    ...judgeState(file, state),
    ...judgeDialect(file, dialect),
    ...judgeZones(states, dialect),
    ...judgeBackups(file, holding, Date.now()),
  ];
}

async function statesOf(run: Runner, { file, on }: Cluster, shown: NodesShown): Promise<StateShown['states']> {
  const { directory } = file.icewarp;
  const own = [...ownAccounts(file)];
  const about = { title: 'licence file, accounts, mail, watchdog of an installation', guide: 'G2 G13 G15' };
  // what could not be looked at before is not asked again
  return shownBy(run, known(on.nodes, shown), (node) => run.look('statePreflight', node, { directory, own }, about));
}

async function licencesOf(
  run: Runner,
  { file, on }: Cluster,
  states: StateShown['states'],
): Promise<StateShown['licences']> {
  const { directory } = file.icewarp;
  const about = { title: 'licence that is there already', guide: 'G2 B10', label: 'before' };
  return shownBy(run, installed(on.nodes, states), (node) => run.look('licenceFacts', node, { directory }, about));
}

/** Names that would be the same in the cluster's database: the letters go to the server, the names stay on the node. */
async function collationsOf(
  run: Runner,
  { file, on }: Cluster,
  states: StateShown['states'],
): Promise<StateShown['collations']> {
  const { directory } = file.icewarp;
  const { host, port, administrator } = file.database;
  const compare = async (node: Machine<'node'>): Promise<CollationClashes | null> => {
    const guide = 'G13 G4';
    const title = 'letters in the keys of its accounts database';
    const found = await run.look('collationLetters', node, { directory }, { title, guide });
    if (found === null) return null;
    const { letters, unread } = found;
    if (letters === '' || unread !== '') return { tables: [], keysInAll: 0, unread };
    const weighed = await run.look(
      'collationWeights',
      on.control,
      { host, port, administrator, letters },
      { title: `how the database server weighs the letters of node ${node.name}`, guide, label: node.name },
    );
    if (weighed === null) return null;
    const input = { directory, letters, weights: weighed.weights };
    return run.look('collationClashes', node, input, { title: 'keys that would be the same in the database', guide });
  };
  const alone = installed(on.nodes, states).filter(({ name }) => states.get(name)?.icewarp?.joined !== true);
  return shownBy(run, alone, compare);
}

/** B4: the folders that one node lists are looked for on all. */
async function externalOf(run: Runner, { file, on }: Cluster, shown: NodesShown): Promise<StateShown['external']> {
  const { directory } = file.icewarp;
  const external = new Map<string, ExternalShown>();
  for (const node of known(on.nodes, shown)) {
    const facts = shown.get(node.name);
    if (facts === undefined || facts.joined || facts.externalMailboxes === 0) continue;
    const about = { title: 'mailboxes outside of the mail folder', guide: 'B4' };
    const listed = await run.look('mailboxRoots', node, { directory }, about);
    if (listed === null) continue;
    const seen = await shownBy(run, known(on.nodes, shown), (other) => {
      const title = `whether ${other.name} reaches the external mailboxes of ${node.name}`;
      const input = { roots: listed.roots };
      return run.look('mailboxRootsSeen', other, input, { title, guide: 'B4', label: node.name });
    });
    external.set(node.name, { ...listed, seen });
  }
  return external;
}

function holdingOf(states: StateShown['states'], server: DatabasePreflight | null): readonly string[] {
  const nodes = [...states].filter(
    ([, { icewarp }]) => icewarp != null && ((icewarp.accounts ?? 0) > 0 || icewarp.mail),
  );
  const databases = (server?.databases ?? []).filter(({ tables }) => tables > 0);
  return [...nodes.map(([id]) => `node ${id}`), ...databases.map(({ name }) => `database ${name}`)];
}

const known = (nodes: readonly Machine<'node'>[], shown: NodesShown): readonly Machine<'node'>[] =>
  nodes.filter(({ name }) => shown.has(name));

const installed = (nodes: readonly Machine<'node'>[], states: StateShown['states']): readonly Machine<'node'>[] =>
  nodes.filter(({ name }) => states.get(name)?.icewarp != null);
