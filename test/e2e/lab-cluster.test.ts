import { existsSync } from 'node:fs';

import { expect, it } from '@jest/globals';

import { remainsOf } from '../lab/remains.js';
import { LabCluster, takeAllDown } from './lab-cluster.js';

it('a lab whose start a test has not waited for leaves nothing behind', async () => {
  const starting = LabCluster.up({ agents: false });
  await takeAllDown();
  const { directory } = (await starting).lab;
  expect({ remains: remainsOf(directory), folder: existsSync(directory) }).toEqual({ remains: [], folder: false });
}, 240_000);
