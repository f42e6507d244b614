import { existsSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { clean, cleanLine } from '../base/text.ts';
import { attachOver, attachTo, sessionNow, sessionsOf } from '../boards/terminal/attach-session.ts';
import { needOf, needsAttention } from '../job/apply.ts';
import type { JobHome } from '../job/home.ts';
import type { JobRecord } from '../job/record.ts';
import { addressOf } from '../operations/host-address.ts';
import { whyNotFound } from '../registry/away.ts';
import { foldOwn } from '../registry/history.ts';
import { type Home, homePaths, readRegistries } from '../registry/home.ts';
import { openRecords } from '../registry/open-records.ts';
import { hasJob } from '../registry/paths.ts';
import type { Settings } from '../settings/config.ts';
import { outOfReach, serverOn } from '../tmux/server-life.ts';
import { type AttachTarget, attachAt, attacher, type Standpoint } from '../view/attach.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isBoardPossible, note, printJson } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { onlyAsking } from './jobs/asking.ts';
import { openElsewhere } from './jobs/elsewhere.ts';
import { jobIdOf } from './jobs/job-argument.ts';

interface Target {
  session: AttachTarget;
  jobId?: string;
  /** Of a job on another machine. */
  home?: JobHome | undefined;
  /** The other machine that it is on. */
  host?: string | undefined;
}

export default defineCommand({
  synopsis: '[ID|NAME]',
  about: [
    "Shows a job's agent on this terminal, or any tmux session by its name; Ctrl-b d detaches. Inside the same tmux server it switches to that session. An agent on another machine is shown over ssh, if `hosts` says how.",
    'Without an argument: the only open job here that needs you, or if none does, the only open job with a pane.',
  ],
  words: [
    {
      name: 'NAME',
      about: 'a job id, any unique part of one, or the name of a tmux session, also as NAME@HOST',
      completes: 'place',
    },
  ],
  options: {},
  json: 'Does not attach, but prints `summary`, `target`, `attach_command`, `job_id` for a job, `host` for one on another machine, and `next`',
  exits: { done: 'you attached and detached again, or switched to the session' },
  examples: [
    'mam attach',
    'mam attach k3f9x2ab-fix-login-test',
    'mam attach codex',
    'mam attach codex@hostb',
  ],

  async run({ words: [given], registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const standpoint: Standpoint = { ...settings, inside: settings.paneSocket };
    const target = find(given ?? onlyPlace(settings), settings);
    const { session, jobId, home, host = home?.host } = target;
    const name = cleanLine(session.session, 200);
    const command =
      home === undefined
        ? attachAt(host, session, standpoint)
        : (attacher(standpoint)({ job_id: jobId, agent_session: session, home }) ?? '');
    const on = host === undefined ? '' : ` on ${host}`;
    if (json) {
      printJson({
        summary: `${jobId === undefined ? 'The session' : `The agent of job ${jobId}`} is in tmux:${name}${on}.`,
        job_id: jobId,
        target: `tmux:${name}`,
        host,
        attach_command: command,
        next: command,
      });
      return EXIT.done;
    }
    if (!isBoardPossible())
      throw new MamError(
        'unavailable',
        'There is no terminal here to show it on.',
        `In a terminal, run: ${command}`,
      );
    if (given === undefined) note(`attaching to ${jobId ?? name}${on}.`);
    if (host === undefined) attachTo(session, standpoint);
    else attachOver(host, session, jobId, standpoint);
    return EXIT.done;
  },
});

/** The job that is meant without an argument. @throws MamError as `onlyAsking` */
function onlyPlace({ registryDir, home }: Settings): string {
  const hasPane = (job: JobRecord): boolean => job.agent_session !== undefined;
  const placed = openRecords(registryDir, homePaths(home)).filter(hasPane);
  const needy = placed.filter(needsAttention);
  const [among, what] =
    needy.length > 0
      ? [needy, { one: 'needs you in a pane', several: 'need you in a pane' }]
      : [placed, { one: 'has a pane', several: 'have a pane' }];
  const command = (job: JobRecord): string => {
    const { job_id, prompt_preview } = job;
    return `mam attach ${job_id} # ${needOf(job) ?? job.status}: ${cleanLine(prompt_preview, 60)}`;
  };
  const others = openElsewhere({ registryDir, home }).filter(hasPane);
  return onlyAsking(among, what, command, others).job_id;
}

/** A whole id comes before a session's name, that before a part of an id. @throws MamError `not_found`, `unavailable` */
function find(given: string, settings: Settings): Target {
  const { registryDir, home, tmuxSocket } = settings;
  const { host, session = given } = addressOf({ session: given }, settings, 'NAME');
  if (host !== undefined) return { session: sessionThere(session.replace(/^tmux:/, '')), host };
  const name = given.replace(/^tmux:/, '');
  const paths = homePaths(home);
  const places = [registryDir, ...readRegistries(paths)];
  const holder = (id: string): string | undefined =>
    isJobId(id) ? places.find((place) => hasJob(place, id)) : undefined;
  const whole = holder(given);
  if (whole !== undefined) return ofJob(whole, given, paths);
  const live = sessionsOf(tmuxSocket);
  if (live.includes(name)) return { session: { session: name, socket: tmuxSocket } };
  if (live.length === 0) checkReach(tmuxSocket);
  const begun = isJobId(given) ? jobIdOf(settings, given) : given;
  const found = holder(begun);
  if (found !== undefined) return ofJob(found, begun, paths);
  const why = isJobId(given) ? whyNotFound(paths, given, places) : undefined;
  if (why !== undefined && given.includes('-')) throw why;
  throw new MamError(
    'not_found',
    `There is no job and no tmux session "${clean(given).slice(0, 64)}".`,
    `${liveText(live)} \`mam list\` shows jobs.`,
  );
}

/** A session or pane of another machine, on the tmux server that is the default there. */
function sessionThere(name: string): AttachTarget {
  return { session: name, socket: '', ...(name.startsWith('%') && { pane: name }) };
}

function ofJob(registryDir: string, jobId: string, home: Home): Target {
  const { record } = foldOwn(registryDir, jobId, home);
  const { agent_session: session, agent, home: far, new_session: own } = record;
  if (session === undefined && own !== undefined && record.status === 'queued')
    throw new MamError(
      'unavailable',
      `Job ${jobId} has no session yet: ${clean(own.name)} is started when it is its turn.`,
      `\`mam status ${jobId}\` shows what it waits for.`,
    );
  if (session === undefined)
    throw new MamError(
      'unavailable',
      `Job ${jobId} has no session: it was given to ${agent === 'human' ? 'a person' : agent}.`,
      `\`mam status ${jobId}\` shows its state.`,
    );
  // Only that machine knows what became of it.
  if (far !== undefined) return { session, jobId, home: far };
  const now = sessionNow(session);
  if (now === undefined) {
    checkReach(session.socket);
    throw new MamError(
      'unavailable',
      `Pane ${session.pane} of job ${jobId}, in session ${clean(session.session)}, is gone.`,
      `${liveText(sessionsOf(session.socket))} \`mam logs ${jobId}\` shows what happened.`,
    );
  }
  return { session: { ...session, session: now }, jobId };
}

/** @throws MamError `unavailable` if a tmux server is running whose socket file is gone */
function checkReach(socket: string): void {
  const lost = existsSync(socket) ? undefined : serverOn(socket);
  if (lost !== undefined) throw outOfReach(socket, lost);
}

function liveText(live: readonly string[]): string {
  return live.length === 0
    ? 'No session is running on this tmux server.'
    : `Live sessions: ${live.map(clean).join(', ')}.`;
}
