import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Where cron looks (cron(8)); below the folders of scripts it takes only names without a dot (run-parts(8)). */
const CRON_FOLDERS = ['etc/cron.d', 'var/spool/cron', 'var/spool/cron/crontabs'];
const SCRIPT_FOLDERS = ['hourly', 'daily', 'weekly', 'monthly'].map((period) => `etc/cron.${period}`);
/** Where systemd looks for units; what stands in an earlier one hides what stands in a later one (systemd.unit(5)). */
const UNIT_FOLDERS = ['etc/systemd/system', 'run/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];
/** Bytes; a larger file is no list of jobs. */
const LARGEST = 500_000;

/**
 * The cron jobs and enabled timers of this machine that name a folder: their files, with the line. What they say
 * stays here, because commands may hold passwords.
 *
 * @param root the machine's root folder; another one only for tests.
 */
export async function jobsNaming(folder: string, root = '/'): Promise<readonly string[]> {
  const scripts = await Promise.all(SCRIPT_FOLDERS.map((place) => filesIn(join(root, place))));
  const tables = await Promise.all(CRON_FOLDERS.map((place) => filesIn(join(root, place))));
  const files = [
    join(root, 'etc/crontab'),
    ...tables.flat(),
    ...scripts.flat().filter((file) => !basename(file).includes('.')),
    ...(await unitsOfTimers(root)),
  ];
  const found: string[] = [];
  for (const file of files) {
    const line = lineNaming(folder, await textOf(file));
    if (line !== null) found.push(`/${file.slice(root.length).replace(/^\/+/, '')}:${line}`);
  }
  return found;
}

/** Number of the first line that names the folder, comments left out; null when none does. */
export function lineNaming(folder: string, text: string): number | null {
  const name = folder.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const named = new RegExp(String.raw`(?<![\w./-])${name}(?![\w.-])`);
  const index = text.split('\n').findIndex((line) => !/^\s*[#;]/.test(line) && named.test(line));
  return index < 0 ? null : index + 1;
}

/** The files of the timers that start with the machine, and of the services that they start. */
async function unitsOfTimers(root: string): Promise<readonly string[]> {
  const folders = UNIT_FOLDERS.map((place) => join(root, place));
  const enabled = new Set<string>();
  for (const folder of folders) {
    const wants = (await namesIn(folder)).filter((name) => name.endsWith('.wants'));
    const wanted = await Promise.all(wants.map((name) => namesIn(join(folder, name))));
    for (const name of wanted.flat()) if (name.endsWith('.timer')) enabled.add(name);
  }
  const units: string[] = [];
  for (const timer of enabled) {
    const file = await firstOf(folders, timer);
    if (file === undefined) continue;
    const [, named] = /^\s*Unit\s*=\s*(\S+)/m.exec(await textOf(file)) ?? [];
    const service = await firstOf(folders, named ?? timer.replace(/\.timer$/, '.service'));
    units.push(file, ...(service === undefined ? [] : [service]));
  }
  return units;
}

async function firstOf(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, name);
    if (await stat(file).then(Boolean, () => false)) return file;
  }
  return undefined;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function filesIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

/** A file's text; empty where there is none, or something else than a list of jobs. */
async function textOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true || found.size > LARGEST) return '';
  return readFile(file, 'utf8').catch(() => '');
}
