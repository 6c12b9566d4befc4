import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import type { RolloutError } from '../cluster/errors.js';
import type { PassResult, Progress, VerifyResult } from '../transfer/types.js';
import { Meter, progressLine, type Basis } from './progress-line.js';
import { isPass, resultText } from './transfer-text.js';

/** Milliseconds between lines where nobody sees them change. */
const INTERVAL = 10_000;
const COLUMNS = 80;

/** Where it is written to: standard output, or a memory in tests. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What is told of a run: one line that changes, lines now and then, or JSON. */
export class TransferOutput {
  readonly #meter: Meter;
  #said = -Infinity;
  #state = '';
  /** Whether the last thing on the terminal is a line that changes. */
  #live = false;

  constructor(
    basis: Basis,
    private readonly json: boolean,
    private readonly screen: Screen = process.stdout,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#meter = new Meter(basis);
  }

  progress(progress: Progress): void {
    const now = this.clock();
    const reading = this.#meter.read(progress, now);
    if (this.json) {
      this.#event('progress', { ...progress, ...reading });
      return;
    }
    const columns = (this.screen.columns ?? COLUMNS) - 1;
    if (this.screen.isTTY === true) {
      this.screen.write(`\r${progressLine(progress, reading, columns).padEnd(columns)}`);
      this.#live = true;
      return;
    }
    const state = `${progress.phase} ${progress.waits ?? ''}`;
    if (now - this.#said < INTERVAL && state === this.#state) return;
    this.#said = now;
    this.#state = state;
    this.screen.write(`${progressLine(progress, reading, COLUMNS)}\n`);
  }

  /** Something that happens beside the run. */
  say(event: string, words: string): void {
    this.#clear();
    if (this.json) this.#event(event, { words });
    else this.screen.write(`${words}\n`);
  }

  /** The result; as JSON every skipped item or difference before it. */
  async result(result: PassResult | VerifyResult): Promise<void> {
    this.#clear();
    if (!this.json) {
      this.screen.write(resultText(result));
      return;
    }
    const [event, list] = isPass(result) ? ['skipped', result.skippedFile] : ['different', result.differencesFile];
    if (list !== undefined) await this.#list(event, list);
    this.#event('result', result);
  }

  /** What went wrong, as far as the exit's message does not say it: for programs, and a dead engine's last words. */
  failed({ code, message, cause }: RolloutError): void {
    this.#clear();
    if (this.json) this.#event('failed', { code, message });
    if (code === 'ENGINE_DIED') process.stderr.write((cause as { stderr?: string } | undefined)?.stderr ?? '');
  }

  /** Lists may be as long as trees are large: line by line. */
  async #list(event: string, file: string): Promise<void> {
    for await (const line of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })) {
      if (line !== '') this.#event(event, JSON.parse(line) as object);
    }
  }

  #event(event: string, detail: object): void {
    this.screen.write(`${JSON.stringify({ event, ...detail })}\n`);
  }

  #clear(): void {
    if (this.#live) this.screen.write(`\r${' '.repeat((this.screen.columns ?? COLUMNS) - 1)}\r`);
    this.#live = false;
  }
}
