import { describe, expect, it } from '@jest/globals';

import { doctorText, examinedOf, exitCodeOf } from '../../src/cli/doctor.js';
import { planText } from '../../src/cli/plan-text.js';
import { heldAdvice, statusText } from '../../src/cli/status-text.js';
import { finding } from '../../src/workflows/preflight/finding.js';
import { applies, cluster, MINUTE, newCluster, runWorkers, useTemporal, world } from '../workflows/harness.js';
import { cleanDatabase, cleanNode } from '../workflows/preflight/facts.js';
import { runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

const STOP = finding('portTaken', 'B', 'the program master listens on port 25', '25');
const WARNING = finding('hostElsewhere', 'A', 'a.example.com means 192.0.2.99');
const NOTE = finding('packetUsual', 'control/database', 'max_allowed_packet is 16 MB');

describe('doctor', () => {
  it(
    'looks at every machine, changes nothing, and its exit code says how bad it is',
    async () => {
      newCluster();
      for (const { id, address } of cluster.nodes) world.facts.set(`nodePreflight ${id}`, cleanNode(address));
      world.facts.set('databasePreflight control', cleanDatabase());
      await runWorkers();
      const clean = await runOn('doctor');
      expect(clean).toMatchObject({ code: 0, out: expect.stringContaining('Nothing is in the way of a rollout') });

      world.facts.set('nodePreflight A', cleanNode('192.0.2.11', { names: ['192.0.2.99'] }));
      const warned = await runOn('doctor', '--json');
      expect(warned.code).toBe(3);
      expect(JSON.parse(warned.out)).toMatchObject({
        cluster: cluster.name,
        findings: [{ id: 'A/host-elsewhere', severity: 'warns' }],
        unseen: [],
      });

      world.facts.set('nodePreflight B', cleanNode('192.0.2.12', { taken: [{ port: 25, by: 'master' }] }));
      const stopped = await runOn('doctor');
      expect(stopped.code).toBe(1);
      expect(stopped.out).toMatch(/B\/port-25-taken: .*\n.*\n {4}mend: .*; or approve/);

      const looked = world.log.filter((line) =>
        /^((node|database|share|state)Preflight|databaseDialect|nodesMeet)\.run /.test(line),
      );
      expect(world.log.filter((line) => /\.run |\.check /.test(line))).toEqual(looked);
      expect(applies()).toEqual([]);
    },
    2 * MINUTE,
  );

  it('ends with 1 where something could not be looked at, and names it', () => {
    const step = { id: 'B/nodePreflight', phase: '', title: '', guide: '', machine: 'B', changes: [], undo: '' };
    const unknown = { ...step, seconds: 5, state: 'unknown' as const, note: 'no agent on B' };
    const examined = examinedOf({ steps: [unknown, { ...unknown, id: 'rule/preflight', state: 'verify' }] });
    expect(exitCodeOf(examined)).toBe(1);
    expect(doctorText(examined)).toContain('B/nodePreflight: no agent on B');
  });

  it('ends with 0 where all is only worth knowing', () => {
    expect(exitCodeOf({ findings: [NOTE], unseen: [] })).toBe(0);
    expect(exitCodeOf({ findings: [WARNING, NOTE], unseen: [] })).toBe(3);
    expect(exitCodeOf({ findings: [STOP, WARNING, NOTE], unseen: [] })).toBe(1);
  });
});

describe('findings', () => {
  const plan = { cluster: 't', version: '1', steps: [], risks: [], findings: [STOP, WARNING, NOTE] };

  it('lead a plan, the most serious first, each with what would happen and how to mend it', () => {
    const text = planText(plan, { all: true });
    const places = [STOP, WARNING, NOTE].map(({ id }) => text.indexOf(`${id}: `));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    for (const { is, would, mend } of plan.findings) {
      for (const words of [is, would, mend]) expect(text).toContain(words);
    }
  });

  it('are approved with a command that a held rollout names', () => {
    const held = { id: 'rule/preflight', code: 'PREFLIGHT_STOPS', why: 'w', skippable: false, approvable: [STOP.id] };
    expect(heldAdvice([held], 'c.yaml')).toContain(
      `                 icewarp-rollout approve c.yaml --finding 'B/port-25-taken'`,
    );
  });

  it('stay in the status with who has approved of them', () => {
    const text = statusText(
      {
        ...{ cluster: 't', verb: 'start', direction: 'forward', phase: 'Share', paused: false, finished: false },
        ...{ steps: [], kept: [], undoable: 0, findings: [STOP, NOTE] },
        approved: [{ finding: STOP.id, by: 'anna@control' }],
      },
      'c.yaml',
    );
    expect(text).toContain('approved by anna@control: B/port-25-taken');
    expect(text).not.toContain(NOTE.id);
  });
});
