import type { SharePreflight } from '../../activities/share-preflight.js';
import { amountOf, isBelow, LITTLE, TIGHT } from '../../cluster/room.js';
import type { ClusterFile } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

const PLACE = 'share';
/** What listens where Samba serves: itself, or the system on its behalf. */
const SAMBA = ['smbd', 'samba', 'systemd', ''];

/** What stands in the way on the server of the share; null where it could not be looked at. Pure. */
export function judgeShare({ name, share }: ClusterFile, shown: SharePreflight | null): readonly Finding[] {
  if (shown === null) return [];
  const { room, owner, foreign, server } = shown;
  const { path, port } = share;
  const findings: Finding[] = [];
  const kind = isBelow(room, LITTLE) ? 'shareRoomLittle' : isBelow(room, TIGHT) ? 'shareRoomTight' : null;
  if (kind !== null) findings.push(finding(kind, PLACE, `${path} takes only ${amountOf(room)} more`));
  if (owner !== null && owner !== name) {
    findings.push(finding('shareOfAnother', PLACE, `${path} belongs to the cluster ${owner}`));
  }
  if (foreign > 0) {
    findings.push(finding('shareHolds', PLACE, `${path} holds ${foreign} files or folders of nobody’s rollout`));
  }
  if (server === null) {
    findings.push(finding('shareSilent', PLACE, `nothing listens on port ${port}`, String(port)));
  } else if (!SAMBA.includes(server)) {
    findings.push(finding('sharePortTaken', PLACE, `the program ${server} listens on port ${port}`, String(port)));
  }
  return findings;
}
