import { createHash } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';

import { isInstalled, SETTINGS_FILE, sharedConfigurationOf } from '../icewarp/layout.js';
import { MOVED, PathScanner, type MovedFolder, type OldFolder } from '../icewarp/path-scan.js';
import { verdictOn, type Circumstances, type Finding, type Verdict } from '../icewarp/path-verdict.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS, SETTINGS, settingVariable, UNTOUCHED_PLACES, type SettingName } from '../icewarp/variables.js';
import type { UntouchedPlace } from '../icewarp/variables.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import type { Agent } from './agent.js';
import { searchFolder, type Searched } from './configuration-files.js';
import { copiedFrom } from './node-tree.js';
import type { Procedure } from './resource.js';

export interface PathScanInput {
  readonly directory: string;
  /** Where the folders are once the node is on the shared configuration. */
  readonly to: Readonly<Record<MovedFolder, string>>;
  /** Settings that steps are still to write: what they hold now is only told. */
  readonly repointed: readonly SettingName[];
}

/** What the search found, small: the complete list stays on the node. */
export interface PathScanned extends Searched {
  /** How many keep the configuration from being shared. */
  readonly holds: number;
  readonly repointed: number;
  readonly allowed: number;
  /** The first of those that hold, in words. */
  readonly first: readonly string[];
  /** Where something holds: the file with all of them, on the node, and the sha256 of its text. */
  readonly list: string;
  readonly hash: string;
}

/** How many are told at once, and how many the list takes; all are counted and hashed. */
const [TOLD, LISTED] = [4, 10_000];
const [SHORT_FILE, SHORT_FOUND] = [100, 120];

/** Settings that steps write, as far as they name a place. */
const PLACES: readonly (readonly [SettingName, UntouchedPlace['holds']])[] = [
  ['mailPath', 'folder'],
  ['archivePath', 'folder'],
  ['fullTextPath', 'folder'],
  ['accountsDatabase', 'database'],
  ['groupwareDatabase', 'database'],
  ['antispamDatabase', 'database'],
  ['directoryCacheDatabase', 'database'],
  ['activeSyncDatabase', 'database'],
  ['spamReportsDatabase', 'database'],
];

/**
 * Searches the settings and every text file of the configuration in force for what stops being true once it is shared
 * (B11; procedure, rule 4). Changes nothing but its own list.
 *
 * @returns null where IceWarp is not installed, or its path.dat names the shared configuration already.
 */
export const pathScan: Procedure<PathScanInput, PathScanned | null, 'node'> = {
  place: 'node',
  async run(input, { agent, signal }) {
    const { directory, to, repointed } = input;
    if (!(await isInstalled(directory))) return null;
    const joined = await sharedConfigurationOf(directory);
    if (joined !== '' && resolve(joined) === resolve(to.config)) return null;
    const tool = new Tool(directory, signal);
    const scanner = new PathScanner(directory, await oldFolders(tool, input, agent));
    const circumstances: Circumstances = {
      archiving: (await tool.find(SETTINGS.archiveEnabled.variable)) === '1',
      repointed: new Set(repointed.map((name) => settingVariable(name).variable)),
    };
    const settings = await searchSettings(tool, scanner);
    const searched: Searched = { files: 0, bytes: 0, binary: 0 };
    const files = searchFolder(await tool.get(FACTS.configPath), scanner, searched, signal);
    const report = new Report(listOf(agent));
    for await (const judged of judge(settings, files, circumstances)) report.add(judged);
    return { ...searched, ...(await report.write()) };
  },
};

function listOf({ config }: Agent): string {
  return join(config.stateDir, 'path-scan.txt');
}

/** The folders as they were; where mail has moved already, also the one that it was copied from. */
async function oldFolders(tool: Tool, { directory, to }: PathScanInput, agent: Agent): Promise<readonly OldFolder[]> {
  const inForce: Readonly<Record<MovedFolder, readonly (string | null | undefined)[]>> = {
    config: [await tool.get(FACTS.configPath)],
    spam: [await tool.find(FACTS.spamPath)],
    calendar: [await tool.find(FACTS.calendarPath)],
    mail: [await tool.find(SETTINGS.mailPath.variable), await copiedFrom(agent, 'mail')],
    archive: [await tool.find(SETTINGS.archivePath.variable), await copiedFrom(agent, 'archive')],
  };
  const found = MOVED.map(async (name) => {
    const known = inForce[name].filter((path) => path !== null && path !== undefined && path !== '') as string[];
    const target = resolve(to[name]);
    const named = [...known, name].map((path) => resolve(directory, path)).filter((path) => path !== target);
    // where a folder is a link, its other name is as old
    const real = await Promise.all(named.map((path) => realpath(path).catch(() => path)));
    const paths = new Set([...named, ...real]);
    paths.delete(target);
    return [...paths].map((path) => ({ name, path, target: to[name] }));
  });
  return (await Promise.all(found)).flat();
}

/** What the settings say, asked through IceWarp: the format of its file is its own. */
async function searchSettings(tool: Tool, scanner: PathScanner): Promise<readonly Finding[]> {
  const places = [
    ...PLACES.map(([name, holds]) => ({ variable: settingVariable(name).variable, holds })),
    ...Object.values(UNTOUCHED_PLACES),
  ];
  const findings: Finding[] = [];
  for (const { variable, holds } of places) {
    const value = (await tool.find(variable)) ?? '';
    const place = { setting: variable };
    if (holds === 'folder' && value !== '' && !isAbsolute(value)) {
      findings.push({ kind: 'relative', place, found: value, mend: 'write the whole path, on the share' });
      continue;
    }
    const hits = scanner.searchValue(value).filter(({ kind }) => holds !== 'local' || kind !== 'relative');
    findings.push(...hits.map(({ kind, found, mend }) => ({ kind, place, found, mend })));
  }
  return findings;
}

interface Judged {
  readonly finding: Finding;
  readonly verdict: Verdict;
  /** The setting whose value it is. */
  readonly setting?: string;
}

/** What the settings file holds is the value of a setting, and judged as that; it is told once, with its line. */
async function* judge(
  settings: readonly Finding[],
  files: AsyncIterable<Finding>,
  circumstances: Circumstances,
): AsyncGenerator<Judged> {
  const unplaced = new Set(settings);
  const judged = settings.map((finding) => ({ finding, verdict: verdictOn(finding, circumstances) }));
  for await (const finding of files) {
    const same = isInSettingsFile(finding)
      ? judged.filter((one) => one.finding.kind === finding.kind && one.finding.found === finding.found)
      : [];
    const strictest = same.find(({ verdict }) => verdict.is === 'holds') ?? same[0];
    for (const one of same) unplaced.delete(one.finding);
    if (strictest === undefined) yield { finding, verdict: verdictOn(finding, circumstances) };
    else yield { finding, verdict: strictest.verdict, setting: settingOf(strictest.finding) };
  }
  yield* judged.filter(({ finding }) => unplaced.has(finding));
}

function isInSettingsFile({ place }: Finding): boolean {
  return 'file' in place && place.file === SETTINGS_FILE;
}

function settingOf({ place }: Finding): string {
  return 'setting' in place ? place.setting : '';
}

/** Counts, words and the list. */
class Report {
  readonly #counts = { holds: 0, repointed: 0, allowed: 0 };
  readonly #first: string[] = [];
  readonly #lines: string[] = [];
  readonly #hash = createHash('sha256');

  constructor(private readonly list: string) {}

  add(judged: Judged): void {
    const { is } = judged.verdict;
    this.#counts[is] += 1;
    if (is === 'holds' && this.#first.length < TOLD) this.#first.push(words(judged, SHORT_FILE, SHORT_FOUND));
    const line = `${is}  ${words(judged, Infinity, Infinity)}\n`;
    this.#hash.update(line);
    if (this.#lines.length < LISTED) this.#lines.push(line);
  }

  /** The list first, durably: what names it must never come before it. Where nothing holds there is none. */
  async write(): Promise<Omit<PathScanned, keyof Searched>> {
    const { holds, repointed, allowed } = this.#counts;
    if (holds === 0) await rm(this.list, { force: true });
    else await this.#writeList(holds + repointed + allowed);
    return { ...this.#counts, first: this.#first, list: this.list, hash: this.#hash.digest('hex') };
  }

  async #writeList(all: number): Promise<void> {
    await mkdir(join(this.list, '..'), { recursive: true, mode: 0o700 });
    const left = all - this.#lines.length;
    const end = left > 0 ? [`and ${left} more, counted but not listed\n`] : [];
    await writeFileAtomic(this.list, [...this.#lines, ...end].join(''));
  }
}

function words({ finding, verdict, setting }: Judged, mostOfFile: number, mostFound: number): string {
  const { place, kind, found, mend } = finding;
  const where =
    'setting' in place ? place.setting : `${shortened(place.file, mostOfFile)}:${place.line}:${place.column}`;
  const of = setting === undefined ? '' : ` (${setting})`;
  const then = verdict.is === 'allowed' ? verdict.reason : verdict.is === 'repointed' ? 'a step writes it' : mend;
  return `${where}${of} ${kind} "${shortened(found, mostFound).replace(/\p{Cc}/gu, '?')}": ${then}`;
}

/** The end of a text, in so many bytes: a name in any script may be told. */
function shortened(text: string, most: number): string {
  const bytes = Buffer.from(text);
  return bytes.length > most
    ? `…${bytes
        .subarray(-most)
        .toString('utf8')
        .replace(/^\ufffd+/, '')}`
    : text;
}
