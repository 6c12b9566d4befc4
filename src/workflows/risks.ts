import { firstNode, fullTextOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { SERVICES } from '../cluster/services.js';

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
  return [notClosed(cluster), clientHidden(cluster), ...fullText(cluster), ...backups(cluster), ...outbound(cluster)];
}

function notClosed({ nodes, balancer: { kind, services } }: ClusterFile): Risk {
  const addresses = nodes.map(({ id, address }) => `${id} (${address})`).join(', ');
  const ports = services?.map(({ name, nodePort }) => `${name} ${nodePort ?? SERVICES[name].port}`).join(', ');
  const until = kind === 'none' ? 'at any time' : 'before they enter the balancer';
  return {
    guide: 'G25',
    risk: `The nodes are not closed by a firewall ${until}: whoever knows the address of ${addresses} reaches ${ports === undefined ? 'its mail services' : `its services (${ports})`}, also while it is being set up`,
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

function clientHidden({ balancer: { kind, address } }: ClusterFile): Risk {
  const balancer = address === undefined ? 'balancer' : `balancer (${address})`;
  return {
    guide: 'B7',
    risk:
      kind === 'none'
        ? 'A balancer of your own may show the nodes its address instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs would then judge the balancer'
        : `The nodes see the address of the ${balancer} instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs judge the balancer`,
    check:
      'on every node, the balancer’s address is not among the trusted or relay hosts (that is an open relay) and is exempt from intrusion prevention and tarpitting (else one attacker locks everybody out); from outside and without logging in, a recipient in a foreign domain is refused with 5xx',
  };
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
