/** Lanes beyond which there is no limit of the gate's any more. */
const WIDE = 128;
/** Milliseconds between two tries whether the destination is back. */
const TRY_EVERY = 10_000;

/**
 * Stops all work at the destination while it has no room or does not answer (R26, R27), or while an operator pauses it,
 * and says what it waits for.
 */
export class Gate {
  #trouble: string | undefined;
  #paused = false;
  #width = Infinity;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param tryAgain resolves when the destination works again.
   * @param opened is called when work may go on.
   */
  constructor(
    private readonly tryAgain: () => Promise<void>,
    private readonly opened: () => void,
    private readonly every = TRY_EVERY,
  ) {}

  get isOpen(): boolean {
    return this.#trouble === undefined && !this.#paused;
  }

  /** What is waited for, in words. */
  get waits(): string | undefined {
    return this.#trouble ?? (this.#paused ? 'paused' : undefined);
  }

  /** How many lanes may be at work: after trouble one, and twice as many with each success (R26). */
  get width(): number {
    return this.#width;
  }

  /** Something was done at the destination. */
  worked(): void {
    this.#width = this.#width < WIDE ? this.#width * 2 : Infinity;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.isOpen) this.opened();
  }

  /** Closes it until a try succeeds. */
  close(trouble: string): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = trouble;
    this.#again();
  }

  /** Ends the tries. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      this.tryAgain().then(
        () => {
          this.#trouble = undefined;
          this.#width = 1;
          if (this.isOpen) this.opened();
        },
        () => {
          this.#again();
        },
      );
    }, this.every);
  }
}
