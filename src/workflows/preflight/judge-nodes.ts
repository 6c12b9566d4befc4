import type { NodePreflight } from '../../activities/node-preflight.js';
import { amountOf, isBelow, LITTLE, TIGHT } from '../../cluster/room.js';
import type { ClusterFile, NodeSpec } from '../../cluster/schema.js';
import { SERVICES } from '../../cluster/services.js';
import { finding, type Finding } from './finding.js';

/** What each node shows, by its id; a node that could not be looked at is missing. */
export type NodesShown = ReadonlyMap<string, NodePreflight>;

/** The ports on which IceWarp will listen, those of the cluster file first. */
export function portsOf({ balancer: { services = [] } }: ClusterFile): { named: number[]; usual: number[] } {
  const named = services.map(({ name, nodePort }) => nodePort ?? SERVICES[name].port);
  const usual = Object.values(SERVICES)
    .map(({ port }) => port)
    .filter((port) => !named.includes(port));
  // whoever balances elsewhere names no services, and means the protocols of mail
  return named.length > 0 ? { named, usual } : { named: [25, 110, 143], usual };
}

/** What stands in the way on the nodes, and between them. Pure. */
export function judgeNodes(file: ClusterFile, shown: NodesShown): readonly Finding[] {
  const each = file.nodes.flatMap((node) => {
    const facts = shown.get(node.id);
    return facts === undefined ? [] : judgeNode(file, node, facts);
  });
  return [...each, ...judgeParity(shown)];
}

function judgeNode(file: ClusterFile, node: NodeSpec, facts: NodePreflight): readonly Finding[] {
  const { id } = node;
  const { installed, build, hidden, joined } = facts;
  const findings = [
    ...judgeAddress(node, facts),
    ...judgePorts(file, id, facts),
    ...judgeRoom(file, id, facts),
    ...judgeName(node, facts),
  ];
  if (file.share.kind === 'smb' && hidden > 0) {
    findings.push(
      finding('mountHides', id, `the mount point ${file.share.mount} holds ${hidden} local files or folders`),
    );
  }
  if (facts.writersInAll > 0 && !joined) {
    const more = facts.writersInAll - facts.writers.length;
    const places = facts.writers.join(', ') + (more > 0 ? ` and ${more} more` : '');
    findings.push(finding('scheduledWriter', id, `cron jobs or timers name ${file.icewarp.directory}: ${places}`));
  }
  const wanted = file.icewarp.build;
  if (installed && build !== '' && wanted !== undefined && build !== wanted) {
    findings.push(finding('buildOther', id, `IceWarp ${build} is installed, the cluster file says ${wanted}`));
  }
  return findings;
}

function judgeAddress({ id, address }: NodeSpec, { elsewhere }: NodePreflight): Finding[] {
  return elsewhere ? [finding('addressElsewhere', id, `nothing can listen at ${address} on the node`)] : [];
}

function judgePorts(file: ClusterFile, id: string, { taken }: NodePreflight): Finding[] {
  const { named } = portsOf(file);
  return taken.map(({ port, by }) => {
    const who = by === '' ? 'another program' : `the program ${by}`;
    const kind = named.includes(port) ? 'portTaken' : 'usualPortTaken';
    return finding(kind, id, `${who} listens on port ${port}`, String(port));
  });
}

function judgeRoom({ icewarp: { directory, local } }: ClusterFile, id: string, facts: NodePreflight): Finding[] {
  const { room, installed } = facts;
  const places = [
    // what is installed has taken its room
    ...(installed ? [] : [{ name: 'installation', folder: directory, left: room.installation }]),
    { name: 'local', folder: local, left: room.local },
  ];
  return places.flatMap(({ name, folder, left }) => {
    const kind = isBelow(left, LITTLE) ? 'roomLittle' : isBelow(left, TIGHT) ? 'roomTight' : null;
    if (kind === null) return [];
    return [finding(kind, id, `${folder} takes only ${amountOf(left)} more`, name)];
  });
}

function judgeName({ id, host, address }: NodeSpec, { names }: NodePreflight): Finding[] {
  if (names.includes(address)) return [];
  if (names.length === 0) return [finding('hostUnknown', id, `the node does not know its own host name ${host}`)];
  const known = `${host} means ${names.join(', ')} on the node, whose address is ${address}`;
  // the installers of some systems let a machine's own name mean the machine itself
  const itself = names.every((name) => name.startsWith('127.') || name === '::1');
  return [finding(itself ? 'hostUnknown' : 'hostElsewhere', id, known)];
}

/** Rule 5 of the procedure: what must be equal on every node. */
function judgeParity(shown: NodesShown): readonly Finding[] {
  const of = (value: (facts: NodePreflight) => string): string | null => differing(shown, value);
  const family = of(({ os }) => os);
  const version = of(({ os, osVersion }) => (osVersion === '' ? '' : `${os} ${osVersion}`));
  const architecture = of(({ architecture: name }) => name);
  const builds = of(({ installed, build }) => (installed ? build : ''));
  return [
    ...(family === null ? [] : [finding('osFamilyDiffers', 'cluster', family)]),
    ...(family !== null || version === null ? [] : [finding('osVersionDiffers', 'cluster', version)]),
    ...(architecture === null ? [] : [finding('architectureDiffers', 'cluster', architecture)]),
    ...(builds === null ? [] : [finding('buildsDiffer', 'cluster', builds)]),
  ];
}

/** Which node has which of several values; null where all that are known are equal. */
function differing(shown: NodesShown, valueOf: (facts: NodePreflight) => string): string | null {
  const values = new Map<string, string[]>();
  for (const [id, facts] of shown) {
    const value = valueOf(facts);
    if (value !== '') values.set(value, [...(values.get(value) ?? []), id]);
  }
  if (values.size <= 1) return null;
  return [...values].map(([value, nodes]) => `${nodes.join(', ')}: ${value}`).join('; ');
}
