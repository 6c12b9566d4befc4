import { once } from 'node:events';
import type { Socket } from 'node:net';

/**
 * Uses a connection once it is there, and ends it in any case: also when nothing has come of it after `patience`
 * milliseconds, or when the signal is given.
 *
 * @param ready the event after which it can be used: `connect`, or `secureConnect` of TLS.
 * @throws Error of the socket; the signal's reason where it was given.
 */
export async function whileConnected<S extends Socket, T>(
  open: () => S,
  { ready, patience, signal }: { readonly ready: string; readonly patience: number; readonly signal: AbortSignal },
  use: (socket: S) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  limit.throwIfAborted();
  const socket = open();
  const stop = (): void => void socket.destroy(new Error('silence'));
  limit.addEventListener('abort', stop, { once: true });
  try {
    await once(socket, ready);
    return await use(socket);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    limit.removeEventListener('abort', stop);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
