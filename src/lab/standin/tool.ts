import { reasonOf } from './file-errors.js';
import { readLabMachine } from './machine.js';
import { answer, EXIT, type ToolAnswer } from './tool-answer.js';

const HELP = `tool of the icewarp-rollout stand-in: what a rollout needs of IceWarp's tool, and nothing else.
  tool get|display system <variable>…
  tool set system <variable> <value>…
  tool create|set|get|check|delete|export domain <domain> …
  tool create|set|get|check|delete|export account <mailbox@domain> …
  tool create tables 0|2|3|4|6 "<connection string>"`;

const OBJECT_VERBS: ReadonlySet<string> = new Set(['create', 'set', 'get', 'check', 'delete', 'export']);

/** Each command loads only its own modules: a rollout calls `tool` hundreds of times. */
async function run([verb = 'help', object = '', ...words]: readonly string[]): Promise<ToolAnswer> {
  if (verb === 'help') return answer(EXIT.ok, HELP);
  if (object === 'system') {
    const system = await import('./tool-system.js');
    if (verb === 'get' || verb === 'display') return system.getSystem(words);
    if (verb === 'set') return system.setSystem(words);
  }
  if (verb === 'create' && object === 'tables') return (await import('./tool-tables.js')).createTablesCommand(words);
  if (object === 'domain' && OBJECT_VERBS.has(verb))
    return (await import('./tool-domains.js')).domainCommand(verb, words);
  if (object === 'account' && OBJECT_VERBS.has(verb)) {
    return (await import('./tool-accounts.js')).accountCommand(verb, words);
  }
  return answer(EXIT.usage, HELP);
}

/** A program that fails may repeat what it was given, passwords included. */
function failOnRequest(words: readonly string[]): void {
  const { failTool } = readLabMachine();
  if (failTool !== undefined && words.includes(failTool)) throw new Error(`cannot do this: ${words.join(' ')}`);
}

try {
  failOnRequest(process.argv.slice(2));
  const { code, lines } = await run(process.argv.slice(2));
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  process.exitCode = code;
} catch (error) {
  process.stderr.write(`tool: ${reasonOf(error)}\n`);
  process.exitCode = EXIT.failed;
}
