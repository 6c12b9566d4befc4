import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import type { RunResult } from '../platform/run.js';
import { assertConfigurationThere, toolScript } from './layout.js';
import { FACTS } from './variables.js';

/** Milliseconds: one command of `tool` is short, even against a slow database. */
const TIMEOUT = 120_000;

/** Every exit code is an answer: the whole table is not known. */
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** The verbs that change nothing. */
const READING: ReadonlySet<string> = new Set(['get', 'export']);

/** Exit codes of `create` that are known. */
const EXISTS = 4;
const PASSWORD_POLICY = 5;

/**
 * IceWarp's command line on this machine. Values are arguments, because it takes them no other way: whoever may list
 * the machine's processes sees them for as long as one command runs. They are never part of an error or a log line.
 */
export class Tool {
  constructor(
    private readonly directory: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * The value of a system variable; undefined when this version has none of that name.
   *
   * @throws RolloutError TOOL_FAILED when `tool` answers nothing at all.
   */
  async find(variable: string): Promise<string | undefined> {
    const result = await this.run(['get', 'system', variable]);
    if (result.exitCode === 0) return valueOf(variable, result.stdout);
    // An unknown name and a server that cannot answer end alike; the version is known to every one that can.
    const probe = await this.run(['get', 'system', FACTS.version]);
    if (probe.exitCode === 0) return undefined;
    throw failed(`get system ${variable}`, result);
  }

  /** The value of a system variable. @throws RolloutError SETTING_UNKNOWN when this version has none of that name. */
  async get(variable: string): Promise<string> {
    const value = await this.find(variable);
    if (value === undefined) throw new RolloutError('SETTING_UNKNOWN', `this version of IceWarp has no ${variable}`);
    return value;
  }

  /** Sets a system variable. @throws RolloutError TOOL_FAILED when it is refused. */
  async set(variable: string, value: string): Promise<void> {
    await this.must(`set system ${variable}`, ['set', 'system', variable, value]);
  }

  /**
   * One variable of a domain or account; null when there is no such domain or account.
   *
   * @throws RolloutError TOOL_FAILED for any other failure, such as an accounts database that is away.
   */
  async look(object: 'domain' | 'account', name: string, variable: string): Promise<string | null> {
    const result = await this.run(['get', object, name, variable]);
    if (result.exitCode === 0) return valueOf(variable, result.stdout);
    if (/not found/i.test(`${result.stdout}\n${result.stderr}`)) return null;
    throw failed(`get ${object} ${name}`, result);
  }

  /** Makes a domain or account with the variables given. @returns false when it was there already. */
  async create(object: 'domain' | 'account', name: string, values: Readonly<Record<string, string>>): Promise<boolean> {
    const result = await this.run(['create', object, name, ...Object.entries(values).flat()]);
    if (result.exitCode === 0) return true;
    if (result.exitCode === EXISTS) return false;
    if (result.exitCode === PASSWORD_POLICY) throw policyRefuses(name);
    throw failed(`create ${object} ${name}`, result);
  }

  /** Sets variables of an account. */
  async change(account: string, values: Readonly<Record<string, string>>): Promise<void> {
    const result = await this.run(['set', 'account', account, ...Object.entries(values).flat()]);
    if (result.exitCode === PASSWORD_POLICY) throw policyRefuses(account);
    if (result.exitCode !== 0) throw failed(`set account ${account}`, result);
  }

  /** Deletes a domain or account that is there. */
  async remove(object: 'domain' | 'account', name: string): Promise<void> {
    await this.must(`delete ${object} ${name}`, ['delete', object, name]);
  }

  /** The names of all domains or accounts. */
  async names(object: 'domain' | 'account', variable: string): Promise<readonly string[]> {
    const pattern = object === 'domain' ? '*' : '*@*';
    const { stdout } = await this.must(`export ${object}`, ['export', object, pattern, variable]);
    const firstFields = stdout.split(/\r?\n/).map((line) => line.split(',')[0] ?? '');
    return firstFields.filter((name) => name !== '');
  }

  /** `create tables`: makes IceWarp's tables of one number in the database that the connection string names. */
  async createTables(number: number, connection: string): Promise<void> {
    await this.must(`create tables ${number}`, ['create', 'tables', String(number), connection]);
  }

  private async must(what: string, args: readonly string[]): Promise<RunResult> {
    const result = await this.run(args);
    if (result.exitCode !== 0) throw failed(what, result);
    return result;
  }

  private async run(args: readonly string[]): Promise<RunResult> {
    await assertConfigurationThere(this.directory, this.signal);
    try {
      return await runCommand(toolScript(this.directory), args, {
        signal: this.signal,
        timeout: TIMEOUT,
        accept: ANY_CODE,
        noted: !READING.has(args[0] ?? ''),
      });
    } catch (error) {
      this.signal.throwIfAborted();
      // The original carries the arguments, and with them passwords.
      if (error instanceof RolloutError) throw new RolloutError(error.code, error.message);
      throw new RolloutError('TOOL_FAILED', 'tool could not be run');
    }
  }
}

/**
 * The value in what `get` printed: `Name: value`, the name as it was typed. Only the first ": " counts, and a value may
 * have several lines.
 *
 * @throws RolloutError TOOL_FAILED when the answer is about something else.
 */
export function valueOf(name: string, output: string): string {
  const text = output.replaceAll('\r', '');
  const head = `${name}:`;
  if (text.slice(0, head.length).toLowerCase() !== head.toLowerCase()) {
    throw new RolloutError('TOOL_FAILED', `tool did not answer with "${name}: …" when asked for it`);
  }
  return text.slice(head.length).replace(/^ /, '').replace(/\n$/, '');
}

function failed(what: string, { exitCode }: RunResult): RolloutError {
  return new RolloutError('TOOL_FAILED', `tool ${what} ended with exit code ${exitCode}`);
}

function policyRefuses(name: string): RolloutError {
  return new RolloutError('PASSWORD_POLICY', `IceWarp’s password policy refuses the password of ${name}`);
}
