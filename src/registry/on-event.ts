import { readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from '../base/durable.ts';
import { systemCode } from '../base/errors.ts';
import { makeFolder, namesIn } from '../base/folders.ts';
import { parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { identify, type ProcessId } from '../base/process-id.ts';
import { readForeign, replaceOwn } from '../trust/files.ts';

/** A waiting event: the job, and the event of its journal. */
const WAITING = /^([a-z0-9-]+)\.(\d+)(?:\.home-\d+)?\.json$/;
/** A file that a killed hub was writing. */
const UNFINISHED = /\.new$/;

/** How the `on_event` command ended last. */
const endSchema = z.object({
  at: z.string().describe('when it was started'),
  event: z.string(),
  count: z.number(),
  job_id: z.string().optional(),
  took_ms: z.number(),
  problem: z
    .string()
    .optional()
    .describe('why it failed, with the last line of its errors; absent: it worked'),
  failing_since: z.string().optional(),
  failures: z.number().optional().describe('how many times in a row'),
});
export type OnEventEnd = z.infer<typeof endSchema>;

/** A run of the command, noted before it begins. */
const runSchema = z.object({
  names: z.array(z.string()).describe('the events that it is run for'),
  process: z.object({ pid: z.number().int(), start: z.string(), ns: z.string().optional() }).optional(),
});

/**
 * The events that wait for the `on_event` command, one file each. A file is removed, and its removal flushed to the
 * disk, before the command is run: no later hub runs it again.
 */
export class OnEventFiles {
  readonly #folder: string;

  /** @param folder `on-event` in `MAM_HOME` */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Keeps an event for the next hub, unless it is run before. @throws the system's error */
  put(name: string, event: object): void {
    makeFolder(this.#folder);
    const path = join(this.#folder, name);
    try {
      writeFileSync(path, JSON.stringify(event), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      // A full disk leaves an empty file.
      if (systemCode(error) !== 'EEXIST') orElse(() => rmSync(path, { force: true }), undefined);
      throw error;
    }
  }

  /** What the last hub left. Files that can't be read are removed: they were cut by a crash. */
  waiting(): { name: string; event: unknown }[] {
    for (const name of namesIn(this.#folder))
      if (UNFINISHED.test(name)) rmSync(join(this.#folder, name), { force: true });
    const found = namesIn(this.#folder)
      .filter((name) => WAITING.test(name))
      .map((name) => ({ name, event: parseJson(orElse(() => readForeign(join(this.#folder, name)), '')) }));
    for (const { name, event } of found)
      if (event === undefined) rmSync(join(this.#folder, name), { force: true });
    return found.filter(({ event }) => event !== undefined);
  }

  /**
   * Takes events out, for good.
   * @returns `ours`: those to run; `stuck`: those whose file can't be removed, and that must not be run. Another hub has
   * taken the rest.
   */
  async take(names: readonly string[]): Promise<{ ours: Set<string>; stuck: Map<string, unknown> }> {
    const [ours, stuck] = [new Set<string>(), new Map<string, unknown>()];
    for (const name of names) {
      try {
        unlinkSync(join(this.#folder, name));
        ours.add(name);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') stuck.set(name, error);
      }
    }
    // Only a crash of the machine could bring them back.
    if (ours.size > 0) await syncFolder(this.#folder).catch(() => {});
    return { ours, stuck };
  }

  /** Notes what is about to be run, and its process once it is known. On a full disk there is no note. */
  noteRun(names: readonly string[], pid?: number): void {
    const process = pid === undefined ? undefined : identify(pid);
    orElse(() => {
      makeFolder(this.#folder);
      replaceOwn(this.#run, JSON.stringify({ names, process }));
    }, undefined);
  }

  /** What a hub that was killed had begun. */
  leftRun(): { names: string[]; process?: ProcessId | undefined } | undefined {
    return runSchema.safeParse(parseJson(orElse(() => readFileSync(this.#run, 'utf8'), ''))).data;
  }

  endRun(): void {
    orElse(() => rmSync(this.#run, { force: true }), undefined);
  }

  /** How the command ended last; undefined if it has not been run, or that can't be read. */
  get last(): OnEventEnd | undefined {
    return endSchema.safeParse(parseJson(orElse(() => readForeign(this.#last), ''))).data;
  }

  /** @throws the system's error */
  keepLast(end: OnEventEnd): void {
    makeFolder(this.#folder);
    replaceOwn(this.#last, JSON.stringify(end));
  }

  get #run(): string {
    return join(this.#folder, 'running.json');
  }

  get #last(): string {
    return join(this.#folder, 'last.json');
  }
}

/** What the command was run for, in words. */
export function runFor({ event, count, job_id }: Pick<OnEventEnd, 'event' | 'count' | 'job_id'>): string {
  if (job_id !== undefined) return `${event} of ${job_id}`;
  return count === 1 ? `a ${event} event` : `${count} events`;
}

/**
 * The name of a job's event among those that wait.
 * @param episode of what is not an event, such as a host that is away
 */
export function waitingName(jobId: string, seq: number, episode?: number): string {
  return `${jobId}.${seq}${episode === undefined ? '' : `.home-${episode}`}.json`;
}
