import type { TreeDesired } from '../../../activities/node-tree.js';
import type { Resources } from '../../../activities/registry.js';
import type { DesiredOf } from '../../../activities/resource.js';
import { closingOf } from '../../../cluster/closing.js';
import { sharedFolder, type Machine } from '../../../cluster/names.js';
import type { Cutover, NodeSpec } from '../../../cluster/schema.js';
import type { Stage } from '../../../cluster/stages.js';
import { TREES, type TreeName } from '../../../icewarp/mail-tree.js';
import type { Cluster } from '../../guide.js';
import type { Runner } from '../../runner.js';
import { balancedServices } from '../balanced.js';
import type { ShareSpeed } from '../old-mail.js';

/** The node that moves. */
export interface First extends Cluster {
  readonly spec: NodeSpec;
  readonly node: Machine<'node'>;
  readonly cutover: Cutover;
  /** How fast the node works on the share; null where it was not measured. */
  readonly speed: ShareSpeed | null;
}

/** Seconds that what has come in gets to be delivered; what is left moves with its queue. */
const INCOMING = 60;

/** From here on nobody gets in, nothing goes out, and nothing writes (procedure, Terms; Order 2, step 8). */
export async function closeAndStop(run: Runner, first: First, stage: Stage): Promise<void> {
  const { node, file } = first;
  const { directory } = file.icewarp;
  await ports(run, first, stage, 'closed');
  await run.step(
    'watchdog',
    node,
    { directory, state: 'off' },
    { title: 'watchdog off while services are stopped', guide: 'G15 G23', label: `off-${stage}` },
  );
  await run.step(
    'autostart',
    node,
    { service: 'icewarp', enabled: false },
    { title: 'services do not start with the machine meanwhile', guide: 'G15', label: `off-${stage}` },
  );
  await run.act(
    'incomingEmpties',
    node,
    { directory, limit: INCOMING },
    { title: 'what has come in is delivered', guide: 'B2', label: stage, disturbs: true },
  );
  await stopServices(run, first, stage);
  const { addresses } = closingOf(file, first.spec, []);
  // another program may rightly hold one of IceWarp's others
  const offered = balancedServices(file).map(({ nodePort }) => nodePort);
  await run.act(
    'proveQuiet',
    node,
    { directory, trees: await treesInForce(run, first, stage), ports: offered, addresses },
    { title: 'nothing writes any more', guide: 'G15 G23', label: stage, disturbs: true },
  );
}

/** Stops the services of the node, where they run. */
export async function stopServices(run: Runner, { node, file }: First, label: string): Promise<void> {
  const { directory } = file.icewarp;
  const about = { title: 'services stopped', guide: 'G15 G23', label, disturbs: true };
  await run.act('stopServices', node, { directory }, about);
}

/** The folders that are about to move. */
async function treesInForce(run: Runner, first: First, stage: Stage): Promise<readonly string[]> {
  const trees: string[] = [];
  for (const what of TREES) {
    const { directory, to } = treeDesired(first, what);
    const about = { title: `where ${what} is`, guide: 'G15', label: `quiet-${what}-${stage}` };
    const found = await run.look('treeInForce', first.node, { directory, what, to }, about);
    if (found !== null && found.from !== '') trees.push(found.from);
  }
  return trees;
}

/** What services are started on. */
const WORDS = { databases: 'new databases', directories: 'new directories', shared: 'shared configuration' } as const;

/** Starts them, with everything in effect. */
export async function startServices(run: Runner, first: First, label: keyof typeof WORDS): Promise<void> {
  const { node, file, cutover } = first;
  const { directory } = file.icewarp;
  // a restart of the machine in the middle has opened it
  if (cutover.close === 'firewall' && run.stopping) {
    await run.act('staysClosed', node, await portsDesired(run, first, 'closed', label), {
      title: 'still closed to users',
      guide: 'G25',
      label,
      disturbs: true,
    });
  }
  await run.step(
    'services',
    node,
    { directory, running: true },
    { title: `services on the ${WORDS[label]}`, guide: 'G23', label },
  );
}

/** Users are let in; what starts services by itself does so again (procedure, Order 2, step 12). */
export async function openAgain(run: Runner, first: First, stage: Stage): Promise<void> {
  const { node, file } = first;
  const { directory } = file.icewarp;
  await ports(run, first, stage, 'open');
  await run.step(
    'autostart',
    node,
    { service: 'icewarp', enabled: true },
    { title: 'services start with the machine', guide: 'G11', label: `on-${stage}` },
  );
  await run.step(
    'watchdog',
    node,
    { directory, state: 'before' },
    { title: 'watchdog as it was before the stop', guide: 'G15', label: `on-${stage}` },
  );
}

async function ports(run: Runner, first: First, stage: Stage, state: 'closed' | 'open'): Promise<void> {
  if (first.cutover.close === 'none') return;
  await run.step('ports', first.node, await portsDesired(run, first, state, `${state}-${stage}`), {
    title: state === 'closed' ? 'closed to users, outgoing mail held' : 'open to users, held mail goes out',
    guide: 'G25 B2',
    label: `${state}-${stage}`,
  });
}

async function portsDesired(
  run: Runner,
  { file, spec, on }: First,
  state: 'closed' | 'open',
  label: string,
): Promise<DesiredOf<Resources['ports']>> {
  const about = { title: 'addresses of the control machine', guide: 'G25', label };
  const control = (await run.look('balancerAddresses', on.control, {}, about)) ?? [];
  const { icewarp, share, name } = file;
  return { ...closingOf(file, spec, control), state, cluster: name, directory: icewarp.directory, user: share.user };
}

/** Where a tree goes. */
export function treeDesired({ file }: First, what: TreeName): TreeDesired {
  const { uid, gid, mount } = file.share;
  const to = sharedFolder(file, what === 'archive' ? 'archives' : what);
  return { directory: file.icewarp.directory, mount, cluster: file.name, what, to, owner: { uid, gid } };
}
