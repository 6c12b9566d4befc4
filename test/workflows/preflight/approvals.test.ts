import { describe, expect, it } from '@jest/globals';

import { finding } from '../../../src/workflows/preflight/finding.js';
import { Progress } from '../../../src/workflows/progress.js';

const COUNT = 200;

describe('findings that stop a rollout', () => {
  it('hold it until each is approved of, also those of which nobody has read', () => {
    const progress = new Progress('test', 'start', 'tester@test');
    const found = Array.from({ length: COUNT }, (_, port) => finding('portTaken', 'A', `port ${port}`, String(port)));
    progress.found(found);
    expect(progress.stops).toHaveLength(COUNT);
    for (const { id } of found.slice(1)) progress.approve(id, 'tester@test');
    expect(progress.stops).toEqual(found.slice(0, 1));
    progress.approve(found[0]?.id ?? '', 'tester@test');
    expect(progress.stops).toEqual([]);
  });
});
