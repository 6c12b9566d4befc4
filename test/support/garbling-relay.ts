import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands before a server and changes one word of what clients say into another of the same length. */
export interface GarblingRelay {
  readonly port: number;
  /** Everything that the server has answered. */
  answers(): string;
  close(): void;
}

/** @param word - what is changed, and into what; the length must stay, because packets bear theirs. */
export async function garblingRelay(
  host: string,
  target: number,
  word: readonly [from: string, to: string],
): Promise<GarblingRelay> {
  const [from, to] = word;
  if (from.length !== to.length) throw new RangeError('both words must have the same length');
  const answers: Buffer[] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect(target, host);
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
    }
    client.on('data', (data) => onward.write(Buffer.from(data.toString('latin1').replaceAll(from, to), 'latin1')));
    onward.on('data', (data) => {
      answers.push(data);
      client.write(data);
    });
    client.on('close', () => onward.destroy());
    onward.on('close', () => client.destroy());
  }).listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answers: () => Buffer.concat(answers).toString('latin1'),
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
