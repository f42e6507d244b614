import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { isProgram } from '../base/find-program.ts';
import { nearestThere } from '../base/real-place.ts';
import type { ServerEntry } from '../install/client.ts';
import type { Place } from './check.ts';
import type { ServerStart } from './server-probe.ts';

/** What Codex passes to a server by default. */
const CODEX_PASSES = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'USER', 'LANG', 'LC_ALL', 'TERM', 'TMPDIR', 'TZ'];
/** Names that Gemini CLI takes for secrets, and does not pass on. */
const GEMINI_KEEPS = /TOKEN|SECRET|PASSWORD|PASSWD|KEY|AUTH|CREDENTIAL/i;

/** How a client would start the server from this shell: its command, its arguments and its whole environment. */
export function startOfClient(client: string, entry: ServerEntry, { env, cwd }: Place): ServerStart {
  const { command, args } = entry;
  return { command, args, env: { ...passed(client, entry, env), ...entry.env }, cwd: nearestThere(cwd) };
}

/** The file whose absence prevents the start: the program, or the script that an interpreter should run. */
export function missingFile(
  { command, args: [script] }: ServerStart,
  { programs }: Place,
): string | undefined {
  if (
    isAbsolute(command) ? !isProgram(command) : !command.includes('/') && programs.find(command) === undefined
  )
    return command;
  return script !== undefined && isAbsolute(script) && !existsSync(script) ? script : undefined;
}

function passed(client: string, entry: ServerEntry, env: Place['env']): Record<string, string> {
  const passes = (name: string): boolean => {
    if (client === 'codex') return CODEX_PASSES.includes(name) || entry.env_vars?.includes(name) === true;
    return client !== 'gemini' || !GEMINI_KEEPS.test(name);
  };
  return Object.fromEntries(
    Object.entries(env).filter((one): one is [string, string] => one[1] !== undefined && passes(one[0])),
  );
}
