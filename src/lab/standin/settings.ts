import { chownSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';

import { isMissing } from './file-errors.js';
import type { Installation } from './installation.js';
import { STORED_VARIABLES, storedVariable } from './variables.js';

const DEFAULT_MARK = '# default configuration';

/**
 * The content of `settings.cfg` as one process knows it. A service keeps what it read at its start, so a change is
 * not in effect before a restart (or the automatic check). The format of the file is the stand-in's own.
 */
export class Settings {
  private constructor(
    private readonly installation: Installation,
    private readonly values: Map<string, string>,
    /** True until somebody sets a value: the server made this configuration up itself. */
    private defaulted: boolean,
  ) {}

  /** Reads the file on the config path in force. A missing or EMPTY one is replaced by defaults, as IceWarp does. */
  static load(installation: Installation): Settings {
    const text = readText(settingsFile(installation));
    if (text.trim() === '') {
      const settings = new Settings(installation, new Map(), true);
      for (const { name, initial } of STORED_VARIABLES) settings.put(name, initial(installation.directory));
      settings.save();
      return settings;
    }
    const lines = text.split('\n').filter((line) => line !== '');
    const values = new Map(
      lines.flatMap((line) => {
        const at = line.indexOf('=');
        return at < 1 ? [] : [[line.slice(0, at).toLowerCase(), decode(line.slice(at + 1))] as const];
      }),
    );
    return new Settings(installation, values, lines[0] === DEFAULT_MARK);
  }

  get isDefault(): boolean {
    return this.defaulted;
  }

  /** The value of a stored variable, or its default. */
  get(name: string): string {
    return this.values.get(name.toLowerCase()) ?? storedVariable(name)?.initial(this.installation.directory) ?? '';
  }

  isOn(name: string): boolean {
    return this.get(name) === '1';
  }

  /** Sets values and writes the file; from now on the configuration counts as somebody's own. */
  change(values: readonly (readonly [name: string, value: string])[]): void {
    for (const [name, value] of values) this.put(name, value);
    this.defaulted = false;
    this.save();
  }

  private put(name: string, value: string): void {
    this.values.set(name.toLowerCase(), value);
  }

  private save(): void {
    const file = settingsFile(this.installation);
    mkdirSync(this.installation.configPath, { recursive: true });
    const lines = STORED_VARIABLES.map(({ name }) => `${name}=${encode(this.get(name))}`);
    const temporary = `${file}~${process.pid}`;
    writeFileSync(temporary, [...(this.defaulted ? [DEFAULT_MARK] : []), ...lines, ''].join('\n'), { mode: 0o600 });
    const owner = ownerOf(file) ?? this.installation.processUser;
    if (process.getuid?.() === 0) chownSync(temporary, owner.uid, owner.gid);
    renameSync(temporary, file);
  }
}

/** Where the settings are, given the config path in force. */
export function settingsFile(installation: Installation): string {
  return `${installation.configPath}settings.cfg`;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

function ownerOf(file: string): { uid: number; gid: number } | undefined {
  try {
    return statSync(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const encode = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const decode = (value: string): string => value.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
