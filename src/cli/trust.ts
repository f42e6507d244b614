import { redactUrl } from '../bus/address.ts';
import { loadSettings } from '../config.ts';
import { MamError } from '../errors.ts';
import { clean } from '../job/text.ts';
import { ensureHome, homePaths } from '../registry/home.ts';
import { type ProjectConfig, readProjectConfig } from '../trust/project-config.ts';
import { shellWord } from '../view/shell-word.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isTerminal, print, printJson } from './core/output.ts';

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
    'Look at them with --show first. On a terminal it shows them and asks; elsewhere it accepts nothing without --yes. ' +
      'What was accepted is kept in MAM_HOME, by the path and the content of the file.',
  ],
  options: {
    show: { type: 'flag', about: 'show what the file asks for, and accept nothing' },
    yes: { type: 'flag', about: 'accept without being asked' },
    revoke: { type: 'flag', about: 'accept it no longer' },
  },
  json: '`summary`, `path`, `state` (none, trusted or untrusted), `settings` (what the file sets; passwords are left out), `ignored` (the settings that do not count) and `next`',
  exits: { done: 'done, also when there is nothing to accept' },
  examples: ['mam trust --show', 'mam trust', 'mam trust --yes', 'mam trust --revoke'],

  async run({ options, json }) {
    if (options.show && options.revoke)
      throw new MamError('bad_input', '--show and --revoke exclude each other.', 'Give one of them.');
    const { projectFolder, home } = await loadSettings();
    let config = await readProjectConfig(projectFolder, home);
    const accepting =
      !options.show && !options.revoke && config.ignored.length > 0 && config.sha256 !== undefined;
    if (accepting && !options.yes && !(await isAccepted(config, json))) {
      print('Nothing was accepted.');
      return EXIT.done;
    }
    if (options.revoke || accepting) {
      const { removeTrust, writeTrust } = await import('../trust/trusted.ts');
      ensureHome(homePaths(home));
      if (options.revoke) removeTrust(home, config.path);
      else if (config.sha256 !== undefined) writeTrust(home, config.path, config.sha256);
      config = await readProjectConfig(projectFolder, home);
    }
    // A file that can't be read, or is a link, can't be accepted either.
    if (config.notice !== undefined && config.sha256 === undefined && !options.revoke && !options.show)
      throw new MamError('refused', config.notice.what, 'Fix or remove it.');
    tell(config, json);
    return EXIT.done;
  },
});

function tell(config: ProjectConfig, json: boolean): void {
  const { path, ignored, sha256, notice } = config;
  const state = sha256 === undefined ? 'none' : ignored.length === 0 ? 'trusted' : 'untrusted';
  const summary =
    notice !== undefined && sha256 === undefined ? notice.what : `${clean(path)} ${STATES[state]}.`;
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

/** Shows a person what the file asks for. @throws MamError `refused` where nobody can be asked */
async function isAccepted(config: ProjectConfig, json: boolean): Promise<boolean> {
  if (json || !process.stdin.isTTY || !isTerminal()) {
    throw new MamError(
      'refused',
      `${config.path} is accepted by a person.`,
      'Look at it with `mam trust --show`; a person accepts it with `mam trust` in a terminal, or with --yes.',
    );
  }
  tell(config, false);
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and the end of the input are no.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question('Accept? [y/N] '), closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
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
