import type { LoggedCall } from './strace-log.js';
import { changesWithin } from './strace-log.js';

/** The `nth` call of a kind in one thread, counted from 1. */
export interface Count {
  readonly call: string;
  readonly nth: number;
}

/**
 * A moment in a run of a program: its `nth` call of a kind. strace counts in each thread apart, so plain counting finds
 * the right thread only where no other makes that many such calls; elsewhere the thread is recognised by an earlier
 * call, and counting begins `after` it, in this thread alone.
 */
export interface Point extends Count {
  readonly after?: Count;
}

/** A call that changed something in the folders asked for, and how to meet it again in another run. */
export interface Change extends LoggedCall {
  readonly point: Point;
  /** false: no earlier call tells the thread, so a fault may hit another thread's call first. */
  readonly exact: boolean;
}

/** A call of the run that is counted, with its number in its thread. */
interface Counted extends LoggedCall {
  readonly nth: number;
  readonly isChange: boolean;
}

/** The changes in a log of a whole run, each with the point at which a fault meets it. */
export function changesOf(calls: readonly LoggedCall[], folders: readonly string[]): Change[] {
  const numbers = new Map<string, number>();
  const counted = calls.map((call): Counted => {
    const key = `${call.thread} ${call.call}`;
    const nth = (numbers.get(key) ?? 0) + 1;
    numbers.set(key, nth);
    return { ...call, nth, isChange: changesWithin(call, folders) };
  });
  const plain = plainlyCounted(counted);
  const anchors = new Map<number, number>();
  const changes: Change[] = [];
  counted.forEach((call, at) => {
    if (call.isChange) changes.push({ ...loggedOf(call), ...pointOf(counted, at, plain, anchors.get(call.thread)) });
    if (plain(call)) anchors.set(call.thread, at);
  });
  return changes;
}

/** Of a long list `most` (two or more) evenly spread ones, the first and the last among them. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  const step = (list.length - 1) / (most - 1);
  const chosen = new Set(Array.from({ length: most }, (_, number) => Math.round(number * step)));
  return list.filter((_, at) => chosen.has(at));
}

function loggedOf({ thread, call, text }: LoggedCall): LoggedCall {
  return { thread, call, text };
}

function pointOf(
  counted: readonly Counted[],
  at: number,
  plain: (call: Counted) => boolean,
  anchorAt: number | undefined,
): { point: Point; exact: boolean } {
  const { call, nth, thread } = counted[at] as Counted;
  if (plain(counted[at] as Counted)) return { point: { call, nth }, exact: true };
  const anchor = anchorAt === undefined ? undefined : counted[anchorAt];
  if (anchor === undefined || anchorAt === undefined) return { point: { call, nth }, exact: false };
  const since = counted.slice(anchorAt + 1, at + 1).filter((other) => other.thread === thread && other.call === call);
  return { point: { call, nth: since.length, after: { call: anchor.call, nth: anchor.nth } }, exact: true };
}

/**
 * Tells whether a call can be found by its number alone: no call of its kind is made for other purposes, because their
 * number varies from run to run, and other threads either make fewer or begin later.
 */
function plainlyCounted(counted: readonly Counted[]): (call: Counted) => boolean {
  const varying = new Set(counted.filter(({ isChange }) => !isChange).map(({ call }) => call));
  const totals = new Map<string, Map<number, number>>();
  for (const { call, thread, nth } of counted) {
    const threads = totals.get(call) ?? new Map<number, number>();
    totals.set(call, threads.set(thread, nth));
  }
  /** Per kind of call the threads in the order in which they begin with it. */
  const firstThread = new Map<string, number>();
  const secondBegun = new Map<string, number>();
  counted.forEach(({ call, thread }, at) => {
    const first = firstThread.get(call);
    if (first === undefined) firstThread.set(call, thread);
    else if (first !== thread && !secondBegun.has(call)) secondBegun.set(call, at);
  });
  const position = new Map(counted.map((call, at) => [call, at]));
  return (call) => {
    if (varying.has(call.call)) return false;
    const others = [...(totals.get(call.call) ?? [])].filter(([thread]) => thread !== call.thread);
    if (others.every(([, total]) => total < call.nth)) return true;
    return (position.get(call) ?? 0) < (secondBegun.get(call.call) ?? Infinity);
  };
}
