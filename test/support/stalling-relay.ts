import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands before a server; while it is cut, nothing gets through and nobody is told: as by a cable that was pulled. */
export interface StallingRelay {
  /** `host:port` for clients. */
  readonly address: string;
  cut(): void;
  /** What waited is lost with its connection; new ones get through. */
  heal(): void;
  close(): void;
}

export async function stallingRelay(host: string, port: number): Promise<StallingRelay> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    const onward = connect(port, host);
    for (const [socket, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket);
          other.destroy();
        });
      if (!isCut) socket.pipe(other);
    }
  }).listen(0, host);
  await once(server, 'listening');
  const destroyAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      for (const socket of open) socket.unpipe().pause();
    },
    heal: () => {
      isCut = false;
      destroyAll();
    },
    close: () => {
      server.close();
      destroyAll();
    },
  };
}
