import { KINDS } from '../agents/index.ts';
import type { AgentKind } from '../agents/kind.ts';
import type { Check, Place } from './check.ts';
import { type Found, note, ok } from './finding.ts';
import { ownVersion } from './own-version.ts';

type Startable = AgentKind & { start: NonNullable<AgentKind['start']> };

/** The programs of the built-in agents, and whether they have the version that mam was tested with. */
export const agents: Check = {
  name: 'agents',
  area: 'agents',
  limitMs: 7_000,

  async look(place) {
    const kinds = KINDS.filter((kind): kind is Startable => kind.start !== undefined);
    const missing = kinds.filter(({ start }) => place.programs.find(start.program) === undefined);
    const present = kinds.filter((kind) => !missing.includes(kind));
    const found = await Promise.all(present.map((kind) => programOf(kind, place)));
    return missing.length === 0 ? found : [...found, notInstalled(missing)];
  },
};

async function programOf({ name, title, start }: Startable, { programs }: Place): Promise<Found> {
  const { program, tried, install } = start;
  const id = `agent.${name}`;
  const path = programs.find(program) ?? program;
  const version = await ownVersion(path, programs);
  if (version === undefined) {
    const what = `${title} (${path}) does not report its version.`;
    return note(id, what, `Run \`${program} --version\`; if that fails, install it again. ${install}`);
  }
  if (version === tried)
    return ok(id, `${title} ${version} at ${path}, the version that mam was tested with`);
  const what = `${title} is ${version}; mam was tested with ${tried}.`;
  const remedy = 'Nothing needs to be done; watch the first jobs, since its screen may have changed.';
  return note(id, what, remedy, path);
}

/** One finding for all: nobody needs every agent. */
function notInstalled(kinds: Startable[]): Found {
  const names = kinds.map(({ title, start }) => `${title} (${start.program})`).join(', ');
  const remedy = kinds.map(({ title, start }) => `${title}: ${start.install}`).join('\n');
  const what = `Not on the PATH: ${names}.`;
  return note('agent.missing', what, `Install only those that you want to use.\n${remedy}`);
}
