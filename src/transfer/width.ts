/** Fewest and most lanes. */
const NARROWEST = 4;
const WIDEST = 64;
/** What counts as faster, and as slower. */
const FASTER = 1.05;
const SLOWER = 0.9;

/**
 * How many lanes are at work on a slow destination: widened while that makes it faster, narrowed when it does not. Fed
 * with the amount done per interval.
 */
export class Width {
  #lanes: number;
  #best = 0;
  #rising = true;

  constructor(private readonly most = WIDEST) {
    this.#lanes = Math.min(16, most);
  }

  get lanes(): number {
    return this.#lanes;
  }

  /** @param done files and megabytes that became durable in the last interval, while there was enough to do. */
  measured(done: number): void {
    if (done === 0) return;
    if (done > this.#best * FASTER) {
      this.#best = done;
      this.#lanes = this.#rising ? this.#lanes * 2 : this.#lanes - Math.ceil(this.#lanes / 8);
    } else if (done < this.#best * SLOWER) {
      // conditions changed, or it was one step too far: the other way, from what it gives now
      this.#rising = !this.#rising;
      this.#best = done;
      this.#lanes = this.#rising ? this.#lanes * 2 : Math.floor(this.#lanes / 2);
    }
    this.#lanes = Math.min(this.most, Math.max(Math.min(NARROWEST, this.most), this.#lanes));
  }
}
