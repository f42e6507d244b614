import type { Client, ConfigFile, Edited, Scope, Surroundings } from '../../src/install/client.ts';

export const around: Surroundings = {
  home: '/home/u',
  project: '/home/u/p',
  env: {},
  isFile: () => false,
  command: '/opt/bin/mam',
  args: [],
};

/** The one file of a client whose name ends so. */
export function fileOf(
  client: Client,
  name: string,
  scope: Scope = 'user',
  more: Partial<Surroundings> = {},
): ConfigFile {
  const [file, ...others] = client
    .files(scope, { ...around, ...more })
    .filter(({ path }) => path.endsWith(name));
  if (file === undefined || others.length > 0) throw new Error(`not one file ${name}`);
  return file;
}

/** Installs into a text, proves that a second install changes nothing, and gives the first one's outcome. */
export function installed(file: ConfigFile, text: string | undefined): Edited & { text: string } {
  const first = file.install(text, undefined);
  const again = file.install(first.text, first.receipt);
  if (again.text !== first.text) throw new Error('a second install changes the file');
  if (first.text === undefined) throw new Error('no file');
  // Receipts live in a file.
  return { ...first, text: first.text, receipt: structuredClone(first.receipt) };
}

/** The refusal of an edit, as its whole text. */
export function refusal(edit: () => unknown): string {
  try {
    edit();
  } catch (error) {
    return (error as { text?: string }).text ?? String(error);
  }
  throw new Error('not refused');
}
