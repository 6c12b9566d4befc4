import { closingOf } from '../../cluster/closing.js';
import { firstNode, machineOf } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Finding } from '../preflight/finding.js';
import { judgeClosing } from '../preflight/judge-closing.js';
import type { NodesShown } from '../preflight/judge-nodes.js';
import type { Runner } from '../runner.js';

/** Whether users can be kept out of the first node while it moves; only a server in production is asked. */
export async function closingFindings(
  run: Runner,
  { file, on }: Cluster,
  shown: NodesShown,
): Promise<readonly Finding[]> {
  const first = firstNode(file);
  // what could not be looked at before is not asked again
  if (file.cutover?.close !== 'firewall' || !shown.has(first.id)) return judgeClosing(file, null);
  const input = { cluster: file.name, ...closingOf(file, first, []) };
  const about = { title: 'whether it can be closed to its users', guide: 'G25 B2' };
  return judgeClosing(file, await run.look('portsClosable', machineOf(on, first), input, about));
}
