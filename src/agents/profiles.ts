import { MamError } from '../base/errors.ts';
import { sha256 } from '../base/sha256.ts';
import { cleanLine } from '../base/text.ts';
import type { AgentConfig } from '../settings/agent-config.ts';
import type { AgentKind } from './kind.ts';

type Configured = Readonly<Record<string, AgentConfig>>;

/** What the configuration says about a kind, with everything that a profile takes over from the one it extends. */
export interface Layered {
  /** The kind whose program it is: built in, or configured without `extends`. */
  base: string;
  /** True for a name that is only a way to start another kind. */
  isProfile: boolean;
  /** The configured entries: that of the base first, if there is one. */
  layers: readonly AgentConfig[];
  /** The same as one entry. Its session and its `about` are its own. */
  own: AgentConfig;
  /** Of a profile: the session that it has by its name. */
  byName?: string;
}

/** How many characters of a hash tell two session names apart. */
const HASH_CHARS = 6;
/** Of a name in an error. */
const NAME_CHARS = 80;
/** tmux keeps such a name as it is; mam starts no other. */
const SESSION_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/;

/**
 * What the configuration says about a kind.
 * @param kinds the built-in ones
 * @returns without layers for a kind that is not configured
 * @throws MamError `bad_input` for a profile of a kind that is missing or can't be started, or of itself
 */
export function layered(name: string, configured: Configured, kinds: readonly AgentKind[]): Layered {
  const chain = chainOf(name, configured, kinds);
  const base = chain.at(-1) ?? name;
  const layers = chain.flatMap((one) => entryOf(configured, one) ?? []).reverse();
  const isProfile = chain.length > 1;
  const { extends: _, session, about, ...merged }: AgentConfig = Object.assign({}, ...layers);
  const last = entryOf(configured, name);
  const byName = isProfile ? sessionFor(name, configured, kinds) : undefined;
  const place = isProfile ? (last?.session ?? byName) : session;
  return {
    base,
    isProfile,
    layers,
    ...(byName !== undefined && { byName }),
    own: {
      ...merged,
      ...(place !== undefined && { session: place }),
      ...(last?.about !== undefined && { about: last.about }),
    },
  };
}

/** The name, the kind it extends, the one that this extends, and so on. */
function chainOf(name: string, configured: Configured, kinds: readonly AgentKind[]): string[] {
  const chain = [name];
  for (let at = name; ; ) {
    const next = entryOf(configured, at)?.extends;
    if (next === undefined) return chain;
    const shown = cleanLine(next, NAME_CHARS);
    const wrong = (what: string) =>
      new MamError(
        'bad_input',
        `Profile ${at} extends ${shown}${what}`,
        `Set agents.${at}.extends in config.json to one of ${bases(at, configured, kinds).join(', ')}.`,
      );
    if (kinds.some((kind) => kind.name === at)) {
      const hint = `Give it a name of its own, or leave out agents.${at}.extends.`;
      throw new MamError('bad_input', `${at} is a built-in kind, so it can't extend ${shown}.`, hint);
    }
    if (chain.includes(next)) throw wrong(`, which leads back to it: ${[...chain, shown].join(' → ')}.`);
    const kind = kinds.find((one) => one.name === next);
    const isConfigured = entryOf(configured, next) !== undefined;
    if (kind === undefined && !isConfigured) throw wrong(', and there is no such agent kind.');
    if (kind !== undefined && kind.start === undefined) throw wrong(', which mam does not start.');
    chain.push(next);
    at = next;
  }
}

/** The kinds that a profile may extend: built-in ones that mam starts, and configured ones that are not profiles. */
function bases(profile: string, configured: Configured, kinds: readonly AgentKind[]): string[] {
  const built = kinds.flatMap(({ name, start }) => (start === undefined ? [] : [name]));
  const own = Object.keys(configured).filter(
    (name) =>
      name !== profile && configured[name]?.extends === undefined && !kinds.some((one) => one.name === name),
  );
  return [...built, ...own];
}

/**
 * The session of a profile that names none: one that no other kind has, so that none of its jobs is typed into a session
 * that runs with another model or permission mode.
 */
function sessionFor(name: string, configured: Configured, kinds: readonly AgentKind[]): string {
  const taken = [
    ...kinds.flatMap(({ defaultSession }) => defaultSession ?? []),
    ...Object.values(configured).flatMap(({ session }) => session?.replace(/^tmux:/, '') ?? []),
  ];
  if (SESSION_NAME.test(name) && !taken.includes(name)) return `tmux:${name}`;
  const plain = name.replaceAll(/[^A-Za-z0-9_-]+/g, '-');
  return `tmux:agent-${plain}-${sha256(name).slice(0, HASH_CHARS)}`;
}

/** Every object has a property such as "constructor". */
function entryOf(configured: Configured, name: string): AgentConfig | undefined {
  return Object.hasOwn(configured, name) ? configured[name] : undefined;
}
