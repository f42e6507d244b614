// Licences of what is bundled: their authors ask that the text goes with every copy.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** LICENSE, LICENCE.md, license-mit.txt, COPYING, and the NOTICE that Apache's asks for. */
const TEXTS = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;
/** Texts of packages that are published without: named in their sources, kept in their repositories. */
const OWN_TEXTS = join(import.meta.dirname, 'licences');

/**
 * The packages whose code is in a bundle.
 * @param metafiles of esbuild, each of a build whose output is shipped
 * @returns the folder of each, by its name and version
 */
export function bundledPackages(metafiles) {
  const folders = new Map();
  const outputs = metafiles.flatMap((metafile) => Object.values(metafile.outputs));
  for (const [path, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    // What was put in the place of a module is not its code.
    if (bytesInOutput === 0 || path.startsWith('stub:') || !path.includes('node_modules/')) continue;
    const folder = packageFolder(resolve(path));
    const { name, version } = manifestOf(folder);
    folders.set(`${name} ${version}`, folder);
  }
  return folders;
}

/** The file that is shipped with them. @throws for a package without a licence or without its text */
export function licencesText(packages) {
  const parts = [...packages]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, folder]) => {
      const { name, license } = manifestOf(folder);
      const texts = textsOf(name, folder);
      if (typeof license !== 'string' || texts.length === 0)
        throw new Error(
          `${title} is bundled without a licence text: add one to ${OWN_TEXTS}, or leave it out`,
        );
      return `## ${title} (${license})\n\n${texts.map(fenced).join('\n\n')}\n`;
    });
  const head =
    '# Licences of the bundled packages\n\nThe files in this folder hold code of these packages. Made by the build.\n';
  return [head, ...parts].join('\n');
}

function textsOf(name, folder) {
  const own = join(OWN_TEXTS, `${name.replace('/', '-')}.txt`);
  const found = readdirSync(folder)
    .filter((file) => TEXTS.test(file))
    .sort()
    .map((file) => join(folder, file));
  return (found.length === 0 && existsSync(own) ? [own] : found).map((path) =>
    readFileSync(path, 'utf8').replaceAll('\r\n', '\n').trim(),
  );
}

/** In a fence that is longer than any in the text. */
function fenced(text) {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** The nearest folder above a file with a manifest that names a package: some have others inside. */
function packageFolder(path) {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const { name, version } = existsSync(join(folder, 'package.json')) ? manifestOf(folder) : {};
    if (name !== undefined && version !== undefined) return folder;
  }
  throw new Error(`${path} is of no package`);
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
