/** Milliseconds between two tries whether the destination is back. */
const TRY_EVERY = 10_000;

/**
 * Stops all work at the destination while it has no room or does not answer (R26, R27), or while an operator pauses it,
 * and says what it waits for.
 */
export class Gate {
  #trouble: string | undefined;
  #paused = false;
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
          if (this.isOpen) this.opened();
        },
        () => {
          this.#again();
        },
      );
    }, this.every);
  }
}
