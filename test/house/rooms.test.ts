import { readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, read } from '../docs/markdown.ts';

/** An import as Biome formats it: of names, for side effects, or dynamic. */
const IMPORT = /^(?:import|export|\}).* from '([^']+)';$|^import '([^']+)';$|\bimport\(\s*'([^']+)'/gm;
/** Node modules with which a room reaches outside its process. */
const REACHES = /^node:(child_process|fs|http|net)/;
/** A folder with more files must be a room, with its purpose in the table. */
interface Room {
  name: string;
  purpose: string;
  imports: string[];
  packages: string[];
}

/** The table of AGENTS.md: each room imports only rooms above it, and only those that its line names. */
const ROOMS: Room[] = [
  ...read('AGENTS.md').matchAll(/^\| `([\w/.-]+?)\/?` \| (.+) \| (.*) \| (.*) \|$/gm),
].map(([, name = '', purpose = '', imports = '', packages = '']) => ({
  ...{ name, purpose, imports: words(imports), packages: words(packages) },
}));

const FILES = ['src', 'tools'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${folder}/${name}`),
);

/** What each room imports: rooms and packages, each with an importing file. */
const IMPORTS = new Map<string, Map<string, string>>();
for (const file of FILES) {
  const room = roomOf(file);
  const found = IMPORTS.get(room) ?? new Map<string, string>();
  IMPORTS.set(room, found);
  for (const [, names, effect, later] of read(file).matchAll(IMPORT)) {
    const path = names ?? effect ?? later ?? '';
    const target = targetOf(file, path);
    if (target !== undefined && target !== room) found.set(target, file);
  }
}

test('a room imports what its line in AGENTS.md allows, and nothing else', () => {
  const wrong = ROOMS.flatMap(({ name, imports, packages }) =>
    [...(IMPORTS.get(name) ?? [])]
      .filter(([target]) => ![...imports, ...packages].includes(target))
      .map(([target, file]) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('a line names only rooms above it, and only what is imported', () => {
  const names = ROOMS.map(({ name }) => name);
  const wrong = ROOMS.flatMap(({ name, imports, packages }, index) => [
    ...imports
      .filter((room) => !names.slice(0, index).includes(room))
      .map((room) => `${name}: ${room} is not above`),
    ...[...imports, ...packages]
      .filter((one) => IMPORTS.get(name)?.has(one) !== true)
      .map((one) => `${name} does not import ${one}`),
  ]);
  expect(wrong).toEqual([]);
});

test('every folder of the program is a room', () => {
  expect([...IMPORTS.keys()].sort()).toEqual(ROOMS.map(({ name }) => name).sort());
});

/** Elsewhere the program is named for nothing but its version. */
const NAMES_GIT = /^src\/(?:git\/|doctor\/git\.ts$)/;

test('no room but git runs git', () => {
  const named = FILES.filter((file) => /(['"`])(?:[^'"`\s]*\/)?git\1/.test(code(read(file))));
  expect(named.filter((file) => NAMES_GIT.test(file))).toContain('src/git/run-git.ts');
  expect(named.filter((file) => !NAMES_GIT.test(file))).toEqual([]);
});

/** A file without its imports and comments. */
function code(text: string): string {
  return text.replace(IMPORT, '').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
}

function words(cell: string): string[] {
  return cell.split(', ').filter((word) => word !== '');
}

/** The folder under `src/`; `main.ts` and `tools` are their own rooms. */
function roomOf(file: string): string {
  const folder = dirname(file);
  return folder === 'src' ? file.slice('src/'.length) : folder === 'tools' ? folder : relative('src', folder);
}

/** @returns the room or package; nothing for a data file, or for a module that stays in the process */
function targetOf(file: string, path: string): string | undefined {
  if (path.startsWith('.'))
    return /\.tsx?$/.test(path) ? roomOf(normalize(join(dirname(file), path))) : undefined;
  if (path.startsWith('node:')) return REACHES.exec(path)?.[1];
  return path.split('/', path.startsWith('@') ? 2 : 1).join('/');
}
