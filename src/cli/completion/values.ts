import { spawnSync } from 'node:child_process';
import { KINDS } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import { userHome } from '../../base/user-home.ts';
import { newestJobs } from '../../registry/newest-jobs.ts';
import { loadSettings, type Settings } from '../../settings/config.ts';
import { IS_HIDDEN_FORMAT, STARTED_FORMAT } from '../../tmux/marks.ts';
import { checkTmuxSocket } from '../../trust/socket.ts';
import { endWithReader } from '../core/output.ts';

const MAX_JOBS = 100;
const ABOUT_CHARS = 60;
/** How long to wait for tmux, in ms: a person is waiting for the completion. */
const TMUX_MS = 1_000;
/** tmux does not allow it in a session's name. */
const SEPARATOR = ':';

type Offer = [value: string, about: string];

const SOURCES: Readonly<Record<string, (settings: Settings) => Offer[]>> = { jobs, agents, sessions };

/**
 * `mam completion-values jobs|agents|sessions [REGISTRY]`, which the scripts of `mam completion` call: one value per
 * line, followed by a tab and a short description. It changes nothing, starts no hub, and reports no errors: the user is in the
 * middle of a line.
 */
export async function run([source = '', registry = '']: string[]): Promise<number> {
  endWithReader();
  try {
    // The shell has not expanded it yet.
    const registryDir = registry.replace(/^~(?=\/|$)/, () => userHome());
    const offers = Object.hasOwn(SOURCES, source)
      ? SOURCES[source]?.(await loadSettings({ registryDir }))
      : undefined;
    const lines = offers
      // Only what stays one line and one column in a shell.
      ?.filter(([value]) => value !== '' && cleanLine(value, Number.POSITIVE_INFINITY) === value)
      .map(([value, about]) => `${value}\t${cleanLine(about, ABOUT_CHARS)}\n`);
    process.stdout.write(lines?.join('') ?? '');
  } catch {
    // The command itself reports an unreadable configuration.
  }
  return 0;
}

function jobs({ registryDir, home }: Settings): Offer[] {
  return newestJobs(registryDir, home, MAX_JOBS).map(({ job_id, status, prompt_preview }) => [
    job_id,
    `${status}: ${prompt_preview}`,
  ]);
}

function agents({ agents: configured }: Settings): Offer[] {
  const own = Object.keys(configured).filter((name) => !KINDS.some((kind) => kind.name === name));
  return [
    ...KINDS.map(({ name, title }): Offer => [name, title]),
    ...own.map((name): Offer => [name, 'from your configuration']),
  ];
}

function sessions({ tmuxSocket }: Settings): Offer[] {
  checkTmuxSocket(tmuxSocket);
  const format = [IS_HIDDEN_FORMAT, STARTED_FORMAT, '#{pane_current_command}', '#{session_name}'];
  const { stdout } = spawnSync(
    'tmux',
    // -u: otherwise tmux replaces what is not ASCII by _. -N: never start a server.
    ['-u', '-N', '-S', tmuxSocket, 'list-panes', '-a', '-F', format.join(SEPARATOR)],
    { cwd: '/', encoding: 'utf8', timeout: TMUX_MS, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const found = new Map<string, { agent: string; command: string }>();
  for (const line of stdout.split('\n')) {
    const [hidden, agent = '', ...rest] = line.split(SEPARATOR);
    const name = rest.pop() ?? '';
    if (hidden === '1' || name === '') continue;
    if (agent !== '' || !found.has(name)) found.set(name, { agent, command: rest.join(SEPARATOR) });
  }
  return [...found]
    .sort(([, a], [, b]) => Number(a.agent === '') - Number(b.agent === ''))
    .map(([name, { agent, command }]) => [name, agent === '' ? command : `${agent}, started by mam`]);
}
