import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { DOCUMENTS } from './markdown.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const { licencesText } = await import(pathToFileURL(join(ROOT, 'scripts/licences.mjs')).href);

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

test('the licence of each package whose code is in dist/ is there', () => {
  const metafiles: Metafile[] = JSON.parse(read('node_modules/.bundled.json'));
  const inputs = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap((output) => Object.entries(output.inputs))
    .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && !path.startsWith('stub:'));
  const folders = inputs.flatMap(
    ([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? [],
  );
  expect(new Set(folders).size).toBeGreaterThan(50);
  const sections = new Map(
    read('dist/THIRD-PARTY-LICENSES.md')
      .split(/^## (?=\S+ \d+\.\S+ \()/m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf(' (')), section]),
  );
  for (const folder of new Set(folders)) {
    const { name, version, license } = JSON.parse(read(folder, 'package.json'));
    const section = sections.get(`${name} ${version}`) ?? '';
    expect(section, `${name} ${version}`).toContain(`(${license})`);
    expect(section, `${name} ${version}`).toMatch(/permission|redistribution|license/i);
  }
});

test('a package without a licence or its text stops the build', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mam-licence-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const textOf = (license?: string): string => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'bare', version: '1.0.0', license }));
    return licencesText(new Map([['bare 1.0.0', folder]]));
  };
  expect(() => textOf('MIT')).toThrow('bare 1.0.0 is bundled without a licence text');
  writeFileSync(join(folder, 'LICENSE'), 'You may.');
  expect(() => textOf()).toThrow('bare 1.0.0 is bundled without a licence text');
  expect(textOf('MIT')).toContain('## bare 1.0.0 (MIT)\n\n```\nYou may.\n```');
});

test('the package names one repository, and so do the documents', () => {
  const { name, homepage, bugs, repository, mcpName } = JSON.parse(read('package.json'));
  const [, page = '', owner = '', project = ''] =
    /^git\+(https:\/\/github\.com\/([\w-]+)\/([\w.-]+))\.git$/.exec(repository.url) ?? [];
  expect({ type: repository.type, project, homepage, bugs }).toEqual({
    type: 'git',
    project: name,
    homepage: `${page}#readme`,
    bugs: { url: `${page}/issues` },
  });
  // The MCP registry takes a package for the owner's when it has the name that the server is registered by.
  expect(mcpName).toBe(`io.github.${owner}/${name}`);
  for (const document of DOCUMENTS) {
    const links = [
      ...read(document).matchAll(/https:\/\/github\.com\/([\w-]+\/[\w.-]+?)(?:\.git)?(?![\w.-])/g),
    ];
    const ours = links.map(([, where = '']) => where).filter((where) => where.endsWith(`/${name}`));
    expect(
      ours.filter((where) => where !== `${owner}/${name}`),
      document,
    ).toEqual([]);
  }
});

test('the package needs no other one, and holds nothing of the machine that built it', () => {
  const { dependencies, files } = JSON.parse(read('package.json'));
  expect(dependencies).toBeUndefined();
  expect(files).toContain('dist');
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const paths: string[] = JSON.parse(stdout)[0].files.map((file: { path: string }) => file.path);
  expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'dist/THIRD-PARTY-LICENSES.md', 'dist/main.js']));
  const packed = paths.filter((path) => path.startsWith('dist/'));
  expect(packed.filter((path) => path.endsWith('.cache'))).toEqual([]);
  for (const path of packed) {
    const text = read(path);
    expect(text.includes(ROOT), path).toBe(false);
    // Nothing but Node's own modules is loaded from elsewhere; two speed-ups of others are optional.
    const loaded = [...text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?"([a-z@][\w@./-]*)"/g)].map(
      ([, name = '']) => name,
    );
    const foreign = loaded.filter((name) => !NODE_MODULES.has(name) && !OPTIONAL.has(name));
    expect(foreign, path).toEqual([]);
  }
});

const NODE_MODULES = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
const OPTIONAL = new Set(['bufferutil', 'utf-8-validate', 'supports-color']);
