import { RolloutError } from '../cluster/errors.js';
import { ended, isAlive, type ProcessId, signal } from './processes.js';
import type { ProcessBook } from './state.js';

/** How one server of the lab is started and when it counts as ready. */
export interface DaemonPlan {
  readonly name: string;
  readonly start: () => Promise<ProcessId>;
  /** Resolves once it serves; rejects when it cannot. Without it a started process is enough. */
  readonly ready?: (process: ProcessId) => Promise<void>;
  /** Milliseconds that it gets to end by itself. */
  readonly grace: number;
}

/** One server process of the lab that can be stopped, killed and started again with what it stored. */
export class Daemon {
  constructor(
    private readonly plan: DaemonPlan,
    private readonly book: ProcessBook,
  ) {}

  /** The running process, as the host numbers it; undefined while there is none. */
  get process(): ProcessId | undefined {
    const process = this.book.get(this.plan.name);
    return isAlive(process) ? process : undefined;
  }

  get isRunning(): boolean {
    return this.process !== undefined;
  }

  /** Starts it and waits until it serves; nothing happens while it runs. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const process = await this.plan.start();
    this.book.set(this.plan.name, process);
    await this.plan.ready?.(process);
  }

  /** Asks it to end, and kills it after its grace. */
  async stop(): Promise<void> {
    const target = this.process;
    signal(target, 'SIGTERM');
    await ended(target, this.plan.grace);
    await this.kill();
  }

  /** Sends a signal; SIGKILL ends it at once, as a crash would, and is waited for. */
  async kill(name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const target = this.process;
    signal(target, name);
    if (name !== 'SIGKILL') return;
    if (!(await ended(target, 10_000))) throw new RolloutError('LAB_FAILED', `${this.plan.name} could not be ended`);
    this.book.set(this.plan.name, undefined);
  }
}
