import type { CutoverStatus } from '../../workflows/status.js';
import { durationText, sizeText } from '../quantities.js';
import { escaped } from './markup.js';
import type { Pass, Span } from './story.js';

const WIDTH = 920;
/** Where the names of lanes end. */
const LEFT = 130;
const LANE = 24;

/** What was at work where and when: one lane a machine. */
export function timeline(spans: readonly Span[], until: number): string {
  const began = Math.min(...spans.map((span) => span.began));
  const machines = [...new Set(spans.map(({ machine }) => machine))].sort();
  if (machines.length === 0) return '<p class="none">none</p>';
  const scale = scaleOf(began, until);
  const lanes = machines.map((machine, lane) => {
    const top = lane * LANE;
    const bars = spans
      .filter((span) => span.machine === machine)
      .map(({ what, began: from, ended, how }) => {
        const to = ended ?? until;
        return `<rect class="${how}" x="${n(scale(from))}" y="${top + 4}" width="${n(Math.max(1, scale(to) - scale(from)))}" height="${LANE - 8}"><title>${escaped(`${what}: ${durationText((to - from) / 1_000)}, ${how}`)}</title></rect>`;
      });
    return `<text x="0" y="${top + 16}">${escaped(machine)}</text>${bars.join('')}`;
  });
  return svg(machines.length * LANE, lanes.join('\n'), began, until, 'What was at work where and when');
}

/** How fast copies were: a pass is as wide as it took, and as high as it was fast. */
export function throughput(passes: readonly Pass[], until: number): string {
  const copies = passes.flatMap(({ what, began, ended, copied }) =>
    copied === null || ended === null
      ? []
      : [{ what, began, ended, copied, rate: copied.bytes / Math.max(0.001, (ended - began) / 1_000) }],
  );
  if (copies.length === 0) return '<p class="none">none</p>';
  const HEIGHT = 120;
  const began = Math.min(...copies.map((one) => one.began));
  const last = Math.min(until, Math.max(...copies.map((one) => one.ended)));
  const most = Math.max(1, ...copies.map(({ rate }) => rate));
  const scale = scaleOf(began, last);
  const bars = copies.map(({ what, began: from, ended, copied, rate }) => {
    const height = (rate / most) * (HEIGHT - 16);
    const says = `${what}: ${copied.files} files, ${sizeText(copied.bytes)} in ${durationText((ended - from) / 1_000)}, ${sizeText(rate)}/s`;
    return `<rect class="bar" x="${n(scale(from))}" y="${n(HEIGHT - height)}" width="${n(Math.max(2, scale(ended) - scale(from)))}" height="${n(height)}"><title>${escaped(says)}</title></rect>`;
  });
  const top = `<text class="dim" x="0" y="20">${escaped(`${sizeText(most)}/s`)}</text>`;
  return svg(HEIGHT, top + bars.join('\n'), began, last, 'Bytes per second of copies');
}

/** Stops of the services: what was forecast, and what it was. */
export function stopBars(stops: readonly CutoverStatus[]): string {
  const rows = stops.flatMap(({ stage, forecast, seconds }) => [
    { name: `${stage}, expected`, value: forecast, kind: 'open' },
    { name: `${stage}, real`, value: seconds ?? null, kind: 'bar' },
  ]);
  const most = Math.max(1, ...rows.map(({ value }) => value ?? 0));
  const bars = rows.map(({ name, value, kind }, row) => {
    const width = ((value ?? 0) / most) * (WIDTH - LEFT - 140);
    const end = LEFT + 60 + width;
    return `<text x="0" y="${row * LANE + 16}">${escaped(name)}</text><rect class="${kind}" x="${LEFT + 60}" y="${row * LANE + 4}" width="${n(width)}" height="${LANE - 8}"/><text class="dim" x="${n(end + 6)}" y="${row * LANE + 16}">${value === null ? 'not known' : `${Math.ceil(value)} s`}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${rows.length * LANE}" role="img" aria-label="Stops, expected and real">${bars.join('\n')}</svg>`;
}

function scaleOf(began: number, until: number): (at: number) => number {
  const whole = Math.max(1, until - began);
  return (at) => LEFT + ((at - began) / whole) * (WIDTH - LEFT - 10);
}

function svg(height: number, content: string, began: number, until: number, label: string): string {
  const scale = scaleOf(began, until);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const x = n(scale(began + part * (until - began)));
    const anchor = part === 1 ? 'end' : 'middle';
    return `<line class="axis" x1="${x}" y1="0" x2="${x}" y2="${height}"/><text class="dim" x="${x}" y="${height + 16}" text-anchor="${anchor}">${durationText((part * (until - began)) / 1_000)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height + 22}" role="img" aria-label="${escaped(label)}">${ticks.join('')}${content}</svg>`;
}

/** A coordinate with a digit that matters. */
function n(value: number): string {
  return value.toFixed(1);
}
