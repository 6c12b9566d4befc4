// Looked up once: in a test's context each look at a global costs, and a tree takes millions of numbers.
const { floor, imul, round, sqrt } = Math;

/** Numbers that look random and are the same for the same seed (mulberry32): what failed can be run again. */
export class Random {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + floor(this.next() * (high - low + 1));
  }

  /** Many small, few large: from `low` to `high`, most often near `peak` (a triangular distribution). */
  skewed(low: number, peak: number, high: number): number {
    const turn = (peak - low) / (high - low);
    const at = this.next();
    const value =
      at < turn ? low + sqrt(at * (high - low) * (peak - low)) : high - sqrt((1 - at) * (high - low) * (high - peak));
    return round(value);
  }

  /** Printable bytes in lines of 76, as the body of a message with an attachment. */
  text(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 1) {
      bytes[at] = at % 77 === 76 ? 0x0a : 0x30 + floor(this.next() * 75);
    }
    return bytes;
  }
}
