import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Change } from '../../src/activities/resource.js';
import { loadCluster } from '../../src/cluster/load.js';
import { comparePlans } from '../../src/workflows/plan-difference.js';
import { canonicalJson, canonicalPlan, type PlanBody } from '../../src/workflows/plan-identity.js';
import type { PlanStep } from '../../src/workflows/planner.js';
import { finding, SEVERITIES, type Finding } from '../../src/workflows/preflight/finding.js';
import { exampleCluster } from './example-cluster.js';

const cluster = exampleCluster('t');
/** Few words, so that steps and changes of the same name happen. */
const word = fc.constantFrom('a', 'b', 'absent', '→', '"', '');

const change = fc
  .record({ what: word, before: word, after: word, volatile: fc.subarray<'before' | 'after'>(['before', 'after']) })
  .map(({ volatile, ...rest }): Change => (volatile.length === 0 ? rest : { ...rest, volatile }));

const step: fc.Arbitrary<PlanStep> = fc.record({
  id: fc.constantFrom('A/osUser', 'B/osUser', 'A/oldMail:mail'),
  phase: word,
  title: word,
  guide: word,
  machine: word,
  state: fc.constantFrom('change', 'unchanged', 'verify', 'proven', 'unknown'),
  changes: fc.array(change, { maxLength: 3 }),
  undo: word,
  seconds: fc.nat(),
  note: word,
});

const risk = fc.record({ guide: word, risk: word, check: word });

const found: fc.Arbitrary<Finding> = fc
  .record({
    id: fc.constantFrom('A/room-local', 'B/room-local'),
    severity: fc.constantFrom(...SEVERITIES),
    ...{ machine: word, guide: word, is: word, would: word, mend: word, approvable: fc.boolean() },
    volatile: fc.boolean(),
  })
  .map(({ volatile, ...rest }): Finding => (volatile ? { ...rest, volatile } : rest));

const plan: fc.Arbitrary<PlanBody> = fc.record({
  version: fc.constant('0.1.0'),
  steps: fc.array(step, { maxLength: 5 }),
  risks: fc.array(risk, { maxLength: 2 }),
  findings: fc.array(found, { maxLength: 2 }),
});

/** The same value with the keys of every object the other way round. */
function keysTurned<T>(value: T): T {
  if (Array.isArray(value)) return value.map(keysTurned) as T;
  if (typeof value !== 'object' || value === null) return value;
  const turned = Object.entries(value).reverse();
  return Object.fromEntries(turned.map(([key, inner]) => [key, keysTurned(inner as unknown)])) as T;
}

/** A second look at machines that have not changed: other moments, other amounts, other order of the answers. */
function lookedAgain({ version, steps, risks, findings = [] }: PlanBody, other: string): PlanBody {
  const again = (one: PlanStep): PlanStep => ({
    ...one,
    note: other,
    seconds: one.seconds + 1,
    changes: one.changes
      .map((change) => ({
        ...change,
        ...Object.fromEntries((change.volatile ?? []).map((side) => [side, other])),
      }))
      .reverse(),
  });
  const moved = findings.map((one) => (one.volatile === true ? { ...one, is: other } : one)).reverse();
  return { version, steps: steps.map(again).reverse(), risks: [...risks].reverse(), findings: moved };
}

describe('what an approval of a plan binds', () => {
  it('does not depend on the order of keys, volatile words, notes, durations or the order of answers', () => {
    fc.assert(
      fc.property(plan, word, (one, other) => {
        const again = lookedAgain(one, other);
        expect(canonicalPlan(keysTurned(cluster), keysTurned(again))).toBe(canonicalPlan(cluster, one));
        expect(comparePlans(one, again).drift).toEqual([]);
      }),
    );
  });

  it('changes with every word of it', () => {
    const one: PlanBody = {
      version: '0.1.0',
      steps: [
        {
          ...{ id: 'A/osUser', phase: 'Machines', title: 'user', guide: 'G6', machine: 'A', state: 'change' },
          ...{ undo: 'removed', seconds: 1, note: '' },
          changes: [{ what: 'user', before: 'absent', after: '1500' }],
        },
      ],
      risks: [{ guide: 'B7', risk: 'hidden', check: 'look' }],
    };
    const seen = finding('portTaken', 'B', 'master listens', '25');
    const [only] = one.steps;
    if (only === undefined) throw new TypeError('there is one');
    const withStep = (other: Partial<PlanStep>): PlanBody => ({ ...one, steps: [{ ...only, ...other }] });
    const withChange = (other: Partial<Change>): PlanBody =>
      withStep({ changes: [{ what: 'user', before: 'absent', after: '1500', ...other }] });
    const others: Record<string, PlanBody> = {
      version: { ...one, version: '0.1.1' },
      id: withStep({ id: 'B/osUser' }),
      state: withStep({ state: 'unknown' }),
      what: withChange({ what: 'group' }),
      before: withChange({ before: '1000' }),
      after: withChange({ after: '1501' }),
      'volatile mark': withChange({ volatile: ['before'] }),
      'no change': withStep({ changes: [] }),
      'a change more': withStep({ changes: [...only.changes, ...only.changes] }),
      'no step': { ...one, steps: [] },
      'a step twice': { ...one, steps: [only, only] },
      risk: { ...one, risks: [{ guide: 'B7', risk: 'seen', check: 'look' }] },
      check: { ...one, risks: [{ guide: 'B7', risk: 'hidden', check: 'nothing' }] },
      'no risk': { ...one, risks: [] },
      finding: { ...one, findings: [seen] },
      'what is found': { ...one, findings: [{ ...seen, is: 'other listens' }] },
      'how it is mended': { ...one, findings: [{ ...seen, mend: 'end it' }] },
      'a finding that may be approved': { ...one, findings: [{ ...seen, approvable: false }] },
    };
    const forms = Object.entries(others).map(([, other]) => canonicalPlan(cluster, other));
    const nodes = cluster.nodes.map((node, index) => (index === 0 ? { ...node, weight: 11 } : node));
    forms.push(canonicalPlan(cluster, one), canonicalPlan({ ...cluster, nodes }, one));
    forms.push(canonicalPlan({ ...cluster, nodes: [...cluster.nodes].reverse() }, one));
    expect(new Set(forms).size).toBe(forms.length);
  });

  it('is what the difference of two plans goes by: none is found exactly where nothing bound has changed', () => {
    fc.assert(
      fc.property(plan, plan, fc.boolean(), (one, two, near) => {
        // two plans of chance hardly ever agree: every other pair differs in one step at most
        const other = near ? { ...one, steps: [...one.steps.slice(1), ...two.steps.slice(0, 1)] } : two;
        const same = canonicalPlan(cluster, one) === canonicalPlan(cluster, other);
        expect(comparePlans(one, other).drift.length === 0).toBe(same);
        expect(comparePlans(other, one).drift.length === 0).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  it('is the cluster file as it is understood: not its comments, its layout or a default that is written out', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../examples/smallest.yaml'), 'utf8');
    const formOf = (yaml: string): string => {
      const loaded = loadCluster(yaml, 'cluster.yaml');
      if (!loaded.ok) throw new TypeError(JSON.stringify(loaded.problems));
      return canonicalPlan(loaded.cluster, { version: '0.1.0', steps: [], risks: [] });
    };
    const form = formOf(text);
    expect(formOf(`# another comment\n\n${text}\nicewarp: { directory: /opt/icewarp }\n`)).toBe(form);
    expect(formOf(`${text}\nicewarp: { directory: /opt/other }\n`)).not.toBe(form);
  });

  it('does not hold to what is only worth knowing and comes and goes by itself', () => {
    const one: PlanBody = { version: '0.1.0', steps: [], risks: [] };
    const seen = (...findings: Finding[]): string => canonicalPlan(cluster, { ...one, findings });
    expect(seen(finding('nameTtl', 'control/names', 'kept for 4000 s', 'mail.example.com'))).toBe(seen());
    expect(seen(finding('roomLittle', 'B', 'only 10 bytes', 'local'))).not.toBe(seen());
  });

  it('keeps texts apart that could run into one another', () => {
    expect(canonicalJson(['a,b'])).not.toBe(canonicalJson(['a', 'b']));
    expect(canonicalJson({ a: { b: 1 }, c: [] })).toBe('{"a":{"b":1},"c":[]}');
    expect(canonicalJson({ c: [], a: { b: 1 }, left: undefined })).toBe('{"a":{"b":1},"c":[]}');
  });
});

describe('the difference of two plans', () => {
  const base: PlanStep = {
    ...{ id: 'A/oldMail:mail', phase: 'Old mail', title: 'old mail', guide: 'G15', machine: 'A', state: 'change' },
    ...{ undo: 'removed', seconds: 1, note: '' },
    changes: [{ what: 'old mail', before: 'not there', after: '3 files, 300 bytes', volatile: ['before', 'after'] }],
  };
  const planOf = (...steps: PlanStep[]): PlanBody => ({ version: '0.1.0', steps, risks: [] });

  it('tells what was found or is not there any more, and amounts that moved by themselves apart', () => {
    const port = finding('portTaken', 'B', 'the program master listens on port 25', '25');
    const room = (bytes: number): Finding => finding('roomLittle', 'B', `only ${bytes} bytes`, 'local');
    const { drift, remarks } = comparePlans(
      { ...planOf(), findings: [port, room(10)] },
      { ...planOf(), findings: [room(9)] },
    );
    expect(drift).toEqual([
      {
        where: 'finding B/port-25-taken',
        approved: expect.stringContaining('stops: the program master listens on port 25'),
        now: 'no such finding',
      },
    ]);
    expect(remarks).toEqual([
      {
        where: 'finding B/room-local',
        approved: expect.stringContaining('only 10 bytes'),
        now: expect.stringContaining('only 9 bytes'),
      },
    ]);
  });

  it('tells what moved by itself apart, with the words of both', () => {
    const after = '4 files, 400 bytes';
    const grown: PlanStep = {
      ...base,
      changes: [{ what: 'old mail', before: 'not there', after, volatile: ['before', 'after'] }],
    };
    expect(comparePlans(planOf(base), planOf(grown))).toEqual({
      drift: [],
      remarks: [
        {
          where: 'A/oldMail:mail: old mail',
          approved: 'not there → 3 files, 300 bytes',
          now: 'not there → 4 files, 400 bytes',
        },
      ],
    });
  });

  it('names steps that came, went or cannot be looked at, and why', () => {
    const away: PlanStep = { ...base, state: 'unknown', changes: [], note: 'no agent on A' };
    const { drift } = comparePlans(planOf(base), planOf(away, { ...base, id: 'B/osUser', changes: [] }));
    expect(drift).toEqual([
      { where: 'A/oldMail:mail', approved: 'would be changed', now: 'cannot be looked at: no agent on A' },
      {
        where: 'A/oldMail:mail: old mail',
        approved: 'not there → 3 files, 300 bytes',
        now: 'nothing to change',
      },
      { where: 'B/osUser', approved: 'no such step', now: 'would be changed' },
    ]);
  });
});
