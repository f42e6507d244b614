import { KINDS } from '../agents/index.ts';
import type { AgentKind } from '../agents/kind.ts';
import type { Check, Place } from './check.ts';
import { type Found, note, ok } from './finding.ts';
import { ownVersion } from './own-version.ts';

type Startable = AgentKind & { start: NonNullable<AgentKind['start']> };

/** The programs of the agent kinds that are built in, and whether they are of the version that was tried. */
export const agents: Check = {
  name: 'agents',
  area: 'agents',
  limitMs: 7_000,

  async look(place) {
    const kinds = KINDS.filter((kind): kind is Startable => kind.start !== undefined);
    const missing = kinds.filter(({ start }) => place.programs.find(start.program) === undefined);
    const there = kinds.filter((kind) => !missing.includes(kind));
    const found = await Promise.all(there.map((kind) => programOf(kind, place)));
    return missing.length === 0 ? found : [...found, notThere(missing)];
  },
};

async function programOf({ name, title, start }: Startable, { programs }: Place): Promise<Found> {
  const { program, tried, install } = start;
  const id = `agent.${name}`;
  const path = programs.find(program) ?? program;
  const version = await ownVersion(path, programs);
  if (version === undefined) {
    const what = `${title} (${path}) does not tell its version.`;
    return note(id, what, `Run \`${program} --version\`; when it fails, install it anew. ${install}`);
  }
  if (version === tried) return ok(id, `${title} ${version} at ${path}, the version that mam was tried with`);
  const what = `${title} is ${version}; mam was tried with ${tried}.`;
  const remedy = 'Nothing has to be done; watch the first jobs, since its screen may have changed.';
  return note(id, what, remedy, path);
}

/** One finding for all: nobody needs every agent. */
function notThere(kinds: Startable[]): Found {
  const names = kinds.map(({ title, start }) => `${title} (${start.program})`).join(', ');
  const remedy = kinds.map(({ title, start }) => `${title}: ${start.install}`).join('\n');
  return note(
    'agent.missing',
    `Not on the PATH: ${names}.`,
    `Only for those that you want to use.\n${remedy}`,
  );
}
