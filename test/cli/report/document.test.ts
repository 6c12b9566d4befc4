import { describe, expect, it } from '@jest/globals';
import { defaultDataConverter } from '@temporalio/common';

import { reportDocument, type Told } from '../../../src/cli/report/document.js';
import { storyOf } from '../../../src/cli/report/story.js';
import { recordedHistories } from '../../replay/histories.js';

/** Read once: there are many, and they are long. */
const HISTORIES = recordedHistories();
const EVIL = `<script>alert("1")</script>&'`;

async function recorded(name: string): Promise<Told['story']> {
  const found = HISTORIES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no history ${name}`);
  return storyOf(found.history, defaultDataConverter);
}

const PRODUCTION = await recorded('production');

/** What is told of the recorded rollout of a server in production. */
function told(words = 'mail'): Told {
  const story = PRODUCTION;
  const began = story.spans[0]?.began ?? 0;
  const ended = Math.max(...story.spans.map((span) => span.ended ?? 0));
  return {
    story,
    at: ended,
    version: '0.1.0',
    steps: [{ id: 'A/pathDat', phase: words, title: words, machine: 'A', state: { is: 'skipped' } }],
    report: {
      cluster: words,
      state: 'COMPLETED',
      verb: 'start',
      by: words,
      plan: words,
      began: new Date(began).toISOString(),
      ended: new Date(ended).toISOString(),
      steps: { done: 3 },
      stops: [
        {
          stage: 'databases',
          budget: 300,
          forecast: 61.2,
          state: 'open',
          seconds: 48,
          wentBack: [{ seconds: 9, why: words }],
        },
        { stage: 'storage', budget: 600, forecast: null, state: 'before', wentBack: [] },
      ],
      acts: [{ at: began, by: words, what: words }],
      approved: [{ finding: words, by: words }],
      kept: [words],
      undoable: 4,
      history: { events: 2_000, bytes: 1_048_576 },
    },
  };
}

describe('the story of a recorded rollout', () => {
  const { version, spans, passes } = PRODUCTION;

  it('has each activity with its words, its machine and its times', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(spans.length).toBeGreaterThan(100);
    expect(spans[0]).toMatchObject({
      what: 'control: say hello',
      kind: 'agent.hello',
      machine: 'control',
      how: 'done',
    });
    for (const { began, ended } of spans) expect(ended ?? began).toBeGreaterThanOrEqual(began);
    expect(new Set(spans.map(({ machine }) => machine))).toContain('node-A');
  });

  it('has each pass over a tree with what it copied', () => {
    expect(passes).toContainEqual(
      expect.objectContaining({ what: 'mail-seed', how: 'done', copied: { files: 3, bytes: 300 }, skipped: 0 }),
    );
    expect(passes).toContainEqual(expect.objectContaining({ what: 'mail-verify', copied: null }));
  });

  it('tells of a held rollout what failed', async () => {
    expect((await recorded('held-and-retried')).spans.map(({ how }) => how)).toContain('failed');
  });
});

describe('the document of a report', () => {
  const document = reportDocument(told());

  it('tells time line, throughput, downtime, probes, what was skipped and approved, plan and versions', () => {
    const titles = [...document.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      ...['Time line', 'Throughput of copies', 'Downtime', 'Probes', 'Skipped', 'Left in place'],
      ...['Approvals and commands', 'Steps', 'All that was done', 'Versions'],
    ]);
    expect(document.match(/<svg /g)).toHaveLength(3);
    expect(document).toMatch(/<title>mail-seed: 3 files, 300 B in /);
    expect(document).toContain(
      '<td>databases</td><td>300 s</td><td>62 s</td><td>open after 48 s; went back after 9 s: mail</td>',
    );
    expect(document).toContain('<code>mail</code>');
  });

  it('needs no network and runs no script', () => {
    expect(document).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
    expect(document).toContain("default-src 'none'");
    expect(document).toContain('prefers-color-scheme: dark');
    expect(document).toContain('@media print');
  });

  it('escapes whatever people and machines have said', () => {
    const wicked = reportDocument(told(EVIL));
    expect(wicked).not.toContain('<script');
    expect(wicked.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/g)?.length).toBeGreaterThan(8);
  });

  it('has no coordinate that is no number, also where nothing was done yet', () => {
    const nothing = { ...told(), story: { version: null, spans: [], passes: [] } };
    for (const one of [document, reportDocument(nothing)]) expect(one).not.toMatch(/NaN|Infinity|undefined/);
  });
});
