#!/usr/bin/env node
// Builds dist/. Measured: a server that loads the 150 files of node_modules takes three times as long to start.
//   main.js, server.js   what every start and every MCP handshake needs: CommonJS, one file each, since Node's ES
//                        module loader alone costs a sixth of a cold start
//   tools.json           the answer to tools/list, so that nothing has to be loaded for it
//   board.html, web.html the page for clients that can show one, and that of mam web: src/boards/page/, in one file each
//   parts/*.js           the rest, loaded with the first call, the hub or a command: split into shared chunks, then
//                        converted to CommonJS, since Node 20 caches no compiled code of ES modules
//   parts/watch-main.mjs the board of mam watch, separate: Ink uses top-level await, which only an ES module can
//   THIRD-PARTY-LICENSES.md   the licences of all packages whose code is in these files
// A dynamic import() in main.ts or in the handshake is thus the border between the two.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { bundledPackages, licencesText } from './licences.mjs';

const started = performance.now();
/** The equivalent of `import.meta.url` in CommonJS. */
const URL_BANNER = "const __url=require('node:url').pathToFileURL(__filename).href;";
/** CommonJS dependencies call require() for Node's own modules. */
const REQUIRE_BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";
/**
 * For the shell the first lines start Node with `--`, for Node they are a string. Without `--`, Node 20 takes an
 * `--env-file` anywhere on the command line for its own, reads that file into our environment, and empties a pipe.
 */
const HEAD = ['#!/usr/bin/env node', '#!/bin/sh\n":" //; exec node -- "$0" "$@"'];
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // Its main entry is UMD, whose require() calls no bundler follows.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
};

/** Modules left out of the bundles: each would cost start-up time, and this program never calls it. */
const STUBS = [
  // The SDK's default validator; the server passes its own.
  [/\/validation\/ajv-provider\.js$/, 'export class AjvJsonSchemaValidator {}'],
  // The SDK supports zod 3 schemas too; this program has none.
  [/^zod\/v3$/, 'export const object = undefined;'],
  [/^zod-to-json-schema$/, 'export const zodToJsonSchema = undefined;'],
  // Ink draws nothing until it ends if CI is set, and looks for its developer tools if DEV is set: a user's environment
  // may have both.
  [/^is-in-ci$/, 'export default false;'],
  [/^\.\/devtools\.js$/, ''],
  // Zod's messages in 50 languages; only `en` is used.
  [/^\.\.?\/locales\/index\.js$/, "export { default as en } from './en.js';"],
];

const stubs = {
  name: 'stubs',
  setup({ onResolve, onLoad }) {
    for (const [filter] of STUBS) {
      onResolve({ filter }, ({ path, resolveDir }) => ({
        path,
        namespace: 'stub',
        pluginData: `${resolveDir}/${path}`,
      }));
    }
    onLoad({ filter: /.*/, namespace: 'stub' }, ({ path, pluginData }) => ({
      contents: STUBS.find(([filter]) => filter.test(path))[1],
      resolveDir: pluginData.replace(/\/[^/]*$/, ''),
    }));
  },
};

/** A value that is created on first access. Inserted into the SDK's file as text. */
function lazily(make) {
  let made;
  const get = () => {
    made ??= make();
    return made;
  };
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(get(), key),
      has: (_, key) => Reflect.has(get(), key),
      getPrototypeOf: () => Reflect.getPrototypeOf(get()),
    },
  );
}

/** A statement of the SDK's file that makes a schema: its name and its expression. */
const SCHEMA =
  /^((?:export )?const \w+Schema) = ([\s\S]*?);\n(?=export |const |\/\*|\/\/|function |class )/gm;

/** The number of such statements in the SDK version of package.json: another version may write them differently. */
const SCHEMAS = 159;

/**
 * The SDK makes the schemas of the whole protocol when it is loaded, which takes 7 of the 81 ms of a cold start; a
 * handshake needs only a few. Here each is made on first use, and unused ones are left out.
 */
const lazySchemas = {
  name: 'lazy-schemas',
  setup({ onLoad }) {
    onLoad({ filter: /\/sdk\/dist\/esm\/types\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const found = source.match(SCHEMA)?.length;
      if (found !== SCHEMAS) throw new Error(`${path} has ${found} schemas where ${SCHEMAS} are expected`);
      const contents = source.replace(SCHEMA, '$1 = /* @__PURE__ */ lazily(() => $2);\n');
      return { contents: `${contents}\n${lazily}`, loader: 'js' };
    });
  },
};

/** Modules that main.ts and the handshake import only when they need them. */
const PARTS = [
  'src/mcp/work.ts',
  'src/mcp/announce.ts',
  'src/cli/run.ts',
  'src/hub/main.ts',
  // For `mam list --host`.
  'src/cli/jobs/list-there.ts',
  // For `mam status` of a job whose session waits for a look at its end.
  'src/cli/jobs/tell-look.ts',
  // For `mam publish` without a hub, or with a broker behind TLS.
  'src/link/ensure-hub.ts',
  'src/link/client.ts',
  'src/trust/trusted.ts',
];
/** CommonJS files next to main.js, and the paths that load them. */
const BESIDE = {
  'src/mcp/main.ts': './server.js',
  'src/cli/publish.ts': './publish.js',
  'src/cli/hook.ts': './hook.js',
  'src/cli/look.ts': './look.js',
  'src/cli/completion/values.ts': './completion-values.js',
};
/** Loaded by a real import(), a cost that the others avoid. */
const BOARD = 'src/boards/terminal/main.ts';
const partName = (source) => source.slice('src/'.length, -'.ts'.length).replaceAll('/', '-');

/** Keeps a dynamic import(), with the part's name in dist/; `tools/list` is answered from a file. */
const border = {
  name: 'border',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.ts$/ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const source = relative('.', join(resolveDir, path));
      if (source in BESIDE) return { path: BESIDE[source], external: true };
      if (!PARTS.includes(source))
        throw new Error(`${source} is imported before a call, but is not in PARTS`);
      return { path: `./parts/${partName(source)}.js`, external: true };
    });
    onResolve({ filter: /^\.\/tools\.json$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /\/src\/mcp\/declarations\.ts$/ }, () => ({
      contents: "export const declarations = async (role) => require('./tools.json')[role];",
    }));
  },
};

/** Keeps the import of the board. */
const withoutBoard = {
  name: 'without-board',
  setup({ onResolve }) {
    onResolve({ filter: /\/terminal\/main\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${partName(BOARD)}.mjs`, external: true } : undefined,
    );
  },
};

/**
 * Converts an ES module to CommonJS. Its import()s become calls of `require`, which `load` handles, except for the
 * board's.
 */
async function commonJs(source) {
  const board = `"./${partName(BOARD)}.mjs"`;
  const { code } = await transform(source.replaceAll(`import(${board})`, `__import(${board})`), {
    format: 'cjs',
    platform: 'node',
    target: common.target,
    minifySyntax: true,
    minifyWhitespace: true,
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
    legalComments: 'none',
  });
  return code.includes('__url') ? `${URL_BANNER}\n${code}` : code;
}

/** Runs at build time: its default export is the content of tools.json. */
const DECLARE = `
  import { Catalog } from './src/mcp/catalog.ts';
  import { tools } from './tools/index.ts';
  const of = (role) => new Catalog(tools, role).declarations;
  export default { supervisor: of('supervisor'), peer: of('peer') };
`;

const HANDSHAKE = [
  {
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'build', version: '1' } },
  },
  { id: 2, method: 'tools/list' },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');

/** A page in one file. Also returns its metafile. @param files its script, its style and its frame in src/boards/page/ */
async function page(script, style, frame) {
  const { outputFiles, metafile } = await build({
    entryPoints: { script: `src/boards/page/${script}`, style: `src/boards/page/${style}` },
    outdir: 'page',
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    define: { MAM_VERSION: JSON.stringify(JSON.parse(await readFile('package.json', 'utf8')).version) },
  });
  const textOf = (name) => outputFiles.find(({ path }) => path.endsWith(name)).text.trim();
  // Replacer functions, so that a `$` in the text has no special meaning.
  const html = (await readFile(`src/boards/page/${frame}`, 'utf8'))
    .replace('/*STYLE*/', () => textOf('.css'))
    .replace('/*SCRIPT*/', () => textOf('.js'));
  return { html, metafile };
}

// Built outside dist, then moved file by file: a concurrent test run may be using the old files.
const fresh = `node_modules/.build-${process.pid}`;
process.once('exit', () => rmSync(fresh, { recursive: true, force: true }));
const [handshake, parts, board] = await Promise.all([
  build({
    ...common,
    entryPoints: {
      main: 'src/main.ts',
      server: 'src/mcp/main.ts',
      publish: 'src/cli/publish.ts',
      hook: 'src/cli/hook.ts',
      look: 'src/cli/look.ts',
      'completion-values': 'src/cli/completion/values.ts',
    },
    outdir: fresh,
    format: 'cjs',
    plugins: [border, stubs, lazySchemas],
    define: { 'import.meta.url': '__url' },
    banner: { js: URL_BANNER },
  }),
  build({
    ...common,
    entryPoints: Object.fromEntries(PARTS.map((source) => [partName(source), source])),
    outdir: `${fresh}/parts`,
    format: 'esm',
    splitting: true,
    plugins: [withoutBoard, stubs, lazySchemas],
  }),
  build({
    ...common,
    entryPoints: { [partName(BOARD)]: BOARD },
    outdir: `${fresh}/parts`,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    jsx: 'automatic',
    // React's development build is slow.
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [stubs, lazySchemas],
    banner: { js: REQUIRE_BANNER },
  }),
  build({
    ...common,
    stdin: { contents: DECLARE, resolveDir: '.', loader: 'ts' },
    outfile: `${fresh}/declare.mjs`,
    format: 'esm',
    plugins: [stubs],
  }),
]);
const { default: declared } = await import(resolve(fresh, 'declare.mjs'));
await writeFile(`${fresh}/tools.json`, JSON.stringify(declared));
await rm(`${fresh}/declare.mjs`);
const pages = {
  'board.html': await page('main.ts', 'board.css', 'board.html'),
  'web.html': await page('web.ts', 'web.css', 'web.html'),
};
for (const [name, { html }] of Object.entries(pages)) await writeFile(`${fresh}/${name}`, html);
const pageMetafiles = Object.values(pages).map(({ metafile }) => metafile);
const metafiles = [handshake.metafile, parts.metafile, board.metafile, ...pageMetafiles];
const packages = bundledPackages(metafiles);
// For the test that checks that each of them is listed.
await writeFile('node_modules/.bundled.json', JSON.stringify(metafiles));
await writeFile(`${fresh}/THIRD-PARTY-LICENSES.md`, licencesText(packages));
// import() would load Node's ES module loader even for a file that is not an ES module.
for (const file of await filesOf(fresh)) {
  if (!file.endsWith('.js')) continue;
  const path = `${fresh}/${file}`;
  const source = await readFile(path, 'utf8');
  const load = file === 'main.js' ? 'load' : 'require';
  const direct = source.replaceAll(/\bimport\(("\.\/[^"]+\.js")\)/g, `(async()=>${load}($1))()`);
  const code = file.startsWith('parts/') ? await commonJs(source) : direct;
  if (/\bimport\(["'`]\.\/(?:[^"'`]+\.js)/.test(code))
    throw new Error(`${file} has an import() that load does not handle`);
  await writeFile(path, code);
}
await writeFile(`${fresh}/main.js`, (await readFile(`${fresh}/main.js`, 'utf8')).replace(...HEAD));
await appendFile(`${fresh}/main.js`, `\n${await readFile('scripts/code-cache.cjs', 'utf8')}`);
// The package contains ES modules, but these files are CommonJS.
await writeFile(`${fresh}/package.json`, '{"type":"commonjs"}\n');
await chmod(`${fresh}/main.js`, 0o755);

await replaceDist();
// One handshake stores the server's compiled code next to it, for this machine only: it is not in the package.
execFileSync(process.execPath, ['dist/main.js'], { input: HANDSHAKE, stdio: ['pipe', 'ignore', 'ignore'] });

const outputs = [handshake, parts, board].flatMap(({ metafile }) => Object.entries(metafile.outputs));
const kilobytes = outputs.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1024;
const largest = outputs.sort(([, a], [, b]) => b.bytes - a.bytes)[0];
console.log(
  `dist: ${outputs.length} files with code of ${packages.size} packages, ${Math.round(kilobytes)} KB (most: ${basename(largest[0])}), ${Math.round(performance.now() - started)} ms`,
);

async function replaceDist() {
  const files = await filesOf(fresh);
  await mkdir('dist/parts', { recursive: true });
  for (const file of files) await rename(`${fresh}/${file}`, `dist/${file}`);
  for (const file of await filesOf('dist')) {
    if (!files.includes(file)) await rm(`dist/${file}`, { force: true });
  }
}

/** The files below a folder, by their path in it. */
async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
