import { spawnSync } from 'node:child_process';
import { builtIn, KINDS, kindNames, startableNames } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import { userHome } from '../../base/user-home.ts';
import { needOf, needsAttention } from '../../job/apply.ts';
import { asksForText, openDecisions } from '../../job/open-request.ts';
import { isFinal } from '../../job/words.ts';
import { type Glance, newestJobs } from '../../registry/newest-jobs.ts';
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
const STARTED = ', started by mam';

type Offer = [value: string, about: string];

const SOURCES: Readonly<Record<string, (settings: Settings) => Offer[]>> = {
  jobs,
  'open-jobs': open,
  'asking-jobs': asking,
  'deciding-jobs': deciding,
  'person-jobs': (settings) => open(settings, ({ agent }) => agent === 'human'),
  places,
  agents,
  startable,
  hosts: ({ hosts }) => hostOffers(hosts),
  sessions,
  'started-sessions': startedSessions,
};

/**
 * `mam completion-values SOURCE [REGISTRY]`, which the scripts of `mam completion` call: one value per line, followed by a
 * tab and a short description. It changes nothing, starts no hub, and reports no errors: the user is in the middle of a
 * line.
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
  return newestJobs(registryDir, home, MAX_JOBS).map(offerOf);
}

/** The open jobs, those that need someone first. */
function open({ registryDir, home }: Settings, wanted: (job: Glance) => boolean = () => true): Offer[] {
  return newestJobs(registryDir, home, MAX_JOBS)
    .filter((job) => !isFinal(job.status) && wanted(job))
    .sort((a, b) => Number(needsAttention(b)) - Number(needsAttention(a)))
    .map(offerOf);
}

/** The same, those that wait for an answer first. */
function asking(settings: Settings): Offer[] {
  const ids = new Set(
    open(settings, ({ requests = [], attention = [] }) => asksForText({ requests, attention })).map(
      ([id]) => id,
    ),
  );
  return open(settings).sort(([a], [b]) => Number(ids.has(b)) - Number(ids.has(a)));
}

function deciding(settings: Settings): Offer[] {
  return open(settings, ({ requests = [] }) => openDecisions({ requests }).length > 0);
}

/** What can be attached to. */
function places(settings: Settings): Offer[] {
  return [...open(settings, ({ agent_session }) => agent_session !== undefined), ...sessions(settings)];
}

function offerOf(job: Glance): Offer {
  const need = isFinal(job.status) ? undefined : needOf(job);
  return [job.job_id, `${need === undefined ? job.status : `needs you (${need})`}: ${job.prompt_preview}`];
}

function agents({ agents: configured }: Settings): Offer[] {
  return kindNames(configured).map((name) => [name, aboutKind(name, configured)]);
}

function aboutKind(name: string, configured: Settings['agents']): string {
  const own = Object.hasOwn(configured, name) ? configured[name] : undefined;
  return own?.about ?? builtIn(name)?.title ?? 'from your configuration';
}

/** The kinds that mam can start. */
function startable({ agents: configured }: Settings): Offer[] {
  return startableNames(configured).map((name) => [name, aboutKind(name, configured)]);
}

function hostOffers(hosts: Settings['hosts']): Offer[] {
  return Object.entries(hosts).map(([name, { ssh }]) => [
    name,
    ssh === undefined ? 'over the broker' : `ssh ${ssh}`,
  ]);
}

function startedSessions(settings: Settings): Offer[] {
  return sessionsHere(settings).filter(([, about]) => about.endsWith(STARTED));
}

/** The sessions here, then the usual ones of each other host: which of them there are, only that host knows. */
function sessions(settings: Settings): Offer[] {
  const far = Object.keys(settings.hosts).flatMap((host) =>
    KINDS.flatMap(({ defaultSession: name, title }): Offer[] =>
      name === undefined ? [] : [[`${name}@${host}`, `${title} on ${host}`]],
    ),
  );
  return [...sessionsHere(settings), ...far];
}

function sessionsHere({ tmuxSocket }: Settings): Offer[] {
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
    .map(([name, { agent, command }]) => [name, agent === '' ? command : `${agent}${STARTED}`]);
}
