import { MamError } from '../../base/errors.ts';
import { isFolder } from '../../base/folders.ts';
import { isObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { orElse } from '../../base/or-else.ts';
import { isAlive } from '../../base/process-id.ts';
import { sendSignal } from '../../base/processes.ts';
import { clean, counted, harmlessJson } from '../../base/text.ts';
import { knownUserHome } from '../../base/user-home.ts';
import { homeNews, isOver } from '../../job/home-state.ts';
import type { TestEventResult } from '../../operations/housekeeping.ts';
import type { Home } from '../../registry/home.ts';
import { OnEventFiles, runFor, waitingName } from '../../registry/on-event.ts';
import { onEventCommand } from '../../settings/config.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { ON_EVENT_VARIABLES } from '../../settings/table.ts';
import {
  type OutsideChange,
  type OutsideEvent,
  type OutsideKind,
  outsideChange,
  outsideEvents,
  outsideKind,
  outsideTest,
} from '../../view/outside-event.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import { Allowance } from './allowance.ts';
import { type CommandEnd, runCommand } from './run-command.ts';

/** How long the command may run, in ms. */
const COMMAND_TIMEOUT_MS = 30_000;
/** How long the hub's end waits for the command that is running, in ms. */
const END_TIMEOUT_MS = 1_500;
/** How soon events are tried again whose files can't be removed, in ms. */
const RETRY_MS = 10_000;
/** How many events wait at most; more are only counted. */
const MOST_WAITING = 1_000;

type Command = NonNullable<ReturnType<typeof onEventCommand>>;

/** An event that waits for the command. */
interface Waiting {
  name: string;
  change: OutsideChange;
  /** It has a file, which must be removed before the command is run for it. */
  isKept: boolean;
}

/**
 * Runs the user's `on_event` command when a job needs someone or is final: one at a time, and several events together
 * when there are too many. Never twice for one event: a killed hub may lose one instead.
 */
export class OnEvent {
  readonly #home: string;
  readonly #log: Log;
  readonly #files: OnEventFiles;
  readonly #allowance = new Allowance();
  /** Recorded, and not looked at yet. */
  readonly #fresh: { job: LiveJob; recorded: Recorded }[] = [];
  #waiting: Waiting[] = [];
  /** Events that were only counted. */
  #uncounted = 0;
  /** The command as it was when the settings could last be read. */
  #command: Command | undefined;
  #running: Promise<unknown> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;
  readonly #stop = new AbortController();

  /** @param command as the hub was started with */
  constructor({ home, log, command }: { home: Home; log: Log; command: Command | undefined }) {
    this.#home = home.folder;
    this.#log = log;
    this.#files = new OnEventFiles(home.onEvent);
    this.#command = command;
  }

  get hasWork(): boolean {
    return this.#fresh.length + this.#waiting.length > 0 || this.#running !== undefined;
  }

  onRecorded(job: LiveJob, recorded: Recorded): void {
    if (kindOf(recorded) === undefined) return;
    // Later, so that this does not delay those who wait for the event.
    if (this.#fresh.push({ job, recorded }) === 1) setImmediate(() => this.#takeFresh());
  }

  /** Continues with what the last hub left, except what it had begun to run. Never throws. */
  takeUp(): void {
    try {
      const left = this.#files.leftRun();
      if (left !== undefined) this.#endLeft(left);
      for (const { name, event } of this.#files.waiting())
        if (left?.names.includes(name)) void this.#files.take([name]);
        else if (isChange(event)) this.#waiting.push({ name, change: event, isKept: true });
      this.#waiting.sort((a, b) => a.change.at.localeCompare(b.change.at));
      this.#go();
    } catch (error) {
      this.#log.error('on_event: what the last hub left was not taken up', error);
    }
  }

  /** Runs the command with a test event, after the one that is running. @throws MamError `bad_input` if there is none */
  async test(): Promise<TestEventResult> {
    while (this.#running !== undefined) await this.#running;
    const command = this.#readCommand();
    if (command === undefined)
      throw new MamError(
        'bad_input',
        'on_event is not set.',
        `Set it in ${this.#home}/config.json, for example {"on_event": "notify-send mam"}; docs/how-to/notifications.md has recipes.`,
      );
    const run = this.#call(command, outsideTest(new Date().toISOString()), []);
    this.#hold(run.then(() => 0));
    return run;
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
  }

  /** Leaves what waits to the next hub, and waits a moment for the command that is running. */
  async flush(): Promise<void> {
    this.#takeFresh();
    const limit = setTimeout(() => this.#stop.abort(), END_TIMEOUT_MS);
    await this.#running;
    clearTimeout(limit);
  }

  #takeFresh(): void {
    const fresh = this.#fresh.splice(0);
    if (fresh.length === 0 || this.#readCommand() === undefined) return;
    for (const { job, recorded } of fresh) {
      try {
        this.#add(job, recorded);
      } catch (error) {
        this.#log.error(`on_event: an event of ${job.id} is left out`, error);
      }
    }
    this.#go();
  }

  #add(job: LiveJob, recorded: Recorded): void {
    const { event, after, home } = recorded;
    const kind = kindOf(recorded);
    if (kind === undefined) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#uncounted++;
      return;
    }
    const name = waitingName(job.id, event.seq, home === true ? after.home?.episode : undefined);
    const change = outsideChange(kind, event, after);
    let isKept = true;
    try {
      this.#files.put(name, change);
    } catch (error) {
      // It is run all the same: only the end of the hub would lose it.
      isKept = false;
      this.#log.warn(`on_event: an event is not kept for the next hub: ${(error as Error).message}`);
    }
    this.#waiting.push({ name, change, isKept });
  }

  /** Runs the command as long as events wait. */
  #go(): void {
    if (this.#isOver || this.#running !== undefined || this.#waiting.length === 0) return;
    clearTimeout(this.#retry);
    const pause = this.#allowance.pauseMs();
    if (pause > 0) {
      this.#retry = setTimeout(() => this.#go(), pause);
      return;
    }
    this.#hold(this.#next());
  }

  /** Holds the next run back until this one has ended. @param run returns how long to wait then, in ms */
  #hold(run: Promise<number>): void {
    this.#running = run
      .catch((error: unknown) => {
        this.#log.error('on_event', error);
        return RETRY_MS;
      })
      .then((pause) => {
        this.#running = undefined;
        if (pause === 0) this.#go();
        else if (!this.#isOver) this.#retry = setTimeout(() => this.#go(), pause);
      });
  }

  /** @returns how long to wait before the next one, in ms */
  async #next(): Promise<number> {
    const command = this.#readCommand();
    // More than may be run one by one: all together.
    const isMany = this.#waiting.length + this.#uncounted > this.#allowance.left;
    const chosen = isMany ? this.#waiting : this.#waiting.slice(0, 1);
    const names = chosen.map(({ name }) => name);
    this.#files.noteRun(names);
    const { ours, stuck } = await this.#files.take(
      chosen.filter(({ isKept }) => isKept).map(({ name }) => name),
    );
    const [why] = stuck.values();
    if (why !== undefined) this.#log.error(`on_event: ${counted(stuck.size, 'event')} can't be run`, why);
    const mine = chosen.filter(({ name, isKept }) => !isKept || ours.has(name));
    this.#waiting = this.#waiting.filter((one) => !chosen.includes(one) || stuck.has(one.name));
    const retry = stuck.size > 0 ? RETRY_MS : 0;
    const [first, ...more] = mine.map(({ change }) => change);
    if (first === undefined || command === undefined) {
      this.#files.endRun();
      if (first !== undefined)
        this.#log.info(`on_event is no longer set: ${counted(mine.length, 'event')} left`);
      return retry;
    }
    const uncounted = isMany ? this.#uncounted : 0;
    this.#uncounted -= uncounted;
    const event = more.length + uncounted === 0 ? first : outsideEvents([first, ...more]);
    this.#allowance.use();
    await this.#call(command, { ...event, count: mine.length + uncounted }, names);
    return retry;
  }

  async #call(command: Command, event: OutsideEvent, names: readonly string[]): Promise<TestEventResult> {
    const at = new Date().toISOString();
    const home = knownUserHome();
    const end = await runCommand({
      command,
      input: `${harmlessJson(event)}\n`,
      env: {
        ...scrubbedEnvironment(),
        MAM_HOME: this.#home,
        [ON_EVENT_VARIABLES.event]: event.event,
        [ON_EVENT_VARIABLES.summary]: event.summary,
      },
      cwd: home !== undefined && orElse(() => isFolder(home), false) ? home : '/',
      timeoutMs: COMMAND_TIMEOUT_MS,
      stop: this.#stop.signal,
      started: (pid) => this.#files.noteRun(names, pid),
    });
    this.#files.endRun();
    this.#keepEnd(at, event, end);
    const { took_ms, problem, output } = end;
    return { took_ms, ...(problem !== undefined && { problem }), output: clean(output) };
  }

  #keepEnd(at: string, about: OutsideEvent, { took_ms, problem }: CommandEnd): void {
    const { event, count, job_id } = about;
    const { failing_since = at, failures = 0 } = this.#files.last ?? {};
    if (problem !== undefined) this.#log.warn(`on_event failed for ${runFor(about)}: ${problem}`);
    else if (failures > 0) this.#log.info('on_event works again');
    const failed = problem !== undefined && { problem, failing_since, failures: failures + 1 };
    const id = job_id !== undefined && { job_id };
    try {
      this.#files.keepLast({ at, event, count, took_ms, ...id, ...failed });
    } catch (error) {
      this.#log.warn(`on_event: how it ended is not kept: ${(error as Error).message}`);
    }
  }

  /** The command as the user's file has it now; the last one if that can't be used. */
  #readCommand(): Command | undefined {
    try {
      this.#command = onEventCommand(this.#home);
    } catch (error) {
      const { text } = error as MamError;
      this.#log.warn(`on_event: the settings can't be used, the last ones are: ${text}`);
    }
    return this.#command;
  }

  #endLeft({ names, process }: NonNullable<ReturnType<OnEventFiles['leftRun']>>): void {
    const whose = names.length === 0 ? 'a test event' : names.join(', ').replaceAll('.json', '');
    this.#log.warn(
      `the last hub was killed while on_event ran for ${whose}: it may not have finished, and is not run again`,
    );
    this.#files.endRun();
    if (process === undefined || !isAlive(process)) return;
    const end = () => isAlive(process) && sendSignal(-process.pid, 'SIGKILL');
    setTimeout(end, COMMAND_TIMEOUT_MS).unref();
  }
}

function kindOf({ event, before, after, home }: Recorded): OutsideKind | undefined {
  if (home !== true) return outsideKind(event, after, before);
  const isNews = before !== undefined && homeNews(after) > homeNews(before);
  if (!isNews) return undefined;
  return isOver(after) ? 'final' : 'needs_you';
}

/** What a hub of another version may have left is run as well, if its job is named. */
function isChange(event: unknown): event is OutsideChange {
  return (
    isObject(event) &&
    [event['event'], event['job_id'], event['summary'], event['at']].every((text) => typeof text === 'string')
  );
}
