/** The latest attempt of each piece of work in this process. */
const attempts = new Map<string, Promise<unknown>>();

/**
 * Lets an attempt begin only when the one before it has ended: after a lost heartbeat the server starts the next one
 * while the first may still be at work on this machine.
 *
 * @param work names what must not be done twice at once.
 */
export async function inTurn<T>(work: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const before = attempts.get(work);
  const mine = (async () => {
    await before?.catch(() => undefined);
    signal.throwIfAborted();
    return run();
  })();
  attempts.set(work, mine);
  try {
    return await mine;
  } finally {
    if (attempts.get(work) === mine) attempts.delete(work);
  }
}
