import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import type { Client, ConfigFile, Scope, ServerEntry } from '../install/client.ts';
import { clients } from '../install/index.ts';
import { programPath } from '../settings/program.ts';
import { type Role, SETTINGS } from '../settings/table.ts';
import { readForeign } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { environmentOf, waitsOf } from './client-settings.ts';
import { missingFile, startOfClient } from './client-start.ts';
import { type Found, failure, note, ok, problem } from './finding.ts';
import { type Introduced, introduce } from './server-probe.ts';

/** A server must have introduced itself within this time, in ms; measured: 90 to 250. */
const SERVER_MS = 5_000;
const ON_PATH =
  'Put the command mam on the PATH: `npm install -g .` in its checkout. Or fix the PATH of the shell that starts the client.';
const SCOPES: readonly Scope[] = ['user', 'project'];

/** One entry of our server in a client's configuration. */
interface Entry {
  name: string;
  scope: Scope;
  path: string;
  server: ServerEntry;
}

/** A check for each client: whether `mam` is in its configuration, and starts as that client would start it. */
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
  // Nothing needs to be said about a client that is not installed.
  if (found.length > 0 || place.programs.find(client.program) === undefined) return found;
  const remedy = `\`mam install ${name}\`, if ${client.title} should delegate jobs, or is started without mam start.`;
  return [note(`client.${name}.configured`, `${client.title} does not know mam.`, remedy)];
}

/** Home and project may be the same folder: then a file counts once. */
function filesOf(client: Client, scope: Scope, { around }: Place): ConfigFile[] {
  const files = client.files(scope, around);
  if (scope === 'user') return files;
  const known = client.files('user', around).map(({ path }) => path);
  return files.filter(({ path }) => !known.includes(path));
}

function textOf(path: string): string | undefined {
  try {
    // The user's own link is followed; opening a pipe in its place would block.
    return readForeign(realpathSync(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const what = `${path} can't be read (${code ?? 'unknown error'}).`;
    throw new MamError('io', what, 'Make it readable for you.');
  }
}

function unreadable(name: string, { path }: ConfigFile, error: unknown): Found {
  const known = error instanceof MamError ? error : new MamError('internal', `${path}: ${explain(error)}`);
  const id = `client.${name}.file`;
  // This hint is about an installation that was not made.
  if (known.hint.startsWith('Nothing was changed'))
    return problem(id, known.message, `Fix ${path}: the client can't read it either.`);
  return failure(id, known, `Fix ${path}.`);
}

async function healthOfEntry(entry: Entry, place: Place, signal: AbortSignal): Promise<Found[]> {
  const { name, path, server } = entry;
  const title = clients[name]?.title ?? name;
  if (!server.enabled) {
    const remedy = `Enable it in ${path}, or remove it: \`${installOf(entry)} --uninstall\`.`;
    return [note(`client.${name}.enabled`, `mam is disabled for ${title}, in ${path}.`, remedy)];
  }
  const start = startOfClient(name, server, place);
  const missing = missingFile(start, place);
  if (missing !== undefined) {
    const id = `client.${name}.program`;
    // As a project's file names it, for everyone who uses the project.
    if (missing === 'mam')
      return [problem(id, `${title} cannot start mam: it is not on the PATH (${path}).`, ON_PATH)];
    const what = `${title} cannot start mam: ${missing} does not exist (${path}).`;
    return [problem(id, what, again(entry))];
  }
  const settings = [...waitsOf(entry), ...environmentOf(entry, place)].map(
    ({ level, id, text }): Found => ({
      ...note(`client.${name}.${id}`, `${title}: ${text}`, again(entry)),
      level,
    }),
  );
  try {
    const said = await introduce(start, SERVER_MS, signal);
    return [introduced(entry, title, said, start.env), ...settings];
  } catch (error) {
    const what = `${title} cannot use mam (${path}): ${explain(error)}`;
    const tried = [start.command, ...start.args].join(' ');
    const remedy = `Run it by hand and see what it says: \`${tried} </dev/null\`. Then ${again(entry)}`;
    return [problem(`client.${name}.server`, what, remedy), ...settings];
  }
}

function introduced(entry: Entry, title: string, said: Introduced, env: Record<string, string>): Found {
  const { name, path } = entry;
  const id = `client.${name}.server`;
  const tools = counted(said.tools.length, 'tool');
  if (said.name !== 'mam') {
    const text = `${title} starts a different server as mam (${path}): ${said.name} ${said.version}.`;
    return problem(id, text, again(entry));
  }
  if (said.version !== VERSION) {
    const text = `${title} starts mam ${said.version}, but this is ${VERSION} (${path}).`;
    return note(id, text, again(entry), `${tools}: ${said.tools.join(', ')}`);
  }
  const role = env[SETTINGS.role.env] === 'peer' ? 'peer' : 'supervisor';
  const missing = toolsOf(role).filter((tool) => !said.tools.includes(tool));
  if (missing.length > 0) {
    const text = `${title} gets only ${tools} of mam (${path}); missing: ${missing.join(', ')}.`;
    return problem(id, text, 'The installation of mam is incomplete: install it again.');
  }
  const rest = role === 'peer' ? ', those of a peer (MAM_ROLE)' : '';
  return ok(id, `${title} starts mam and gets ${tools}${rest} (${path})`, said.tools.join(', '));
}

/** The tools of this program, from the file that its server answers with. */
function toolsOf(role: Role): string[] {
  const file = readFileSync(join(dirname(programPath()), 'tools.json'), 'utf8');
  return (JSON.parse(file) as Record<typeof role, { name: string }[]>)[role].map(({ name }) => name);
}

function installOf({ name, scope }: Entry): string {
  return `mam install ${name}${scope === 'project' ? ' --project' : ''}`;
}

function again(entry: Entry): string {
  return `\`${installOf(entry)}\` writes it again; an entry that it did not write must be removed from ${entry.path} first.`;
}
