import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJobId } from '../../src/base/ids.ts';
import { hasKept } from '../../src/bus/spool/outbox.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { orderText } from '../../src/order/order-text.ts';
import { foldJob } from '../../src/registry/fold.ts';
import { type JobPaths, jobPaths } from '../../src/registry/paths.ts';
import type { LabServer } from './lab-server.ts';
import { LABS } from './processes.ts';
import { until } from './until.ts';

/** The folder of a lab: a home, a project with its registry, and their content. */
export class LabFiles {
  readonly folder = mkdtempSync(LABS);
  readonly home = join(this.folder, 'h');
  readonly project = join(this.folder, 'p');
  readonly registry = join(this.project, '.mam', 'jobs');
  /** Process ids of the hubs that were killed: each leaves its hidden tmux session for some seconds. */
  readonly killedHubs = new Set<number>();

  constructor() {
    mkdirSync(this.project);
  }

  /** True while neither a hub nor a registry has been made. */
  get isUntouched(): boolean {
    return !existsSync(this.home) && !existsSync(join(this.project, '.mam'));
  }

  /** Writes a file of the project and returns its path. */
  write(name: string, text: string, mode = 0o644): string {
    const path = join(this.project, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Writes the user's own configuration: a project's counts only after `mam trust`. */
  configure(config: object | string): void {
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(this.home, 'config.json'), text, { mode: 0o600 });
  }

  /** What the running hub wrote about itself. @throws if none is running */
  hub(home = this.home): { pid: number; socket: string; realm: string; host: string } {
    return JSON.parse(readFileSync(join(home, 'hub.json'), 'utf8'));
  }

  hubLog(home = this.home): string {
    const path = join(home, 'hub.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Waits until the hub's log contains these words. */
  logged(words: string, home = this.home): Promise<boolean> {
    return until(`the log says ${words}`, () => this.hubLog(home).includes(words));
  }

  /** The names in a folder of the home, such as `outbox` or `live`. */
  inHome(folder: string): string[] {
    return readdirSync(join(this.home, folder)).sort();
  }

  /** The ids of all jobs in the registry. */
  jobIds(): string[] {
    return existsSync(this.registry) ? readdirSync(this.registry).filter(isJobId) : [];
  }

  paths(jobId: string, registry = this.registry): JobPaths {
    return jobPaths(registry, jobId);
  }

  /** A job's record, folded from its journal. */
  record(jobId: string, registry = this.registry): JobRecord {
    return foldJob(registry, jobId).record;
  }

  /** The record in `job.json`, which is written some time after the journal. */
  snapshot(jobId: string): JobRecord {
    return JSON.parse(readFileSync(this.paths(jobId).record, 'utf8')) as JobRecord;
  }

  /**
   * A job's journal, from the disk: every seq is one more than the last, and every line is whole, except for one per
   * killed hub that was writing it and told nobody.
   */
  events(jobId: string, registry = this.registry): RecordedEvent[] {
    const path = this.paths(jobId, registry).journal;
    const events: RecordedEvent[] = [];
    let torn = this.killedHubs.size;
    for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
      if (line === '' || (!isJson(line) && torn-- > 0)) continue;
      const { mac: _, ...event } = JSON.parse(line) as RecordedEvent & { mac?: string };
      if (event.seq !== events.length + 1)
        throw new Error(`seq ${event.seq} after ${events.length} in ${path}: ${line.slice(0, 300)}`);
      events.push(event);
    }
    return events;
  }

  /** The types of a job's events, in order. */
  types(jobId: string, registry = this.registry): string[] {
    return this.events(jobId, registry).map((event) => event.type);
  }

  /** Waits for an event of this type in the journal. */
  event(jobId: string, type: string, ms?: number): Promise<RecordedEvent> {
    return until(
      `event ${type} of ${jobId}`,
      () => this.events(jobId).find((event) => event.type === type),
      ms,
    );
  }

  /** Reports the start of jobs, which may start the hub: this can take longer than a report waits for its answer. */
  async begin(reporter: LabServer, ...jobIds: string[]): Promise<void> {
    for (const id of jobIds) {
      await reporter.report(id, 'started');
      await until(`the start of ${id} is recorded`, () => !hasKept(join(this.home, 'outbox'), id));
    }
  }

  /** The text that must have been typed into the pane for a job. */
  orderOf(jobId: string): string {
    return orderText(this.record(jobId), this.paths(jobId).prompt);
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
