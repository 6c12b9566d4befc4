import { readFile, writeFile } from 'node:fs/promises';

import type { LabCluster } from '../lab-cluster.js';
import type { Trap } from './trap.js';

/** Faults of what the operator means the balancer to do. */
export const BALANCER_TRAPS: readonly Trap[] = [
  {
    fault: 'a balancer that hides from the nodes who sends mail',
    finds: 'control/balancer/client-address-hidden',
    words: /carries smtp \(port \d+\) with clientAddress: hidden, so the nodes see 127\./,
    set: async ({ lab }: LabCluster) => {
      const file = lab.paths.clusterFile;
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/^ +clientAddress: proxy\n/m, ''));
      return () => writeFile(file, text);
    },
  },
];
