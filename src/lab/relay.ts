import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** One end of a connection: an address and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Passes connections on from the given local address, for a client that cannot choose its own: what the server sees
 * as its peer is that address. Listens on a port of the same address until `close`.
 */
export async function openRelay(target: Endpoint, address: string): Promise<Endpoint & { close: () => void }> {
  const server = createServer((client) => {
    const onward = connect({ ...target, localAddress: address });
    const cut = (): void => {
      client.destroy();
      onward.destroy();
    };
    // A broken connection is the client's to report: it sees its end of it break.
    pipeline(client, onward).catch(cut);
    pipeline(onward, client).catch(cut);
  });
  server.listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the relay has no port');
  return {
    host: address,
    port: bound.port,
    close: () => {
      server.close();
    },
  };
}
