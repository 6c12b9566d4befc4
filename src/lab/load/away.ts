import type { Entry, Service } from './journal.js';

/** A time in which a service did not serve its users, as they saw it. */
export interface Away {
  readonly service: Service;
  /** When it last had served, and when it served again, in milliseconds since 1970; null: it has not. */
  readonly since: number;
  readonly until: number | null;
  readonly seconds: number | null;
  /** What the first client that was not served was told. */
  readonly reason: string;
}

/** The times in which services were away, in the order in which they began. */
export function awayTimes(journal: readonly Entry[]): Away[] {
  const times: Away[] = [];
  const open = new Map<Service, number>();
  for (const entry of journal) {
    if (entry.kind === 'begin') open.clear();
    else if (entry.kind === 'away') {
      const { service, since, reason } = entry;
      open.set(service, times.length);
      times.push({ service, since, until: null, seconds: null, reason });
    } else if (entry.kind === 'back') {
      const index = open.get(entry.service);
      const away = index === undefined ? undefined : times[index];
      if (index === undefined || away === undefined) continue;
      times[index] = { ...away, until: entry.at, seconds: (entry.at - away.since) / 1000 };
      open.delete(entry.service);
    }
  }
  return times;
}
