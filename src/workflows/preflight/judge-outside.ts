import type { CertificateShown } from '../../activities/certificate-shown.js';
import type { NameShown, NamesPreflight } from '../../activities/names-preflight.js';
import type { OutsidePreflight } from '../../activities/outside-preflight.js';
import type { ClusterFile, NodeSpec, PublicSide } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

/** What each node shows of the outside, by its id; a node that could not be looked at is missing. */
export type OutsideShown = ReadonlyMap<string, OutsidePreflight>;

/** Where findings about names, and about certificates, are found. */
const PLACE = { names: 'control/names', certificates: 'control/certificate' };

/** Seconds: a longer TTL is worth lowering before a move. */
const LONG = 3_600;
/** Days in which a rollout with its soak, and a way back, may still be under way. */
const SOON = 21;

/** What the Internet and the clients would see; null facts are none. Pure. */
export function judgeOutside(file: ClusterFile, names: NamesPreflight | null, shown: OutsideShown): readonly Finding[] {
  const { public: side } = file;
  if (side === undefined) return [];
  const nodes = file.nodes.flatMap((node) => {
    const facts = shown.get(node.id);
    return facts === undefined ? [] : judgeNode(file, side, node, facts);
  });
  return [...judgeNames(file, side, names), ...nodes];
}

function judgeNames(file: ClusterFile, side: PublicSide, facts: NamesPreflight | null): readonly Finding[] {
  if (facts === null) return [];
  if (!facts.answered) return [finding('dnsSilent', PLACE.names, 'DNS did not answer the control machine')];
  const leads = side.address ?? file.balancer.address;
  const names = facts.names.flatMap((one) => [
    ...judgeName(one, leads),
    ...judgeCertificate(one.certificate, one.name, one.name),
  ]);
  return [...names, ...judgeExchanges(file, side, facts.exchanges)];
}

function judgeName({ name, addresses, ttl }: NameShown, leads: string | undefined): Finding[] {
  const elsewhere = addresses.filter((address) => address !== leads);
  if (addresses.length === 0) return [finding('nameUnknown', PLACE.names, `${name} has no address`, name)];
  if (elsewhere.length === 0) return [];
  const is = `${name} leads to ${addresses.join(', ')}, the balancer is ${leads ?? 'not named'}`;
  const long = ttl !== null && ttl > LONG;
  const kept = `clients keep the address of ${name} for ${ttl ?? 0} s`;
  return [
    finding('nameElsewhere', PLACE.names, is, name),
    ...(long ? [finding('nameTtl', PLACE.names, kept, name)] : []),
  ];
}

function judgeExchanges(
  { nodes, mail: { domain } }: ClusterFile,
  side: PublicSide,
  found: readonly string[],
): Finding[] {
  if (found.length === 0) return [finding('mxMissing', PLACE.names, `${domain} has no MX record`)];
  const isIn = (list: readonly string[], name: string): boolean =>
    list.some((one) => one.toLowerCase() === name.toLowerCase());
  const hosts = nodes.map(({ host }) => host);
  const ofNodes = found.filter((name) => isIn(hosts, name));
  const others = found.filter((name) => !isIn(hosts, name) && !isIn(side.names, name));
  const is = (list: readonly string[]): string => `mail for ${domain} goes to ${list.join(', ')}`;
  return [
    ...(ofNodes.length === 0 ? [] : [finding('mxNode', PLACE.names, is(ofNodes))]),
    ...(others.length === 0 ? [] : [finding('mxOther', PLACE.names, is(others))]),
  ];
}

/** @param where the client name, or the node's id, at which the certificate is shown. */
function judgeCertificate(shown: CertificateShown | null, where: string, part: string): Finding[] {
  if (shown === null) return [];
  const { lacks, until, days, early, trusted } = shown;
  const at = `the certificate at ${where}`;
  const add = (kind: Parameters<typeof finding>[0], is: string): Finding =>
    finding(kind, PLACE.certificates, `${at} ${is}`, part);
  return [
    ...(lacks.length === 0 ? [] : [add('certificateLacks', `was not issued for ${lacks.join(', ')}`)]),
    ...(days < 0 ? [add('certificateOver', `ended on ${until}`)] : []),
    ...(early ? [add('certificateOver', 'begins only later')] : []),
    ...(days >= 0 && days < SOON ? [add('certificateSoon', `ends on ${until}`)] : []),
    ...(trusted ? [] : [add('certificateUntrusted', 'comes from an issuer that this machine does not know')]),
  ];
}

function judgeNode(file: ClusterFile, side: PublicSide, node: NodeSpec, facts: OutsidePreflight): readonly Finding[] {
  const { id } = node;
  const { greeting, licenceServer, dnsSilent } = facts;
  const findings: Finding[] = [];
  if (dnsSilent) findings.push(finding('nodeDnsSilent', id, 'DNS did not answer the node'));
  const server = side.smarthost ?? side.port25 ?? '';
  if (greeting !== null && greeting !== 220) {
    const kind = side.smarthost === undefined ? 'portOut' : 'smarthost';
    findings.push(finding(kind, id, `${server} ${toldBy(greeting)} when asked from ${node.address}`));
  }
  if (licenceServer !== null && licenceServer !== 'connected') {
    findings.push(finding('licenceServer', id, `${side.licenceServer} ${toldBy(licenceServer)}`));
  }
  return [...findings, ...judgeSender(file, node, facts), ...judgeCertificate(facts.certificate, `node ${id}`, id)];
}

function toldBy(answer: number | 'refused' | 'silent'): string {
  if (typeof answer === 'number') return `greeted with ${answer}`;
  return answer === 'refused' ? 'refused the connection' : 'did not answer';
}

/** How other mail servers judge what the node sends. */
function judgeSender({ mail: { domain } }: ClusterFile, node: NodeSpec, { sender }: OutsidePreflight): Finding[] {
  if (sender === null) return [];
  const { id, host } = node;
  const outgoing = node.outgoing ?? node.address;
  const { spf, helo, pointers, confirmed } = sender;
  const findings: Finding[] = [];
  if (spf !== 'pass') findings.push(finding('spf', id, `${outgoing} sends mail of ${domain}: ${SPF[spf] ?? spf}`));
  if (pointers.length === 0) findings.push(finding('ptrMissing', id, `${outgoing} has no name`));
  else if (!confirmed) {
    findings.push(finding('ptrUnconfirmed', id, `${outgoing} is named ${pointers.join(', ')}, which leads elsewhere`));
  }
  if (!helo.includes(outgoing)) {
    const leads = helo.length === 0 ? 'has no address in DNS' : `leads to ${helo.join(', ')}`;
    findings.push(finding('helo', id, `${host} ${leads}, the node sends from ${outgoing}`));
  }
  return findings;
}

/** Results of RFC 7208 in words. */
const SPF: Readonly<Record<string, string>> = {
  none: 'the domain has no SPF record',
  neutral: 'SPF says neither yes nor no',
  fail: 'SPF forbids it (fail)',
  softfail: 'SPF does not allow it (softfail)',
  permerror: 'the SPF record is wrong (permerror)',
  temperror: 'the SPF record could not be read (temperror)',
};
