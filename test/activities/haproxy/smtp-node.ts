import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

/** A node that says its name in the greeting, so that a client knows where it has ended. */
export class SmtpNode {
  /** How many recipients it takes for unknown in a moment: it has lost the accounts database, and still greets. */
  losses = 0;

  private constructor(private readonly server: Server) {}

  static async start(name: string, address: string, port: number): Promise<SmtpNode> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(`220 ${name} ESMTP\r\n`);
      socket.on('data', (data) => {
        const command = data.toString();
        if (command.startsWith('RCPT') && node.losses > 0) {
          node.losses -= 1;
          socket.write('451 4.3.0 the accounts are not available\r\n');
          return;
        }
        const quit = command.startsWith('QUIT');
        socket.write(quit ? '221 bye\r\n' : '250 fine\r\n');
        if (quit) socket.end();
      });
    });
    const node = new SmtpNode(server);
    server.listen(port, address);
    await once(server, 'listening');
    return node;
  }

  close(): void {
    this.server.close();
  }
}

/** The name of the node that a client meets, or what became of its connection. */
export async function nodeMet(address: string, port: number): Promise<string> {
  const socket = connect({ host: address, port });
  try {
    const [data] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['--- nobody'])])) as [
      Buffer | string,
    ];
    return String(data).split(' ')[1] ?? '';
  } finally {
    socket.destroy();
  }
}
