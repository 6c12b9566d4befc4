import type { OutsidePreflightInput } from '../../activities/outside-preflight.js';
import { specOf } from '../../cluster/names.js';
import type { ClusterFile, NodeSpec, PublicSide } from '../../cluster/schema.js';
import { SERVICES } from '../../cluster/services.js';
import type { Cluster } from '../guide.js';
import type { Finding } from '../preflight/finding.js';
import { judgeOutside } from '../preflight/judge-outside.js';
import type { Runner } from '../runner.js';
import { shownBy } from './shown.js';

/** The part of the preflight that looks at what the Internet and the clients see (B13; procedure, rule 15). */
export async function lookOutside(run: Runner, { file, on }: Cluster): Promise<readonly Finding[]> {
  const { public: side } = file;
  if (side === undefined) return [];
  const tls = tlsPorts(file, side);
  const { domain } = file.mail;
  const names = await run.look(
    'namesPreflight',
    on.control,
    {
      names: side.names,
      domain,
      ...resolversOf(side),
      ...(tls.public === undefined ? {} : { certificate: tls.public }),
    },
    { title: 'names, mail servers and certificates as clients see them', guide: 'B13 G26' },
  );
  const about = { title: 'the way out, and how other mail servers see the node', guide: 'B13' };
  const shown = await shownBy(run, on.nodes, (node) =>
    run.look('outsidePreflight', node, inputOf(file, side, specOf(file, node), tls.node), about),
  );
  return judgeOutside(file, names, shown);
}

/** The DNS servers that a procedure is to ask, as part of its input. */
export function resolversOf({ resolvers }: PublicSide): { resolvers?: readonly string[] } {
  return resolvers === undefined ? {} : { resolvers };
}

function inputOf(
  file: ClusterFile,
  side: PublicSide,
  { address, host, outgoing = address }: NodeSpec,
  port: number | undefined,
): OutsidePreflightInput {
  const mailServer = side.smarthost ?? side.port25;
  return {
    address,
    ...resolversOf(side),
    ...(side.smarthost === undefined ? { sender: { outgoing, host, domain: file.mail.domain } } : {}),
    ...(mailServer === undefined ? {} : { mailServer }),
    ...(file.icewarp.licence === undefined ? {} : { licenceServer: side.licenceServer }),
    ...(port === undefined || side.names.length === 0 ? {} : { certificate: { port, names: side.names } }),
  };
}

/** Where TLS is spoken from the first byte, at the balancer and on the nodes; nothing where no such service is named. */
function tlsPorts(
  { balancer: { services = [] } }: ClusterFile,
  { certificate }: PublicSide,
): { public: number | undefined; node: number | undefined } {
  const usual = (['https', 'imaps', 'smtps', 'pop3s'] as const).find((name) =>
    services.some((service) => service.name === name),
  );
  const service = services.find(({ name, port }) =>
    certificate === undefined ? name === usual : (port ?? SERVICES[name].port) === certificate,
  );
  if (service === undefined) return { public: certificate, node: certificate };
  const own = SERVICES[service.name].port;
  return { public: service.port ?? own, node: service.nodePort ?? own };
}
