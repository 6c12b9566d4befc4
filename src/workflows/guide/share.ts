import { uuid4 } from '@temporalio/workflow';

import { firstNode, localFolders, SHARED_FOLDERS, sharedFolder, specOf } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import type { ShareSpeed } from './old-mail.js';

/** G6, G7: an account that reads and writes everything, the share, its folders, and the sentinel (B8). */
export async function prepareShare(run: Runner, { file, on }: Cluster): Promise<void> {
  const { share } = file;
  if (on.share === undefined || share.password === undefined) return;
  const account = { name: share.user, uid: share.uid, gid: share.gid };
  await run.step('shareUser', on.share, account, { title: `user ${share.user} on the share server`, guide: 'G6' });
  await run.step(
    'shareFolders',
    on.share,
    {
      root: share.path,
      folders: [...SHARED_FOLDERS],
      user: share.user,
      uid: share.uid,
      gid: share.gid,
      cluster: file.name,
    },
    { title: 'folders on the share', guide: 'G7 B8' },
  );
  await run.step(
    'shareExport',
    on.share,
    { name: share.name, path: share.path, user: share.user },
    { title: `share "${share.name}"`, guide: 'G6' },
  );
  await run.step(
    'shareAccount',
    on.share,
    { host: share.host ?? '', port: share.port, user: share.user, password: share.password },
    { title: `account ${share.user} of the share`, guide: 'G6' },
  );
}

/** G9, G22 in its Linux reading (procedure, rule 17), and the folders that stay local (G3). */
export async function prepareMachines(run: Runner, { file, on }: Cluster): Promise<void> {
  const { share, database } = file;
  const { uid, gid, user } = share;
  await run.each(on.nodes, async (node) => {
    await run.step('osUser', node, { name: user, uid, gid }, { title: `user ${user}`, guide: 'G9' });
    if (share.kind === 'smb' && share.host !== undefined && share.password !== undefined) {
      const { mount: target, port, password } = share;
      const source = `//${share.host}/${share.name}`;
      await run.step(
        'mount',
        node,
        { source, port, target, user, uid, gid, password, cluster: file.name },
        { title: `share mounted at ${target}`, guide: 'G22 B8' },
      );
    } else {
      await run.step(
        'mounted',
        node,
        { target: share.mount, cluster: file.name },
        { title: `share at ${share.mount}`, guide: 'G22 B8' },
      );
    }
    const folders = Object.values(localFolders(file));
    await run.step(
      'localFolders',
      node,
      { folders, uid, gid },
      { title: 'local Temp, Logs and queues', guide: 'G3 G14 B2' },
    );
    const from = specOf(file, node).address;
    await run.act(
      'databaseLogin',
      node,
      {
        host: database.host,
        port: database.port,
        user: database.user,
        password: database.password,
        databases: Object.values(database.names),
        from,
      },
      { title: 'log in to every database from here, clocks equal', guide: 'G5 G8 B12' },
    );
  });
}

/**
 * What one node writes as the process user, every other node sees, with the same owner; locks and changes reach every
 * node (procedure, rule 17).
 *
 * @returns how fast the first node works on it; null where it was not measured.
 */
export async function proveShare(run: Runner, cluster: Cluster): Promise<ShareSpeed | null> {
  await seenByAll(run, cluster);
  await locksReachAll(run, cluster);
  return measure(run, cluster);
}

async function seenByAll(run: Runner, { file, on }: Cluster): Promise<void> {
  const folders = SHARED_FOLDERS.map((folder) => sharedFolder(file, folder));
  const { uid, gid, mount } = file.share;
  const proof = uuid4().slice(0, 8);
  const tokens = on.nodes.map(({ name }) => `${proof}-${name}`);
  await run.each(on.nodes, async (node) => {
    await run.act(
      'shareProof',
      node,
      { folders, token: `${proof}-${node.name}`, uid, gid, mount, cluster: file.name },
      { title: 'create, write, rename, delete in every shared folder', guide: 'G7 B8' },
    );
  });
  for (const node of on.nodes) {
    const remove = node === on.nodes.at(-1);
    await run.act(
      'shareSeen',
      node,
      { folders, tokens, uid, gid, remove },
      { title: 'see what every node wrote', guide: 'G7 B8' },
    );
  }
}

async function locksReachAll(run: Runner, { file, on }: Cluster): Promise<void> {
  const { uid, gid } = file.share;
  // one that nothing else is proven or copied in
  const folder = sharedFolder(file, '_yodaidx');
  for (const holder of on.nodes) {
    const others = on.nodes.filter((node) => node !== holder);
    await run.together(
      {
        title: `a lock taken on ${holder.name} is refused on every other node`,
        guide: 'G7 B8',
        label: `lock-${holder.name}`,
      },
      () => {
        const names = { holder: holder.name, others: others.map(({ name }) => name) };
        const input = { folder, token: uuid4().slice(0, 8), ...names, uid, gid };
        return [
          { action: 'shareLockHeld', on: holder, input },
          ...others.map((node) => ({
            action: 'shareLockRefused' as const,
            on: node,
            input: { ...input, node: node.name },
          })),
        ];
      },
    );
  }
}

/** From each node speed, clock and names, and from each to the next how long changes take. */
async function measure(run: Runner, { file, on }: Cluster): Promise<ShareSpeed | null> {
  const { uid, gid } = file.share;
  // one that no service uses before full text is on
  const folder = sharedFolder(file, '_yodaidx');
  const first = firstNode(file).id;
  let speed: ShareSpeed | null = null;
  // one after the other: nodes that measure at once measure one another
  for (const node of on.nodes) {
    const input = { folder, token: `${uuid4().slice(0, 8)}-${node.name}`, uid, gid };
    const about = { title: 'the share’s clock, speed and names', guide: 'G7 B8 B12' };
    const fitness = await run.act('shareFitness', node, input, about);
    if (node.name === first) speed = fitness;
  }
  for (const [index, asks] of on.nodes.entries()) {
    const answers = on.nodes[(index + 1) % on.nodes.length];
    if (answers === undefined || answers === asks) continue;
    const about = { title: `changes by ${asks.name} are soon seen on ${answers.name}`, guide: 'G7 B8' };
    await run.together({ ...about, label: `delay-${asks.name}` }, () => {
      const token = uuid4().slice(0, 8);
      const input = { folder, token, asks: asks.name, answers: answers.name, uid, gid };
      return [
        { action: 'shareDelayAsked' as const, on: asks, input },
        { action: 'shareDelayAnswered' as const, on: answers, input },
      ];
    });
  }
  return speed;
}
