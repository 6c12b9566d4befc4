import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { ERRORS, RolloutError, type ErrorCode } from '../cluster/errors.js';
import type { EngineMessage, EngineOrder, EngineTask, PassResult, Progress, VerifyResult } from './types.js';

/** Milliseconds after a request to stop: SIGTERM, SIGKILL, and when a process that even that does not end is given up. */
const STOP = { term: 1_000, kill: 3_000, giveUp: 5_500 };
/** The same after the engine has told its result and need only end. */
const END = { term: 5_000, kill: 10_000, giveUp: 13_000 };
/** Milliseconds that messages of a process that has ended may take to arrive. */
const DRAIN = 1_000;
/** Bytes of its standard error that are kept. */
const STDERR = 4_096;
/** Threads for calls that a share lets wait: as many as there may be lanes, and some more. */
const POOL = '128';
/** All that it gets of our own environment, which may hold secrets. */
const INHERITED = /^(PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

/** The engine's own process (R23), seen from its parent. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #givenUp: Promise<void>;
  readonly #timers: NodeJS.Timeout[] = [];
  #giveUp = (): void => undefined;
  #stderr = '';
  #answer: Extract<EngineMessage, { is: 'done' | 'failed' }> | undefined;
  #isGone = false;

  /**
   * Starts it, in a process group of its own: a Ctrl-C in the parent's terminal is the parent's to pass on.
   *
   * @param script the compiled entry of the child.
   * @param env added to the few variables that it gets.
   */
  constructor(script: string, env: Readonly<Record<string, string>>, onProgress: (progress: Progress) => void) {
    const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
    this.#child = fork(script, [], {
      serialization: 'json',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--max-old-space-size=512'],
      env: { ...Object.fromEntries(inherited), UV_THREADPOOL_SIZE: POOL, ...env },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR);
    });
    this.#child.on('message', (message) => {
      this.#hear(message as EngineMessage, onProgress);
    });
    // without a listener an error, such as that of a start that failed, would end this process
    this.#child.on('error', () => undefined);
    this.#gone = this.#awaitEnd();
    this.#givenUp = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: EngineTask | EngineOrder): void {
    // to one that has just ended nothing can be said; its end is heard of all the same
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Asks it to stop, then makes it. */
  stop(): void {
    this.send({ order: 'stop' });
    this.#endWithin(STOP);
  }

  /**
   * What came of it, once it is gone.
   *
   * @throws RolloutError with the code that it told; ENGINE_DIED when it ended without a word, with the end of its
   * standard error as the cause; SHARE_HANGS when not even SIGKILL ends it.
   */
  async result(): Promise<PassResult | VerifyResult> {
    await Promise.race([this.#gone, this.#givenUp]);
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#answer?.is === 'done') return this.#answer.result;
    if (!this.#isGone) throw this.#hangs();
    if (this.#answer === undefined) throw this.#died();
    const { code, message } = this.#answer;
    throw new RolloutError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'UNEXPECTED', message);
  }

  #hear(message: EngineMessage, onProgress: (progress: Progress) => void): void {
    if (message.is === 'progress') onProgress(message.progress);
    else {
      this.#answer = message;
      this.#endWithin(END);
    }
  }

  /** Its last messages may arrive after its end. */
  async #awaitEnd(): Promise<void> {
    const disconnected = once(this.#child, 'disconnect').catch(() => undefined);
    await once(this.#child, 'exit').catch(() => undefined);
    this.#isGone = true;
    if (this.#child.connected) await Promise.race([disconnected, new Promise((resolve) => setTimeout(resolve, DRAIN))]);
  }

  #endWithin({ term, kill, giveUp }: typeof STOP): void {
    this.#timers.push(
      setTimeout(() => this.#signal('SIGTERM'), term),
      setTimeout(() => this.#signal('SIGKILL'), kill),
      setTimeout(() => {
        this.#letGo();
        this.#giveUp();
      }, giveUp),
    );
  }

  /** Signals its whole group. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#isGone) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // gone in this moment
    }
  }

  /** One that cannot be ended must not keep this process from ending. */
  #letGo(): void {
    this.#child.unref();
    this.#child.stderr?.destroy();
    if (this.#child.connected) this.#child.disconnect();
  }

  #hangs(): RolloutError {
    return new RolloutError(
      'SHARE_HANGS',
      `process ${String(this.pid)} cannot be ended: it waits in the kernel for a share that does not answer`,
    );
  }

  #died(): RolloutError {
    const { pid, exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    const words = pid === undefined ? 'the engine could not be started' : `the engine’s process ${pid} ended ${how}`;
    return new RolloutError('ENGINE_DIED', words, { cause: { stderr: this.#stderr } });
  }
}
