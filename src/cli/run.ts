import { clean } from '../job/text.ts';
import { nearest } from '../nearest.ts';
import { VERSION } from '../version.ts';
import { endWithReader } from './command-line.ts';
import { commands } from './index.ts';

/** Exit code for wrong usage, as sysexits has it. */
const USAGE = 64;

/**
 * Runs one command.
 * @param name the first word of the command line
 * @returns the exit code: 64 for an unknown command, with one sentence on stderr
 */
export async function runCommand(name: string, args: string[]): Promise<number> {
  endWithReader();
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return 0;
  }
  if (name === 'version' || name === '--version' || name === '-V' || name === '-v') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const near = nearest(name, ['help', ...Object.keys(commands)]);
    const meant = near === undefined ? 'See mam help.' : `Did you mean mam ${near}?`;
    process.stderr.write(`mam: there is no command "${clean(name).slice(0, 40)}". ${meant}\n`);
    return USAGE;
  }
  return (await command.load()).run(args);
}

function help(): string {
  const width = Math.max(8, ...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    `mam ${VERSION}: delegates jobs to agents that live in tmux panes, and hears when they are done.`,
    '',
    'Usage: mam COMMAND [options]',
    '',
    ...(list.length > 0 ? ['Commands:', ...list, ''] : []),
    'Without a command, and with stdin not a terminal, mam is the MCP server on stdio.',
    'Connect it to Claude Code:  mam install claude-code',
    'Connect it to Codex:        mam install codex',
    '',
  ].join('\n');
}
