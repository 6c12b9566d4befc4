import { mkdir, open, rename } from 'node:fs/promises';

/** Writes a file under a temporary name, makes it durable, then gives it its name. What had that name is replaced:
 * IceWarp, too, creates without looking. Folders on the way are created. */
export async function writeDurably(temporary: string, folder: string, name: string, data: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, `${folder}/${name}`);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
