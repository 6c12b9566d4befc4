import { loadCluster } from '../cluster/load.js';
import { EXIT } from './exit.js';
import { readClusterFile, readText } from './cluster-file.js';

/** Checks a cluster file without any server. @returns the exit code. */
export async function validateFile(file: string, { json = false }: { json?: boolean }): Promise<number> {
  if (json) {
    const loaded = loadCluster(await readText(file), file);
    process.stdout.write(`${JSON.stringify(loaded.ok ? { ok: true } : loaded, null, 2)}\n`);
    return loaded.ok ? EXIT.done : EXIT.usage;
  }
  const { name, nodes } = await readClusterFile(file);
  process.stdout.write(`${file}: cluster "${name}" with ${nodes.length} nodes is described correctly\n`);
  return EXIT.done;
}
