import { constants } from 'node:fs';

import { close, open, type Sequence } from './io.js';
import { toFs, type ByteName } from './names.js';

const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Linux: a descriptor that only names a folder; opening it asks nothing of a remote server. */
export const O_PATH = 0o10000000;
/** Folders that stay open. */
const KEPT = 128;

interface Pin {
  readonly fd: number;
  users: number;
  /** Not to be found any more; closed when its last user has ended. */
  dropped: boolean;
}

/** A folder that is held open. */
export interface Pinned {
  /** Leads to the folder itself, whatever happens to its name: names below it are resolved from here. */
  readonly path: string;
  /** Descriptor of it. */
  readonly fd: number;
  readonly release: () => Sequence<void>;
}

/**
 * Destination folders held open, each opened component by component without following a link (R12): a folder that
 * somebody replaces by a link cannot lead a write out of the root.
 */
export class Pins {
  readonly #pins = new Map<ByteName, Pin>();
  #root: Pin;
  #rootIsStale = false;

  /**
   * @param root descriptor of the destination's root.
   * @param reopen opens the root anew, after the server has forgotten the one that is open (R27).
   */
  constructor(
    root: number,
    private readonly reopen: () => Sequence<number>,
  ) {
    this.#root = { fd: root, users: 0, dropped: false };
  }

  /** @throws ENOENT, ELOOP or ENOTDIR when the path is no folder below the root. */
  *hold(path: ByteName): Sequence<Pinned> {
    const pin = yield* this.#pin(path);
    const release = this.#release.bind(this, pin);
    return { path: `/proc/self/fd/${pin.fd}`, fd: pin.fd, release };
  }

  /** Forgets a folder and everything below it: it has been moved, removed or replaced. */
  *drop(path: ByteName): Sequence<void> {
    for (const [known, pin] of [...this.#pins]) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      // another lane may have dropped and closed it meanwhile
      if (this.#pins.get(known) !== pin) continue;
      this.#pins.delete(known);
      pin.dropped = true;
      if (pin.users === 0) yield* close(pin.fd);
    }
  }

  /**
   * Forgets all of them: one at least is not the folder any more that has its name.
   *
   * @param code what told so: after ESTALE the root too is opened anew.
   */
  *dropAll(code: string): Sequence<void> {
    for (const path of [...this.#pins.keys()]) yield* this.drop(path);
    if (code === 'ESTALE') this.#rootIsStale = true;
  }

  *#openRootAgain(): Sequence<void> {
    const fd = yield* this.reopen();
    const old = this.#root;
    this.#root = { fd, users: 0, dropped: false };
    this.#rootIsStale = false;
    old.dropped = true;
    // one that is in use must stay open: its number would be that of another file soon
    if (old.users === 0) yield* close(old.fd);
  }

  *#pin(path: ByteName): Sequence<Pin> {
    if (path === '') {
      if (this.#rootIsStale) yield* this.#openRootAgain();
      this.#root.users += 1;
      return this.#root;
    }
    const known = this.#pins.get(path);
    if (known !== undefined) {
      known.users += 1;
      // used last, closed last
      this.#pins.delete(path);
      this.#pins.set(path, known);
      return known;
    }
    const cut = path.lastIndexOf('/');
    const parent = yield* this.hold(cut < 0 ? '' : path.slice(0, cut));
    let fd: number;
    try {
      fd = yield* open(toFs(`${parent.path}/${path.slice(cut + 1)}`), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    } finally {
      yield* parent.release();
    }
    const raced = this.#pins.get(path);
    if (raced !== undefined) {
      raced.users += 1;
      yield* close(fd);
      return raced;
    }
    const pin = { fd, users: 1, dropped: false };
    this.#pins.set(path, pin);
    yield* this.#evict();
    return pin;
  }

  *#release(pin: Pin): Sequence<void> {
    pin.users -= 1;
    if (pin.users === 0 && pin.dropped) yield* close(pin.fd);
  }

  *#evict(): Sequence<void> {
    for (const [path, pin] of this.#pins) {
      if (this.#pins.size <= KEPT) return;
      if (pin.users > 0) continue;
      this.#pins.delete(path);
      pin.dropped = true;
      yield* close(pin.fd);
    }
  }
}
