import type { Journal, Service } from './journal.js';

/** Measures when a service did not serve, from the last time that it did to the next. */
export class Served {
  private last = Date.now();
  private away = false;

  constructor(
    private readonly service: Service,
    private readonly journal: Journal,
  ) {}

  /** It has just done what it was asked for. */
  yes(): void {
    this.last = Date.now();
    if (!this.away) return;
    this.away = false;
    this.journal.note({ kind: 'back', service: this.service, at: this.last });
  }

  /** It refused, broke off or kept silent. */
  no(reason: string): void {
    if (this.away) return;
    this.away = true;
    this.journal.note({ kind: 'away', service: this.service, since: this.last, reason });
  }
}
