import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';

import { figure } from './statistics.js';

const FILE = 'docs/benchmarks.md';
const HEAD = `# Benchmarks

Each section is what one command printed, \`npm run bench -- NAME\`, with the machine and the day. All contenders ran side by
side in one run, in turn. Figures of different sections do not compare: the machine was not equally busy.
`;

/** One cell of a table. */
export type Cell = string | number;

/** Something that a figure of ours has to reach. */
export interface Target {
  readonly what: string;
  readonly value: number;
  /** `most`: not more than the limit, `least`: not less. */
  readonly is: 'most' | 'least';
  readonly limit: number;
  /** A gate decides whether the command succeeds: counts, which do not depend on how busy the machine is. */
  readonly gate?: boolean;
}

/** A table in Markdown. Numbers are printed as they are. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What a reader needs to know of the machine to judge the figures. */
export function machine(tools: readonly string[]): string {
  const cores = cpus();
  const load = loadavg()[0] ?? 0;
  const versions = tools.map(versionOf).filter((version) => version !== '');
  const facts = [
    `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GB`,
    distribution(),
    `${type()} ${release()} ${arch()}`,
    `Node.js ${process.versions.node}`,
    ...versions,
    `load ${load.toFixed(1)} at the start`,
  ];
  return `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${facts.join(', ')}.`;
}

/** What a benchmark found, as it is printed and written. */
export class Report {
  private readonly parts: string[];
  private readonly targets: Target[] = [];

  constructor(
    private readonly title: string,
    intro: readonly string[],
  ) {
    this.parts = [`## ${title}`, ...intro];
  }

  /** Adds a paragraph or table. */
  add(part: string): void {
    this.parts.push(part);
  }

  /** Adds a line to the table of targets at the end. */
  target(target: Target): void {
    this.targets.push(target);
  }

  /** Whether all gates are met. */
  get isPassed(): boolean {
    return this.targets.every((target) => target.gate !== true || isMet(target));
  }

  text(): string {
    const rows = this.targets.map((target) => [
      target.what,
      `${target.is === 'most' ? '≤' : '≥'} ${figure(target.limit)}${target.gate === true ? ' (gate)' : ''}`,
      figure(target.value),
      isMet(target) ? 'met' : 'MISSED',
    ]);
    const targets = rows.length === 0 ? [] : [table(['target', 'to reach', 'measured', ''], rows)];
    return `${[...this.parts, ...targets].join('\n\n')}\n`;
  }

  /** Puts the report into a document in place of an earlier one of the same title. */
  write(file: string = defaultFile()): void {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : HEAD;
    const sections = before.split(/^(?=## )/m).filter((section) => !section.startsWith(`## ${this.title}\n`));
    writeFileSync(file, [...sections.map((section) => `${section.trimEnd()}\n`), this.text()].join('\n'));
  }
}

function isMet({ value, is, limit }: Target): boolean {
  return is === 'most' ? value <= limit : value >= limit;
}

/** The document of the checkout: the nearest folder above that has the sources. */
function defaultFile(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'src/client.ts'))) return join(folder, FILE);
  }
  throw new Error('--write needs a checkout');
}

function distribution(): string {
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(
    existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '',
  );
  return name?.[1] ?? 'unknown distribution';
}

/** `rsync 3.2.7`; empty where the tool does not tell. */
function versionOf(tool: string): string {
  const option = tool === 'fpsync' ? '-h' : tool === 'rclone' ? 'version' : '--version';
  const { stdout, stderr } = spawnSync(tool, [option], { encoding: 'utf8' });
  // sshfs tells its library's version first.
  const version = /(?:SSHFS version |v?)(\d+\.\d+(\.\d+)?)/.exec(`${stdout}${stderr}`.replace(/^fuse.*\n/i, ''))?.[1];
  return version === undefined ? '' : `${tool} ${version}`;
}
