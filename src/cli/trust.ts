import { redactUrl } from '../bus/address.ts';
import { loadSettings } from '../config.ts';
import { MamError } from '../errors.ts';
import { clean } from '../job/text.ts';
import { ensureHome, homePaths } from '../registry/home.ts';
import { type ProjectConfig, readProjectConfig } from '../trust/project-config.ts';
import { shellWord } from '../view/shell-word.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printJson } from './core/output.ts';

const STATES = {
  none: 'has no settings that need trust',
  trusted: 'is trusted',
  untrusted: 'is not trusted',
} as const;

export default defineCommand({
  about: [
    'Accepts the settings of this project that could make something run or lead somewhere: programs, brokers, tmux ' +
      'sockets, folders outside of the project. A clone brings them, so they count only after this. When the file ' +
      'changes, it has to be accepted again.',
    'Look at them with --show first. What was accepted is kept in MAM_HOME, by the path and the content of the file.',
  ],
  options: {
    show: { type: 'flag', about: 'show what the file asks for, and accept nothing' },
    revoke: { type: 'flag', about: 'accept it no longer' },
  },
  json: '`summary`, `path`, `state` (none, trusted or untrusted), `settings` (what the file sets; passwords are left out), `ignored` (the settings that do not count) and `next`',
  exits: { done: 'done, also when there is nothing to accept' },
  examples: ['mam trust --show', 'mam trust', 'mam trust --revoke'],

  async run({ options, json }) {
    if (options.show && options.revoke)
      throw new MamError('bad_input', '--show and --revoke exclude each other.', 'Give one of them.');
    const { projectFolder, home } = await loadSettings();
    let config = await readProjectConfig(projectFolder, home);
    if (options.revoke || (!options.show && config.sha256 !== undefined)) {
      const { removeTrust, writeTrust } = await import('../trust/trusted.ts');
      ensureHome(homePaths(home));
      if (options.revoke) removeTrust(home, config.path);
      else if (config.sha256 !== undefined) writeTrust(home, config.path, config.sha256);
      config = await readProjectConfig(projectFolder, home);
    }
    // A file that can't be read, or is a link, can't be accepted either.
    if (config.notice !== undefined && config.sha256 === undefined && !options.revoke && !options.show)
      throw new MamError('refused', config.notice, 'Fix or remove it.');
    tell(config, json);
    return EXIT.done;
  },
});

function tell(config: ProjectConfig, json: boolean): void {
  const { path, ignored, sha256, notice } = config;
  const state = sha256 === undefined ? 'none' : ignored.length === 0 ? 'trusted' : 'untrusted';
  const summary = notice !== undefined && sha256 === undefined ? notice : `${clean(path)} ${STATES[state]}.`;
  const next =
    state === 'untrusted'
      ? 'mam trust'
      : state === 'trusted'
        ? 'mam trust --revoke'
        : `Nothing has to be accepted in ${shellWord(path)}.`;
  const settings = shown(config);
  if (json) {
    printJson({ summary, path, state, settings, ignored, next });
    return;
  }
  const lines = Object.entries(settings).map(([name, value]) => {
    const mark = ignored.includes(name) ? ' (ignored)' : '';
    return `  ${name}${mark}: ${clean(JSON.stringify(value))}`;
  });
  print([summary, ...lines].join('\n'));
}

/** Everything that the file sets, for a person who decides on it. */
function shown({ all = {} }: ProjectConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      if (name === 'broker_password') return [name, '(set)'];
      return [name, name === 'broker_url' ? redactUrl(String(value)) : value];
    }),
  );
}
