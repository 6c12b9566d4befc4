import { Command } from 'commander';

import { AGENT_FILE } from '../platform/agent-file.js';

export interface CodecFlags {
  readonly origin?: string;
  readonly host: string;
  readonly port: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly open?: true;
  readonly agent: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout codec serve --origin http://127.0.0.1:8233
  $ icewarp-rollout codec serve --origin https://temporal.example.com --port 8088
`;

const ABOUT = `
In the Web UI, write the address that is printed as the codec server's endpoint. Whoever reaches it can read what is
encrypted; so can everybody who may log in to this machine while it runs, unless there is a token.
`;

/** `codec`: what is encrypted, readable for the Web UI. */
export function codecCommand(): Command {
  const serve = new Command('serve')
    .description('let Temporal’s Web UI show what is encrypted, with the payload keys of this machine')
    .option('--origin <url>', 'the Web UI, the only one whose pages get answers; default: TEMPORAL_UI_ADDRESS')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'where to listen; 0 takes a free one', '8088')
    .option('--token-file <file>', 'ask for this bearer token, as the CLI of Temporal sends it (--codec-auth)')
    .option('--tls-cert <file>', 'speak HTTPS with this certificate')
    .option('--tls-key <file>', 'its key')
    .option('--open', 'listen for other machines also without both token and TLS')
    .option('--agent <file>', 'settings of this machine', AGENT_FILE)
    .option('--json', 'say where it listens as JSON')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', `${ABOUT}\nExit status: 0 stopped by a signal; 1 failed; 2 wrong usage or payload keys.\n`)
    .action(async (flags: CodecFlags) => {
      const { serveCodec } = await import('./codec-serve.js');
      process.exitCode = await serveCodec(flags);
    });
  return new Command('codec')
    .description('what is encrypted for Temporal, readable again')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout codec serve --origin http://127.0.0.1:8233\n')
    .addHelpText('after', '\nExit status: 0 stopped by a signal; 1 failed; 2 wrong usage or payload keys.\n')
    .addCommand(serve);
}
