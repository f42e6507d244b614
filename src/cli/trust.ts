import { builtIn } from '../agents/index.ts';
import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { isObject } from '../base/json.ts';
import { shellWord } from '../base/shell.ts';
import { clean } from '../base/text.ts';
import { redactUrls } from '../bus/address.ts';
import { ensureHome, homePaths } from '../registry/home.ts';
import { brokerUrls } from '../settings/broker-settings.ts';
import { loadSettings } from '../settings/config.ts';
import { type ProjectConfig, readProjectConfig, withoutEffect } from '../settings/project-config.ts';
import { ALL_SETTINGS } from '../settings/table.ts';
import { readSetup, type WorktreeSetup } from '../settings/worktree-setup.ts';
import { askYes, canAsk } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printAnswer } from './core/output.ts';

const STATES = {
  none: 'has no settings that need trust',
  trusted: 'is trusted',
  untrusted: 'is not trusted',
  changed: 'has changed since you trusted it, so it is not trusted',
} as const;

const NEXT: Partial<Record<ProjectConfig['state'], string>> = {
  trusted: 'mam trust --revoke',
  untrusted: 'mam trust',
  changed: 'mam trust',
};

const KEPT = 'A running hub keeps its broker and realm until `mam hub restart`.';
const INDENT = '  ';
/** The settings that a new hub takes from its starter's file. */
const OF_THE_HUB = ALL_SETTINGS.filter(
  ({ handedTo, inProject }) => handedTo.includes('hub') && inProject !== 'never',
).flatMap(({ key }) => key ?? []);

export default defineCommand({
  about: [
    'Accepts the settings of this project that could run something or lead outside of it: programs, brokers, tmux ' +
      'sockets, other folders; and its script .mam/worktree-setup, which sets up the git worktrees of jobs. They may ' +
      'come with a clone, so they have no effect until you accept them. When a file changes, it must be accepted again.',
    'Look at them with --show first. On a terminal it shows them and asks; elsewhere it accepts nothing without --yes. ' +
      'What was accepted is recorded in MAM_HOME, by the path and the content of the file.',
  ],
  options: {
    show: flag('show what the files ask for, and accept nothing'),
    yes: flag('accept without asking'),
    revoke: flag('stop accepting them'),
  },
  json: '`summary`, `path`, `state` (absent, none, untrusted, changed, trusted or invalid), `settings` (what the file sets; passwords are left out), `ignored` (the settings that have no effect), `reasons` (why some never have one), `setup` (`path`, `state` and `text` of the script, if there is one) and `next`',
  exits: { done: 'done, even if there is nothing to accept' },
  examples: ['mam trust --show', 'mam trust', 'mam trust --yes', 'mam trust --revoke'],

  async run({ options, json }) {
    if (options.show && options.revoke)
      throw new MamError('bad_input', '--show and --revoke cannot be used together.', 'Give one of them.');
    const settings = await loadSettings();
    const { projectFolder, home } = settings;
    let config = await readProjectConfig(projectFolder, home);
    let setup = await readSetup(projectFolder, home);
    const { state, sha256 } = config;
    const reasons = withoutEffect(config, settings);
    const isAccepting = !options.show && !options.revoke;
    const accepting = isAccepting && isOpen(state) ? sha256 : undefined;
    const acceptingSetup = isAccepting && isOpen(setup.state) ? setup.sha256 : undefined;
    const isAny = accepting !== undefined || acceptingSetup !== undefined;
    if (isAny && !options.yes && !(await isAccepted({ config, setup }, reasons, json))) {
      print('Nothing was accepted.');
      return EXIT.done;
    }
    // A file that can't be read, or is a link, can't be accepted either.
    if (state === 'invalid' && isAccepting && acceptingSetup === undefined)
      throw new MamError('refused', config.notice?.what ?? '', config.notice?.person);
    let more = '';
    if (options.revoke || isAny) {
      const { removeTrust, writeTrust } = await import('../trust/trusted.ts');
      ensureHome(homePaths(home));
      if (accepting !== undefined) writeTrust(home, config.path, accepting);
      if (acceptingSetup !== undefined) writeTrust(home, setup.path, acceptingSetup);
      if (options.revoke) {
        const were = [config.path, setup.path].map((path) => removeTrust(home, path));
        if (!were.includes(true)) more = ' It was not trusted.';
      }
      if (more === '' && OF_THE_HUB.some((name) => config.all[name] !== undefined)) more = ` ${KEPT}`;
      config = await readProjectConfig(projectFolder, home);
      setup = await readSetup(projectFolder, home);
    }
    tell({ config, setup }, reasons, json, more);
    return EXIT.done;
  },
});

/** The files of a project that may need trust. */
interface Files {
  config: ProjectConfig;
  setup: WorktreeSetup;
}

/** True for what can be accepted. */
function isOpen(state: ProjectConfig['state']): boolean {
  return state === 'untrusted' || state === 'changed';
}

function tell({ config, setup }: Files, reasons: Record<string, string>, json: boolean, more = ''): void {
  const { path, state, ignored, notice } = config;
  const script = setupSentence(setup);
  // Of a project that has only a script, only that is meant.
  const isOnlyScript = state === 'absent' && script !== undefined;
  const sentences = [...(isOnlyScript ? [] : [sentence(config)]), ...(script === undefined ? [] : [script])];
  const summary = sentences.join(' ') + more;
  const fix = state === 'invalid' ? notice?.person : undefined;
  const isLeft = isOpen(setup.state);
  const own = isLeft ? 'mam trust' : (NEXT[state] ?? NEXT[setup.state === 'invalid' ? 'none' : setup.state]);
  const next = fix ?? own ?? `Nothing needs to be accepted in ${shellWord(path)}.`;
  const all = [...new Set([...ignored, ...Object.keys(reasons)])];
  const { sha256: _, why: __, ...shownSetup } = setup;
  const view = {
    ...{ summary, path, state, settings: shown(config), ignored: all, reasons },
    ...(setup.state !== 'absent' && { setup: shownSetup }),
    next,
  };
  const lines = Object.entries(shown(config)).flatMap(([name, value]) => {
    const why = reasons[name];
    const mark = why !== undefined ? ` (ignored: ${why})` : ignored.includes(name) ? ' (ignored)' : '';
    return name === 'agents' && isObject(value)
      ? agentLines(value, mark)
      : [`  ${name}${mark}: ${JSON.stringify(value)}`];
  });
  const text = setup.text === undefined ? [] : [`${clean(setup.path)}:`, ...indented(setup.text)];
  printAnswer(json, view, [summary, ...lines, ...text, ...(fix === undefined ? [] : [fix])].join('\n'));
}

function setupSentence({ path, state, why }: WorktreeSetup): string | undefined {
  if (state === 'absent') return undefined;
  return state === 'invalid' ? `${clean(path)} is never run: ${why}.` : `${clean(path)} ${STATES[state]}.`;
}

function indented(text: string): string[] {
  return clean(text)
    .trimEnd()
    .split('\n')
    .map((line) => INDENT + line);
}

function sentence({ path, state, notice }: ProjectConfig): string {
  if (state === 'invalid') return notice?.what ?? '';
  return state === 'absent' ? `There is no ${clean(path)}.` : `${clean(path)} ${STATES[state]}.`;
}

function agentLines(agents: Record<string, unknown>, mark: string): string[] {
  return Object.entries(agents).flatMap(([kind, entry]) => {
    const name = `  agents.${word(kind)}`;
    const marks = `${mark}${builtIn(kind) === undefined ? '' : ' (changes a built-in kind)'}`;
    if (!isObject(entry) || Object.keys(entry).length === 0)
      return [`${name}${marks}: ${JSON.stringify(entry)}`];
    return Object.entries(entry).map(([key, value]) => {
      const text =
        key === 'command' && Array.isArray(value) ? value.map(word).join(' ') : JSON.stringify(value);
      return `${name}.${word(key)}${marks}: ${text}`;
    });
  });
}

/** A foreign word, quoted if a blank or line break in it could be mistaken for one between words. */
function word(value: unknown): string {
  return typeof value === 'string' && shellWord(value) === value ? value : JSON.stringify(value);
}

/** Shows a person what the file asks for, and asks. @throws MamError `refused` if nobody can be asked */
async function isAccepted(files: Files, reasons: Record<string, string>, json: boolean): Promise<boolean> {
  if (json || !canAsk()) {
    throw new MamError(
      'refused',
      `Nothing was accepted: only a person can accept ${isOpen(files.config.state) ? files.config.path : files.setup.path}.`,
      'Look at it with `mam trust --show`, then run `mam trust` in a terminal, or add --yes.',
    );
  }
  tell(files, reasons, false);
  return askYes('Accept?');
}

/** Everything that the file sets, without passwords. */
function shown({ all }: ProjectConfig): Record<string, unknown> {
  const rows = ALL_SETTINGS.flatMap(({ key, kind, shown: rule }) => {
    if (key === undefined || all[key] === undefined) return [];
    const value = kind === 'url' ? redactUrls(brokerUrls(String(all[key]))) : all[key];
    return [[key, rule === 'secret' ? '(set)' : value] as const];
  });
  return Object.fromEntries(rows);
}
