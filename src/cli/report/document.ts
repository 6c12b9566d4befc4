import { cutoverText, describeState } from '../../workflows/progress-text.js';
import type { StepStatus } from '../../workflows/status.js';
import { durationText, sizeText } from '../quantities.js';
import type { Report } from '../report.js';
import { stopBars, throughput, timeline } from './charts.js';
import { escaped, STYLE, table } from './markup.js';
import type { Pass, Span, Story } from './story.js';

export interface Told {
  readonly report: Report;
  readonly story: Story;
  readonly steps: readonly StepStatus[];
  /** Of the product that writes the document. */
  readonly version: string;
  /** When it is written: milliseconds since the epoch. */
  readonly at: number;
}

/** A rollout as one HTML document that needs nothing else: no network, no script. Pure. */
export function reportDocument({ report, story, steps, version, at }: Told): string {
  const { cluster, verb, by, state, began, ended, plan, stops, acts, approved, kept, undoable, history } = report;
  const { spans, passes } = story;
  const until = ended === null ? at : Date.parse(ended);
  const work = spans.filter(({ kind }) => !kind.endsWith('.check'));
  const took = durationText((until - Date.parse(began)) / 1_000);
  const left = steps.filter((step) => step.state.is === 'skipped');
  const sections: [title: string, body: string][] = [
    [
      'Time line',
      `<figure>${timeline(work, until)}<figcaption>Hours, minutes and seconds since the beginning; looks that change nothing are left out.</figcaption></figure>`,
    ],
    [
      'Throughput of copies',
      `<figure>${throughput(passes, until)}<figcaption>The mean of each pass.</figcaption></figure>${table(['pass', 'took', 'files', 'bytes', 'skipped', 'how'], passes.map(passRow))}`,
    ],
    [
      'Downtime',
      `${stops.length === 0 ? '' : stopBars(stops)}${table(
        ['stop for', 'may take', 'expected', 'was'],
        stops.map((one) => [
          one.stage,
          `${one.budget} s`,
          one.forecast === null ? 'not known' : `${Math.ceil(one.forecast)} s`,
          cutoverText(one),
        ]),
      )}`,
    ],
    [
      'Probes',
      table(['when', 'what', 'from', 'took', 'how'], work.filter(({ kind }) => /^probe/i.test(kind)).map(spanRow)),
    ],
    [
      'Skipped',
      table(
        ['step', 'what'],
        left.map(({ id, title }) => [id, title]),
      ),
    ],
    [
      'Left in place',
      table(
        ['what'],
        kept.map((line) => [line]),
      ),
    ],
    [
      'Approvals and commands',
      table(
        ['when', 'who', 'what'],
        [
          ...approved.map((one) => ['', one.by, `approved ${one.finding}`]),
          ...acts.map((one) => [timeText(one.at), one.by, one.what]),
        ],
      ),
    ],
    [
      'Steps',
      table(
        ['phase', 'machine', 'step', 'state'],
        steps.map(({ phase, machine, title, state: is }) => [phase, machine, title, describeState(is)]),
      ),
    ],
    [
      'All that was done',
      `<details><summary>${work.length} activities</summary>${table(['when', 'what', 'where', 'took', 'how'], work.map(spanRow))}</details>`,
    ],
    [
      'Versions',
      table(
        ['', ''],
        [
          ['rollout started by', `icewarp-rollout ${story.version ?? '?'}`],
          ['report written by', `icewarp-rollout ${version}`],
          ['history', `${history.events} events${history.bytes === null ? '' : `, ${sizeText(history.bytes)}`}`],
        ],
      ),
    ],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(`${verb} of ${cluster}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(`${verb} of ${cluster}: ${state.toLowerCase()}`)}</h1>
<p class="under">${escaped(`by ${by}, from ${began}${ended === null ? '; it still runs' : ` to ${ended}`}: ${took}; ${undoable} steps can be put back`)}</p>
<p>Plan agreed to: ${plan === null ? 'none was saved' : `<code>${escaped(plan)}</code>`}</p>
${sections.map(([title, body]) => `<h2>${escaped(title)}</h2>\n${body}`).join('\n')}
</body>
</html>
`;
}

function passRow({ what, began, ended, copied, skipped, how }: Pass): (string | number)[] {
  const took = ended === null ? '' : durationText((ended - began) / 1_000);
  return [what, took, copied?.files ?? '', copied === null ? '' : sizeText(copied.bytes), skipped, how];
}

function spanRow({ what, began, ended, machine, how }: Span): string[] {
  return [timeText(began), what, machine, ended === null ? '' : durationText((ended - began) / 1_000), how];
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}
