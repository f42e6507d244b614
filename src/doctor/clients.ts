import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { Client, ConfigFile, Scope, ServerEntry } from '../install/client.ts';
import { clients } from '../install/index.ts';
import { programPath } from '../settings/program.ts';
import { type Role, SETTINGS } from '../settings/table.ts';
import { readForeign } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { environmentOf, waitsOf } from './client-settings.ts';
import { missingFile, startOfClient } from './client-start.ts';
import { type Found, note, ok, problem } from './finding.ts';
import { introduce } from './server-probe.ts';

/** A server must have introduced itself within this time, in ms; measured: 90 to 250. */
const SERVER_MS = 5_000;
const SCOPES: readonly Scope[] = ['user', 'project'];

/** One place where a client is told of our server. */
interface Entry {
  name: string;
  scope: Scope;
  path: string;
  server: ServerEntry;
}

/** A check for every client: is `mam` in its configuration, and does it start as that client would start it? */
export const clientChecks: readonly Check[] = Object.entries(clients).map(([name, client]) => ({
  name: `client ${name}`,
  area: 'clients',
  limitMs: 2 * SERVER_MS + 5_000,
  look: (place, signal) => healthOf(name, client, place, signal),
}));

async function healthOf(name: string, client: Client, place: Place, signal: AbortSignal): Promise<Found[]> {
  const found: Found[] = [];
  const entries: Entry[] = [];
  for (const scope of SCOPES) {
    for (const file of filesOf(client, scope, place)) {
      if (file.read === undefined) continue;
      try {
        const server = file.read(textOf(file.path));
        if (server !== undefined) entries.push({ name, scope, path: file.path, server });
      } catch (error) {
        found.push(unreadable(name, file, error));
      }
    }
  }
  const started = await Promise.all(entries.map((entry) => healthOfEntry(entry, place, signal)));
  found.push(...started.flat());
  // Of a client that nobody has here, nothing needs to be said.
  if (found.length > 0 || place.programs.find(client.program) === undefined) return found;
  const remedy = `\`mam install ${name}\`, if ${client.title} shall delegate jobs, or is started without mam start.`;
  return [note(`client.${name}.configured`, `${client.title} does not know mam.`, remedy)];
}

/** Home and project may be the same folder: then a file is looked at once. */
function filesOf(client: Client, scope: Scope, { around }: Place): ConfigFile[] {
  const files = client.files(scope, around);
  if (scope === 'user') return files;
  const known = client.files('user', around).map(({ path }) => path);
  return files.filter(({ path }) => !known.includes(path));
}

function textOf(path: string): string | undefined {
  try {
    // A link of the user's is followed; a pipe in its place would be waited for.
    return readForeign(realpathSync(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new MamError(
      'io',
      `${path} can't be read (${code ?? 'unknown error'}).`,
      'Make it readable for you.',
    );
  }
}

function unreadable(name: string, { path }: ConfigFile, error: unknown): Found {
  const known = error instanceof MamError ? error : new MamError('internal', `${path}: ${explain(error)}`);
  // The hint of an install speaks of what it has left undone.
  const hint = /^Nothing was changed/.test(known.hint)
    ? `Mend ${path}: the client can't read it either.`
    : known.hint;
  return problem(`client.${name}.file`, known.message, hint || `Mend ${path}.`);
}

async function healthOfEntry(entry: Entry, place: Place, signal: AbortSignal): Promise<Found[]> {
  const { name, path, server } = entry;
  const title = clients[name]?.title ?? name;
  if (!server.enabled) {
    const remedy = `Enable it in ${path}, or take it out: \`${installOf(entry)} --uninstall\`.`;
    return [note(`client.${name}.enabled`, `mam is switched off for ${title}, in ${path}.`, remedy)];
  }
  const start = startOfClient(name, server, place);
  const missing = missingFile(start, place);
  if (missing !== undefined) {
    const what = `${title} cannot start mam: ${missing} is not there (${path}).`;
    return [problem(`client.${name}.program`, what, again(entry))];
  }
  const settings = [...waitsOf(entry), ...environmentOf(entry, place)].map(
    ({ level, id, text, detail }): Found =>
      (level === 'problem' ? problem : note)(
        `client.${name}.${id}`,
        `${title}: ${text}`,
        again(entry),
        detail,
      ),
  );
  try {
    const said = await introduce(start, SERVER_MS, signal);
    return [...introduced(entry, title, said, start.env), ...settings];
  } catch (error) {
    const what = `${title} cannot use mam (${path}): ${explain(error)}`;
    const tried = [start.command, ...start.args].join(' ');
    const remedy = `Run it by hand and see what it says: \`${tried} </dev/null\`. Then ${lower(again(entry))}`;
    return [problem(`client.${name}.server`, what, remedy), ...settings];
  }
}

function introduced(
  entry: Entry,
  title: string,
  said: { name: string; version: string; tools: string[] },
  env: Record<string, string>,
): Found[] {
  const { name, path } = entry;
  const id = `client.${name}.server`;
  const tools = `${said.tools.length} ${said.tools.length === 1 ? 'tool' : 'tools'}`;
  if (said.name !== 'mam') {
    return [
      problem(
        id,
        `${title} starts another server as mam (${path}): ${said.name} ${said.version}.`,
        again(entry),
      ),
    ];
  }
  if (said.version !== VERSION) {
    const text = `${title} starts mam ${said.version}, and this is ${VERSION} (${path}).`;
    return [note(id, text, again(entry), `${tools}: ${said.tools.join(', ')}`)];
  }
  const role = env[SETTINGS.role.env] === 'peer' ? 'peer' : 'supervisor';
  const missing = toolsOf(role).filter((tool) => !said.tools.includes(tool));
  if (missing.length > 0) {
    const remedy = 'The installation of mam is not whole: install it anew.';
    return [
      problem(id, `${title} gets only ${tools} of mam (${path}); missing: ${missing.join(', ')}.`, remedy),
    ];
  }
  const rest = role === 'peer' ? ', those of a peer (MAM_ROLE)' : '';
  return [ok(id, `${title} starts mam and gets ${tools}${rest} (${path})`, said.tools.join(', '))];
}

/** The tools that this program has, from the file that its server answers with. */
function toolsOf(role: Role): string[] {
  const file = readFileSync(join(dirname(programPath()), 'tools.json'), 'utf8');
  return (JSON.parse(file) as Record<typeof role, { name: string }[]>)[role].map(({ name }) => name);
}

function installOf({ name, scope }: Entry): string {
  return `mam install ${name}${scope === 'project' ? ' --project' : ''}`;
}

function again(entry: Entry): string {
  return `\`${installOf(entry)}\` writes it anew; an entry that it did not write has to be taken out of ${entry.path} first.`;
}

function lower(text: string): string {
  return text.startsWith('`') ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
