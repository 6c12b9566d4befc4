import type { ClusterFile } from '../../cluster/schema.js';
import { balancedServices } from '../guide/balanced.js';
import { finding, type Finding } from './finding.js';

/** What the operator means the balancer to do and would be sorry for (procedure, rule 14). Pure. */
export function judgeBalancer(file: ClusterFile): readonly Finding[] {
  const { kind, address } = file.balancer;
  const smtp = balancedServices(file).find(({ name }) => name === 'smtp');
  if (kind === 'none' || smtp?.clientAddress !== 'hidden') return [];
  const is = `the cluster file carries smtp (port ${smtp.port}) with clientAddress: hidden, so the nodes see ${address ?? 'the balancer'}`;
  return [finding('clientAddressHidden', 'control/balancer', is)];
}
