import { firstNode, fullTextOf } from '../cluster/names.js';
import type { ClientAddress, ClusterFile } from '../cluster/schema.js';
import { SERVICES } from '../cluster/services.js';
import { stopsOf } from '../cluster/stages.js';
import { costsOfRebuilding } from '../icewarp/database-roles.js';
import { balancedServices } from './guide/balanced.js';

/** What the product cannot do yet and the operator has to see to (contract "closed" of the procedure; B7). */
export interface Risk {
  /** Requirements that it leaves open. */
  readonly guide: string;
  readonly risk: string;
  /** What to look at before and after. */
  readonly check: string;
}

/** The risks that a rollout of this cluster leaves with the operator, in words. Pure. */
export function risksOf(cluster: ClusterFile): readonly Risk[] {
  return [
    notClosed(cluster),
    ...stopsOfServices(cluster),
    whoseAddress(cluster),
    ...webSessions(cluster),
    ...fullText(cluster),
    ...backups(cluster),
    ...clientsMove(cluster),
    ...outbound(cluster),
  ];
}

/** What a move of a server in production costs its users, and what no way back brings back (procedure, rules 13 and 16). */
function stopsOfServices({ cutover, nodes }: ClusterFile): readonly Risk[] {
  if (cutover === undefined) return [];
  const stops = stopsOf(cutover);
  const sum = stops.reduce((seconds, { budget }) => seconds + budget, 0);
  const first = nodes.find(({ role }) => role === 'master')?.id ?? '';
  const one = cutover.stages === 'one' ? '. With one stop nothing of it is verified before all of it has moved' : '';
  return [
    {
      guide: 'G13 G24',
      risk: `Users of node ${first} are without their server in ${stops.length} stop${stops.length === 1 ? '' : 's'}, together for at most ${sum} s${one}. Rebuilt instead of moved: ${costsOfRebuilding().join('; ')}`,
      check: 'that users know the times; status shows what each stop is expected to take before it begins',
    },
    {
      guide: 'G24',
      risk: 'Once a stop is open, only you go back: rollback --to STAGE brings along what users changed. Nothing brings back mail that was sent, licences that were activated, sessions of clients and what they loaded anew',
      check: 'the old folders and databases stay as they were; remove them yourself, after icewarp-rollout complete',
    },
  ];
}

function clientsMove({ nodes, balancer, public: side }: ClusterFile): readonly Risk[] {
  if (side === undefined || side.names.length === 0) return [];
  const to = side.address ?? balancer.address ?? 'the balancer';
  return [
    {
      guide: 'B13',
      risk: `You change DNS, not the rollout: it is held at the end until ${side.names.join(', ')} lead${side.names.length === 1 ? 's' : ''} to ${to}. Clients and caches keep the old answer for its TTL and some for longer, on a way back too; who is connected past the balancer is looked for once, on ${nodes.map(({ id }) => id).join(', ')}, not over days`,
      check:
        'lower the TTLs days before; serve on the old address until the TTL is over, and longer for clients that ignore it; on a rollback put the records back first: it is held until then',
    },
  ];
}

function notClosed({ nodes, cutover, balancer: { kind, services } }: ClusterFile): Risk {
  const addresses = nodes.map(({ id, address }) => `${id} (${address})`).join(', ');
  const ports = services?.map(({ name, nodePort }) => `${name} ${nodePort ?? SERVICES[name].port}`).join(', ');
  const until = kind === 'none' ? 'at any time' : 'before they enter the balancer';
  const closed = cutover?.close === 'firewall' ? ', except the first one during its stops,' : '';
  return {
    guide: 'G25',
    risk: `The nodes${closed} are not closed by a firewall ${until}: whoever knows the address of ${addresses} reaches ${ports === undefined ? 'its mail services' : `its services (${ports})`}, also while it is being set up`,
    check:
      'until the rollout has finished, let only the control machine and the nodes themselves reach these ports, and see that no MX or other DNS name points to a node',
  };
}

/** Rule 10 of the procedure: whether two full-text servers may have one index open is not known. */
function fullText(cluster: ClusterFile): Risk[] {
  const { fullTextUrl, fullTextScanning } = cluster.icewarp;
  const kind = fullTextOf(cluster);
  if (kind === 'off') return [];
  const own: Risk =
    kind === 'guide'
      ? {
          guide: 'G14',
          risk: 'As in the guide, the full-text servers (Yoda) of all nodes use one index folder on the share: whether they may is not known, and the index may be damaged. Mail is not touched by that',
          check:
            'where your version can, name one server for all nodes in icewarp.fullTextUrl, or switch full text off with icewarp.fullText: off; a damaged index is made anew by a scan',
        }
      : {
          guide: 'G14',
          risk: `One full-text server (Yoda) serves all nodes, at ${fullTextUrl?.database ?? 'no address'}: while it is away nobody can search, and how it is told to answer other nodes is not documented`,
          check: `that this address answers on every node, and that the Yoda services run only where it belongs (such as node ${firstNode(cluster).id})`,
        };
  if (fullTextScanning === 'now') return [own];
  return [
    own,
    {
      guide: 'G14',
      risk: 'Nothing is scanned for full text yet, so that a whole scan does not meet the first morning: users find only what was indexed before',
      check:
        'a day after users came, write fullTextScanning: now below icewarp in the cluster file, then icewarp-rollout start',
    },
  ];
}

/** What the operator says that could be brought back from elsewhere. */
function backups({ backups: named = [] }: ClusterFile): Risk[] {
  if (named.length === 0) return [];
  const list = named.map(({ what, where, taken }) => {
    return `${what} in ${where}${taken === undefined ? '' : `, of ${taken}`}`;
  });
  return [
    {
      guide: 'G24',
      risk: `Backups are yours, as the cluster file names them: ${list.join('; ')}. None of them is made or tried here`,
      check: 'that each can be read back, and by whom, before the rollout begins',
    },
  ];
}

/** Each way to carry the client's address has a risk of its own (B7; procedure, rule 14). */
function whoseAddress(cluster: ClusterFile): Risk {
  const { kind, address } = cluster.balancer;
  const balancer = address === undefined ? 'balancer' : `balancer (${address})`;
  const on = (how: ClientAddress): string =>
    balancedServices(cluster)
      .filter(({ clientAddress }) => clientAddress === how)
      .map(({ name }) => name)
      .join(', ');
  if (kind === 'none') {
    return {
      guide: 'B7',
      risk: 'A balancer of your own may show the nodes its address instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs would then judge the balancer',
      check: HIDDEN_CHECK,
    };
  }
  const [hidden, proxy, transparent] = [on('hidden'), on('proxy'), on('transparent')];
  const parts = [
    ...(hidden === ''
      ? []
      : [
          {
            risk: `On ${hidden} the nodes see the address of the ${balancer} instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs judge the balancer`,
            check: HIDDEN_CHECK,
          },
        ]),
    ...(proxy === ''
      ? []
      : [
          {
            risk: `On ${proxy} the nodes learn the client’s address from a PROXY header of the ${balancer}; a listener that does not read it serves nobody, and one that believes it from anywhere lets everybody pose as anybody`,
            check: `every node’s listener of ${proxy} reads PROXY headers from ${address ?? 'the balancer'} and from nowhere else; the balancer’s address is exempt from intrusion prevention and not among the trusted or relay hosts`,
          },
        ]),
    ...(transparent === ''
      ? []
      : [
          {
            risk: `On ${transparent} HAProxy connects to the nodes from the clients’ addresses, as root; answers that do not come back through this machine are lost, which no plan can see`,
            check:
              'every node’s default route leads through the control machine, which forwards, marks these packets and delivers them to itself (TPROXY); nodes and clients are not in one network',
          },
        ]),
  ];
  return {
    guide: 'B7',
    risk: parts.map(({ risk }) => risk).join('. '),
    check: parts.map(({ check }) => check).join('; '),
  };
}

const HIDDEN_CHECK =
  'on every node, the balancer’s address is not among the trusted or relay hosts (that is an open relay) and is exempt from intrusion prevention and tarpitting (else one attacker locks everybody out); from outside and without logging in, a recipient in a foreign domain is refused with 5xx';

/** Web sessions live on one node, or in a Redis that is one more thing to fail (B5). */
function webSessions(cluster: ClusterFile): readonly Risk[] {
  const { sessions } = cluster.balancer;
  if (!balancedServices(cluster).some(({ name }) => name === 'http' || name === 'https')) return [];
  if (typeof sessions === 'object') {
    const { host, port } = sessions.redis;
    return [
      {
        guide: 'B5',
        risk: `Web sessions of every node live in the Redis at ${host}:${port}: while it is away nobody can use the web client, and whoever reaches it can take over sessions`,
        check: 'only the nodes reach that port; Redis keeps its data over a restart and is watched like the database',
      },
    ];
  }
  return [
    {
      guide: 'B5',
      risk: 'A web session lives on the node that the client was brought to: when that node goes, its users log in again, and behind one common address of a company all of them meet one node',
      check: 'sessions: redis in the cluster file, if that is not good enough',
    },
  ];
}

function outbound({ nodes, mail }: ClusterFile): readonly Risk[] {
  if (mail.outside !== undefined) return [];
  const ids = nodes.map(({ id }) => id).join(', ');
  return [
    {
      guide: 'G25',
      risk: `Mail to other domains is not proven: the cluster file names no mailbox outside (mail.outside), so a node (${ids}) whose outgoing mail is stuck or refused elsewhere is not noticed`,
      check:
        'send a message from an account on every node to a mailbox of another provider and see it arrive once, and not among the spam; or name such a mailbox',
    },
  ];
}
