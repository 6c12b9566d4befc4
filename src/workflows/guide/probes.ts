import type { ClusterFile, NodeSpec } from '../../cluster/schema.js';
import { SERVICES, type ServiceName } from '../../cluster/services.js';
import type { Cluster } from '../guide.js';
import type { About, Runner } from '../runner.js';
import { balancedServices } from './balanced.js';

/** A local part that no administrator would create. */
const UNKNOWN = 'no-such-user-icewarp-rollout';

/** The ports on which the probes speak to a node; POP3 only where the cluster offers it. */
export function nodePorts({ balancer: { services } }: ClusterFile): { smtp: number; imap: number; pop3?: number } {
  const at = (name: ServiceName): number =>
    services?.find((service) => service.name === name)?.nodePort ?? SERVICES[name].port;
  const pop3 = services === undefined || services.some(({ name }) => name === 'pop3');
  return { smtp: at('smtp'), imap: at('imap'), ...(pop3 ? { pop3: at('pop3') } : {}) };
}

/** Where the web client answers, if the cluster offers it without TLS: a certificate cannot be verified by address. */
function webPort({ balancer: { services } }: ClusterFile): { http?: number } {
  const web = services?.find(({ name }) => name === 'http');
  return web === undefined ? {} : { http: web.nodePort ?? SERVICES.http.port };
}

function correspondents({ mail }: ClusterFile): {
  sender: ClusterFile['mail']['probes'][number];
  recipient: ClusterFile['mail']['probes'][number];
} {
  const [sender, recipient] = mail.probes;
  if (sender === undefined || recipient === undefined) throw new RangeError('two probe accounts are needed');
  return { sender, recipient };
}

/** A known user is accepted, an unknown one refused, IMAP and POP3 let the probe account in (procedure, rule 18). */
export async function probeNodeAlone(run: Runner, cluster: Cluster, node: NodeSpec, label = node.id): Promise<void> {
  await probeNode(run, cluster, node, {
    title: `node ${node.id} knows its users`,
    guide: 'G25',
    label: label === node.id ? label : `${node.id}-${label}`,
  });
}

/** The same of the old state, before users return to it: an operator may let them in to less (procedure, rule 16). */
export async function probeNodeBack(run: Runner, cluster: Cluster, node: NodeSpec): Promise<void> {
  await probeNode(run, cluster, node, {
    title: `node ${node.id} knows its users, as before`,
    guide: 'G25',
    label: `${node.id}-back`,
    skippable: true,
  });
}

async function probeNode(run: Runner, { file, on }: Cluster, node: NodeSpec, about: About): Promise<void> {
  const { sender } = correspondents(file);
  await run.act(
    'probeNode',
    on.control,
    {
      node: { id: node.id, address: node.address },
      services: { ...nodePorts(file), ...webPort(file) },
      domain: file.mail.domain,
      known: sender,
      unknown: UNKNOWN,
    },
    about,
  );
}

/** Mail from every joined node to the new one and back, read by IMAP and POP3, seen exactly once. */
export async function probePairsWith(
  run: Runner,
  { file, on }: Cluster,
  node: NodeSpec,
  joined: readonly NodeSpec[],
): Promise<void> {
  const { sender, recipient } = correspondents(file);
  const pairs = joined.flatMap((other) => [
    { from: other, to: node },
    { from: node, to: other },
  ]);
  for (const { from, to } of pairs) {
    await run.act(
      'probePair',
      on.control,
      {
        from: { id: from.id, address: from.address },
        to: { id: to.id, address: to.address },
        ports: nodePorts(file),
        domain: file.mail.domain,
        sender,
        recipient,
      },
      { title: `mail to node ${from.id} is read through node ${to.id}`, guide: 'G1 G25', label: `${from.id}-${to.id}` },
    );
  }
}

/** A session that is open on one node sees what is done on the other, between the new node and the first (rule 18). */
export async function probeViewsWith(
  run: Runner,
  { file, on }: Cluster,
  node: NodeSpec,
  first: NodeSpec,
): Promise<void> {
  const { recipient } = correspondents(file);
  for (const [acting, watching] of [
    [first, node],
    [node, first],
  ] as const) {
    await run.act(
      'probeViews',
      on.control,
      {
        acting: { id: acting.id, address: acting.address },
        watching: { id: watching.id, address: watching.address },
        imap: nodePorts(file).imap,
        domain: file.mail.domain,
        account: recipient,
      },
      {
        title: `an open session on node ${watching.id} sees what is done on node ${acting.id}`,
        guide: 'G1 G25',
        label: `${acting.id}-${watching.id}`,
      },
    );
  }
}

/** Mail to other domains leaves through every node, where the cluster file names a mailbox outside (rule 18). */
export async function probeOutsideFromAll(run: Runner, { file, on }: Cluster): Promise<void> {
  const { outside, domain } = file.mail;
  if (outside === undefined) return;
  const { sender } = correspondents(file);
  const { services = [] } = file.balancer;
  // users hand in their mail there, where it is offered
  const submission = services.find(({ name }) => name === 'submission');
  const smtp = submission === undefined ? nodePorts(file).smtp : (submission.nodePort ?? SERVICES.submission.port);
  await run.each(file.nodes, async ({ id, address, host }) => {
    await run.act(
      'probeOutside',
      on.control,
      { node: { id, address, host }, smtp, domain, sender, outside },
      { title: `mail from node ${id} arrives outside, once`, guide: 'G1 G25', label: id },
    );
  });
}

/** What clients see: the same through the balancer's address, with a node that has just been let in. */
export async function probeThroughBalancer(run: Runner, { file, on }: Cluster, node: NodeSpec): Promise<void> {
  const { sender, recipient } = correspondents(file);
  const { address } = file.balancer;
  const [smtp, imap, pop3] = (['smtp', 'imap', 'pop3'] as const).map((name) =>
    balancedServices(file).find((service) => service.name === name),
  );
  if (address === undefined || smtp === undefined || imap === undefined) return;
  const label = `with ${node.id}`;
  await run.act(
    'probeBalancer',
    on.control,
    {
      address,
      ports: { smtp: smtp.port, imap: imap.port, ...(pop3 === undefined ? {} : { pop3: pop3.port }) },
      clientAddress: smtp.clientAddress,
      node: node.id,
      domain: file.mail.domain,
      sender,
      recipient,
    },
    { title: `mail through the balancer (${label})`, guide: 'G25 G26 B7', label },
  );
}

/** One client that guesses names must not lock out everybody behind the balancer (procedure, rule 14). */
export async function probeLockout(run: Runner, { file, on }: Cluster): Promise<void> {
  const { sender } = correspondents(file);
  const { address } = file.balancer;
  const smtp = balancedServices(file).find(({ name }) => name === 'smtp');
  if (address === undefined || smtp === undefined) return;
  await run.act(
    'probeLockout',
    on.control,
    { address, port: smtp.port, domain: file.mail.domain, known: sender, unknown: UNKNOWN },
    { title: 'a client that guesses names locks nobody else out', guide: 'B7', disturbs: true },
  );
}
