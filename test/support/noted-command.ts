/** Run by a test as a process of its own, to be killed: an attempt of a step that runs one command. */
import { CommandNotes } from '../../src/platform/command-notes.js';
import { runCommand } from '../../src/platform/run.js';

const [folder = '', step = '', file = '', ...args] = process.argv.slice(2);

await new CommandNotes(folder, step).run(() => runCommand(file, args, { noted: true }));
