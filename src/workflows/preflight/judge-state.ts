import type { CollationClashes } from '../../activities/collation.js';
import type { LicenceFacts } from '../../activities/licence-facts.js';
import type { MailboxRoots, RootSeen } from '../../activities/mailbox-roots.js';
import type { StatePreflight } from '../../activities/state-preflight.js';
import { firstNode } from '../../cluster/names.js';
import type { ClusterFile, NodeSpec } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

/** What is on the machines already, by node; what could not be looked at, or is not there, is missing. */
export interface StateShown {
  readonly states: ReadonlyMap<string, StatePreflight>;
  readonly licences: ReadonlyMap<string, LicenceFacts>;
  readonly collations: ReadonlyMap<string, Pick<CollationClashes, 'tables' | 'keysInAll' | 'unread'>>;
  readonly external: ReadonlyMap<string, ExternalShown>;
}

/** Mailboxes that one node has outside of its mail folder, and what every node sees of those folders. */
export interface ExternalShown extends MailboxRoots {
  readonly seen: ReadonlyMap<string, readonly RootSeen[]>;
}

/** `C_LicenseStatus` as far as a rollout tells it apart; the numbers are deduced from the vendor's order. */
const [VALID, EVALUATION] = [0, 1];
const STATUS = ['valid', 'an evaluation', 'of another machine', 'to be validated again', 'expired', 'missing'];

/** What stands in the way on machines that hold something already. Pure. */
export function judgeState(file: ClusterFile, shown: StateShown): readonly Finding[] {
  const each = file.nodes.flatMap((node) => [
    ...judgeLicence(file, node, shown),
    ...judgeHeld(file, node, shown),
    ...judgeCollation(node, shown),
    ...judgeExternal(node, shown),
  ]);
  return [...each, ...judgeLicences(file, shown)];
}

/** Whether the rollout leaves this licence as it is (the step "licence"). */
function stays({ icewarp: { licence } }: ClusterFile, { status }: LicenceFacts): boolean {
  return status === VALID || (status === EVALUATION && licence === undefined);
}

function judgeLicence(file: ClusterFile, { id }: NodeSpec, { licences, states }: StateShown): Finding[] {
  const licence = licences.get(id);
  const state = states.get(id)?.icewarp;
  if (licence === undefined) return [];
  const findings: Finding[] = [];
  if (file.icewarp.licence === undefined) {
    const is = `the licence of IceWarp on this node is ${STATUS[licence.status] ?? `in state ${licence.status}`}`;
    if (licence.status === EVALUATION) findings.push(finding('licenceEvaluation', id, is));
    else if (licence.status !== VALID) findings.push(finding('licenceInvalid', id, is));
  }
  if (state != null && !state.licenceThere && stays(file, licence)) {
    const { licenceNamed } = state;
    const shared = licenceNamed.startsWith(`${file.share.mount}/`) ? ', on the share' : '';
    const now = licenceNamed === '' ? 'path.dat names none' : `path.dat names ${licenceNamed}${shared}`;
    findings.push(finding('licenceElsewhere', id, `there is no ${file.icewarp.directory}/license.key; ${now}`));
  }
  return findings;
}

function judgeLicences(file: ClusterFile, { licences, states }: StateShown): Finding[] {
  const staying = [...licences].filter(([, licence]) => stays(file, licence));
  const findings: Finding[] = [];
  if (new Set(staying.map(([, { fingerprint }]) => fingerprint)).size > 1) {
    const told = staying.map(([id, { summary, fingerprint }]) => {
      return `${id} has ${summary.slice(0, 80)} (${fingerprint.slice(0, 12)})`;
    });
    findings.push(finding('licencesDiffer', 'cluster', `the licences differ: ${told.join('; ')}`));
  }
  const accounts = [...states.values()].reduce((sum, { icewarp }) => sum + (icewarp?.accounts ?? 0), 0);
  if (staying.length > 0 && accounts > 0) {
    const { probes } = file.mail;
    const made = probes.length + 1;
    const is = `${accounts} accounts are there; the administrator and ${probes.length} probes, ${made} in all, come along`;
    findings.push(finding('licenceSeats', 'cluster', is));
  }
  return findings;
}

function judgeHeld(file: ClusterFile, node: NodeSpec, { states }: StateShown): Finding[] {
  const { id } = node;
  const state = states.get(id)?.icewarp;
  if (state == null || state.joined) return [];
  const { database } = file;
  const findings: Finding[] = [];
  const joins = node !== firstNode(file);
  const [name = '', host = ''] = state.accountsIn.split('@');
  const ours = name === database.names.accounts && host.split(':')[0] === database.host;
  // with a cutover the first node's databases move, as long as they are files
  const moves = file.cutover !== undefined && !joins && name !== '' && host === '';
  if ((state.accounts ?? 0) > 0 && (joins || !ours) && !moves) {
    findings.push(finding('accountsLocal', id, `IceWarp on this node has ${state.accounts ?? 0} accounts of its own`));
  }
  // whoever joins takes over the configuration of the first
  if (!joins && state.accountsInFiles) {
    findings.push(finding('accountsInFiles', id, 'IceWarp on this node keeps its accounts in the file system'));
  }
  if (joins && state.mail)
    findings.push(finding('mailLocal', id, 'the mail folder of IceWarp on this node holds files'));
  // on a first node in production it is switched off in each stop
  if (state.autostart && (joins || file.cutover === undefined))
    findings.push(finding('autostartOn', id, 'IceWarp on this node starts with the machine'));
  // on the first node the rollout itself switches it off, and on again
  if (joins && state.watchdog.length > 0) {
    findings.push(finding('watchdogOn', id, `the watchdog starts again what stops: ${state.watchdog.join(', ')}`));
  }
  return findings;
}

function judgeCollation({ id }: NodeSpec, { collations }: StateShown): Finding[] {
  const collation = collations.get(id);
  if (collation === undefined) return [];
  const { tables, keysInAll, unread } = collation;
  if (unread !== '') return [finding('collationUnseen', id, `its accounts database could not be compared: ${unread}`)];
  if (keysInAll === 0) return [];
  const told = tables.map(({ table, keys }) => `${table} (${keys})`).join(', ');
  const more = keysInAll > tables.reduce((sum, { keys }) => sum + keys, 0) ? ' and more' : '';
  return [finding('collationClash', id, `keys that are the same as another one, by table: ${told}${more}`)];
}

function judgeExternal({ id }: NodeSpec, { external }: StateShown): Finding[] {
  const shown = external.get(id);
  if (shown === undefined) return [];
  const { roots, rootsInAll, unparsed, seen } = shown;
  const reached = roots.map((root, index) => ({ root, why: unreached(index, seen) }));
  const open = reached.filter(({ why }) => why !== '');
  const left = rootsInAll - roots.length;
  if (open.length === 0 && left === 0 && unparsed === 0) {
    const is = `every node reaches the folders of externaldirs.dat: ${roots.join(', ')}`;
    return rootsInAll === 0 ? [] : [finding('externalShared', id, is)];
  }
  const told = [
    ...open.slice(0, 3).map(({ root, why }) => `${root} (${why})`),
    ...(open.length > 3 ? [`${open.length - 3} more of those`] : []),
    ...(left > 0 ? [`${left} that were not looked for`] : []),
    ...(unparsed > 0 ? [`${unparsed} lines without a path`] : []),
  ];
  return [
    finding('externalMailboxes', id, `externaldirs.dat has folders outside of the mail folder: ${told.join(', ')}`),
  ];
}

/** Why not every node reaches one of the folders; empty when all do, and see the same one. */
function unreached(index: number, seen: ExternalShown['seen']): string {
  const each = [...seen].map(([id, roots]) => ({ id, root: roots[index] ?? 'none' }));
  const nodes = (wanted: RootSeen): string =>
    each
      .filter(({ root }) => root === wanted)
      .map(({ id }) => id)
      .join(', ');
  const words = [
    ['not there on', nodes('none')],
    ['on a disk of its own on', nodes('local')],
    ['no answer on', nodes('silent')],
  ].flatMap(([word, names]) => (names === '' ? [] : [`${word} ${names}`]));
  if (words.length > 0) return words.join('; ');
  return new Set(each.map(({ root }) => root)).size > 1 ? 'another folder on each node' : '';
}
