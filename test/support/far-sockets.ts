/** Run on a far machine (far-machine.ts): opens sockets there as it is told, and tells how they fare. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What is to be done with a connection; `name` is by which it is found again. */
export type Order =
  | { readonly do: 'connect'; readonly name: string; readonly from: string; readonly to: string; readonly port: number }
  | { readonly do: 'say' | 'hear'; readonly name: string }
  | { readonly do: 'listen'; readonly address: string; readonly port: number };
/** connected, listening, or what was heard; or the code of what went wrong, such as ECONNRESET. */
export type Answer = string;

/** A connection, what has come over it since it was last asked, and how it broke. */
interface Line {
  readonly socket: Socket;
  heard: string;
  broken: Answer;
}

const lines = new Map<string, Line>();

process.on('message', ({ id, order }: { readonly id: number; readonly order: Order }) => {
  void carryOut(order).then((answer) => process.send?.({ id, answer }));
});

async function carryOut(order: Order): Promise<Answer> {
  try {
    if (order.do === 'connect') {
      const socket = connect({ host: order.to, port: order.port, localAddress: order.from });
      const line: Line = { socket, heard: '', broken: '' };
      socket.on('data', (data) => (line.heard += data.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => (line.broken = error.code ?? error.message));
      // a reset that comes with the last words is only an end to Node.js
      socket.on('close', () => (line.broken ||= 'closed'));
      await once(socket, 'connect');
      lines.set(order.name, line);
      return 'connected';
    }
    if (order.do === 'listen') {
      const server = createServer((socket) => socket.on('error', () => undefined));
      await once(server.listen(order.port, order.address), 'listening');
      return 'listening';
    }
    const line = lines.get(order.name);
    if (line === undefined) return 'no such connection';
    if (order.do === 'say') line.socket.write('hello\n');
    return await answerOn(line);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function answerOn(line: Line): Promise<Answer> {
  while (line.heard === '' && line.broken === '')
    await Promise.race([once(line.socket, 'data'), once(line.socket, 'close')]);
  const answer = line.heard === '' ? line.broken : line.heard.trim();
  line.heard = '';
  return answer;
}
