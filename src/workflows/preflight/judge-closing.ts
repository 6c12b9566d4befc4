import type { PortsClosable } from '../../activities/ports-closable.js';
import { firstNode } from '../../cluster/names.js';
import type { ClusterFile } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

const OBSTACLES = {
  missing: 'there is no command nft on this node',
  refused: 'nftables takes no table from the agent of this node',
} as const;

/**
 * Whether the first node can be closed while it moves (procedure, Terms, "closed"). Pure.
 *
 * @param shown what that node says of it; null where it was not asked, or could not be.
 */
export function judgeClosing(file: ClusterFile, shown: PortsClosable | null): readonly Finding[] {
  if (file.cutover === undefined) return [];
  const { id } = firstNode(file);
  if (file.cutover.close === 'none') {
    return [finding('clientsNotKeptOut', id, 'the cluster file says cutover.close: none')];
  }
  const obstacle = shown?.obstacle ?? 'none';
  return obstacle === 'none' ? [] : [finding('noWayToClose', id, OBSTACLES[obstacle])];
}
