import type { PathDatDesired } from '../../activities/path-dat.js';
import { firstNode, joiningNodes, localFolders, ownAccounts, sharedFolder } from '../../cluster/names.js';
import type { ClusterFile } from '../../cluster/schema.js';

/** What path.dat of one node holds: line number → content (icewarp.md, 2.4). Lines not named keep what they hold. */
export function pathDatOf(file: ClusterFile, id: string): PathDatDesired {
  const node = file.nodes.find((one) => one.id === id);
  if (node === undefined) throw new RangeError(`no node ${id}`);
  const queues = localFolders(file);
  const lines: Record<number, string> = {
    1: sharedFolder(file, 'config'),
    4: node.serverId, // G17
    6: sharedFolder(file, 'spam'),
    7: sharedFolder(file, 'calendar'),
    8: queues.outgoing, // procedure, rule 3: always written, never a common queue
    9: queues.retry,
    10: '', // G21: all addresses
    11: node.host,
    12: `${file.icewarp.directory}/license.key`, // procedure, rule 11: never below the shared configuration
    13: queues.incoming,
    14: node.role === 'master' ? '0' : '1', // G18: the inverse of the box in the console
    15: firstNode(file).address,
    16: joiningNodes(file)
      .map(({ address }) => address)
      .join(';'),
  };
  const joins = node !== firstNode(file);
  const { mount } = file.share;
  return { directory: file.icewarp.directory, lines, cluster: file.name, own: [...ownAccounts(file)], joins, mount };
}
