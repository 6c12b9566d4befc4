import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';

/** G10: IceWarp on every node, of one build, not started by itself yet (procedure, rule 5). */
export async function installNodes(run: Runner, { file, on }: Cluster): Promise<void> {
  const { installer, directory, build } = file.icewarp;
  await run.each(on.nodes, async (node) => {
    await run.step(
      'installation',
      node,
      { installer, directory, user: file.share.user, ...(build === undefined ? {} : { build }) },
      { title: 'IceWarp installed', guide: 'G10 G11 B9' },
    );
  });
  await run.rule({ title: 'the same build on every node', guide: 'B12', label: 'builds' }, async () => {
    const builds = new Map<string, string>();
    for (const node of on.nodes) {
      const facts = await run.look(
        'nodeFacts',
        node,
        { directory },
        { title: 'version and paths in force', guide: 'B12' },
      );
      if (facts !== null) builds.set(node.name, facts.version);
    }
    return different('builds', builds);
  });
}

/** G2, B10: a licence on every node, its own local file, for the same modules and accounts. */
export async function licenseNodes(run: Runner, { file, on }: Cluster): Promise<void> {
  const { directory, licence } = file.icewarp;
  await run.each(on.nodes, async (node) => {
    await run.step(
      'licence',
      node,
      { directory, ...(licence === undefined ? {} : { order: licence }) },
      { title: 'licence', guide: 'G2 B10' },
    );
  });
  await equalLicences(run, { file, on }, 'licences');
}

/** B5: where a Redis keeps web sessions, every node uses it; the services read that at their next start. */
export async function shareSessions(run: Runner, { file, on }: Cluster): Promise<void> {
  const { sessions } = file.balancer;
  if (typeof sessions !== 'object') return;
  const { redis } = sessions;
  const { directory } = file.icewarp;
  await run.each(on.nodes, async (node) => {
    await run.act('redisAnswers', node, redis, { title: 'the Redis of the web sessions answers', guide: 'B5' });
    await run.step('phpIni', node, { directory, redis }, { title: 'web sessions in Redis', guide: 'B5' });
  });
}

/** G2; asked again after the nodes have joined, because a shared configuration would hide a lost licence (B10). */
export async function equalLicences(run: Runner, { file, on }: Cluster, label: string): Promise<void> {
  const { directory } = file.icewarp;
  await run.rule({ title: 'equal licences on every node', guide: 'G2 B10', label }, async () => {
    const prints = new Map<string, string>();
    for (const node of on.nodes) {
      const facts = await run.look(
        'licenceFacts',
        node,
        { directory },
        { title: 'modules and accounts of the licence', guide: 'G2 B10', label },
      );
      if (facts !== null) prints.set(node.name, `${facts.summary} (${facts.fingerprint.slice(0, 12)})`);
    }
    return different('licences', prints);
  });
}

function different(what: string, values: ReadonlyMap<string, string>): string | null {
  if (new Set(values.values()).size <= 1) return null;
  return `the ${what} differ: ${[...values].map(([node, value]) => `${node} has ${value}`).join('; ')}`;
}
