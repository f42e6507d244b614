import { nearest } from '../base/nearest.ts';
import { cleanLine } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { EXIT } from './core/exit.ts';
import { endWithReader, fail, print } from './core/output.ts';
import { runDeclared } from './core/run-declared.ts';
import { commands } from './index.ts';

/** Runs one command by its name. @returns the exit code: 64 for an unknown one, with a sentence on stderr */
export async function runCommand(name: string, args: string[]): Promise<number> {
  endWithReader();
  if (name === 'help' && args[0] !== undefined) return runCommand(args[0], ['--help']);
  if (name === 'help' || name === '--help' || name === '-h') {
    print(overview().trimEnd());
    return EXIT.done;
  }
  if (name === 'version' || name === '--version' || name === '-V' || name === '-v') {
    print(VERSION);
    return EXIT.done;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const near = meantBy(name, args[0]) ?? nearest(name, ['help', ...Object.keys(commands)]);
    const meant = near === undefined ? 'See mam help.' : `Did you mean mam ${near}?`;
    const what = name.startsWith('-') ? 'option' : 'command';
    return fail(`there is no ${what} "${cleanLine(name, 40)}". ${meant}`, EXIT.usage);
  }
  return runDeclared(name, await command.load(), args);
}

/** What users of other programs may type, and the command for it. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  uninstall: 'install CLIENT --uninstall',
  remove: 'install CLIENT --uninstall',
  ls: 'list',
  ps: 'list',
  jobs: 'list',
  show: 'status',
  delegate: 'submit',
  run: 'submit',
  kill: 'cancel',
  tail: 'logs --follow',
  ui: 'watch',
};

function meantBy(name: string, word: string | undefined): string | undefined {
  const command = Object.hasOwn(OTHER_WORDS, name) ? OTHER_WORDS[name] : undefined;
  return word !== undefined && /^[a-z-]{1,20}$/.test(word) ? command?.replace('CLIENT', word) : command;
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = [...new Set(Object.values(commands).map(({ group }) => group))].flatMap((title) => [
    `${title}:`,
    ...Object.entries(commands)
      .filter(([, { group }]) => group === title)
      .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
  ]);
  return [
    `mam ${VERSION}: delegates jobs to agents in tmux panes, and reports when they are done.`,
    '',
    'Usage: mam COMMAND [options]',
    '',
    ...list,
    'mam COMMAND --help shows an example. Without a command, and if stdin is not a terminal, mam is the',
    'MCP server on stdio; `mam install CLIENT` connects it to Claude Code, Codex and others.',
    '',
  ].join('\n');
}
