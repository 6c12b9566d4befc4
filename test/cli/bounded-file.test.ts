import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readClusterFile } from '../../src/cli/cluster-file.js';
import { readAtMost } from '../../src/cli/bounded-file.js';
import { loadPlan } from '../../src/cli/saved-plan.js';
import { readTimetable } from '../../src/cli/timetable.js';
import { exampleCluster } from '../workflows/example-cluster.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a file is read as it is, up to what it may have', async () => {
  const file = join(folder, 'file');
  for (const text of ['', 'ü\r\n', 'x'.repeat(200_000)]) {
    await writeFile(file, text);
    expect(await readAtMost(file, 200_000)).toBe(text);
  }
  await writeFile(file, 'x'.repeat(200_001));
  await expect(readAtMost(file, 200_000)).rejects.toThrow('is longer than 200000 bytes');
});

it.each(['a file of 100 MB', 'a device without an end'])('%s is refused, and not read', async (what) => {
  const file = what.startsWith('a device') ? '/dev/zero' : join(folder, 'large');
  if (file !== '/dev/zero') {
    const handle = await open(file, 'w');
    await handle.truncate(100_000_000);
    await handle.close();
  }
  const before = process.memoryUsage().rss;
  await expect(readClusterFile(file)).rejects.toMatchObject({ code: 'CLUSTER_FILE' });
  await expect(readTimetable(file)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(loadPlan(file, exampleCluster('t'))).rejects.toMatchObject({ code: 'PLAN_OTHER' });
  // a saved plan is the longest of them, with 50 MB
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
});

it('what is no text, no file or not there is refused with a reason', async () => {
  await writeFile(join(folder, 'bytes'), Buffer.from([0x61, 0xff, 0xfe]));
  await expect(readClusterFile(join(folder, 'bytes'))).rejects.toThrow('is not text in UTF-8');
  await expect(readClusterFile(folder)).rejects.toThrow('cannot be read (EISDIR)');
  await expect(readClusterFile(join(folder, 'none'))).rejects.toThrow('cannot be read (ENOENT)');
});
