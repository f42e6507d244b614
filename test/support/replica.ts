import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LiveJob, Recorded } from '../../src/hub/jobs/live-job.ts';
import { type NewReplica, Registrar } from '../../src/hub/jobs/registrar.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobOrder } from '../../src/job/record.ts';
import { homePaths, readPointers } from '../../src/registry/home.ts';
import { Seal } from '../../src/registry/seal.ts';
import { ORDER, Story } from '../job/story.ts';

/** The job that another host has, in the tests. */
export const JOB_ID = ORDER.job_id;

/** A hub's registrar over real folders, which can be ended, or dropped as by a kill, and started again. */
export class ReplicaHub {
  readonly folder = mkdtempSync(join(tmpdir(), 'mam-replica-'));
  readonly home = homePaths(join(this.folder, 'home'));
  readonly project = join(this.folder, 'project');
  readonly dir = join(this.project, '.mam', 'jobs');
  /** What was passed on to the parts of the hub. */
  readonly heard: Recorded[] = [];
  readonly logged: string[] = [];
  registrar: Registrar;
  readonly #all: Registrar[] = [];

  constructor() {
    mkdirSync(this.home.live, { recursive: true, mode: 0o700 });
    mkdirSync(this.project);
    this.registrar = this.#make();
  }

  get seal(): Seal {
    return Seal.of(this.home);
  }

  /** The order as it is composed here. */
  order(more: Partial<JobOrder> = {}): JobOrder {
    const { dir } = this;
    return { ...ORDER, registry_dir: dir, log_dir: join(dir, JOB_ID), workdir: this.folder, ...more };
  }

  /** The copy of a job that hostb is asked for, on the disk. */
  async ask(more: Partial<NewReplica> = {}, order: Partial<JobOrder> = {}): Promise<LiveJob> {
    await this.registrar.ready(this.dir);
    const job = this.registrar.createReplica(this.order(order), 'Mend the roof', { home: 'hostb', ...more });
    await job.kept;
    return job;
  }

  /** A copy with the events of a story. */
  async follow(story: Story, job?: LiveJob): Promise<LiveJob> {
    const copy = job ?? (await this.ask());
    for (const event of story.journal) await this.registrar.follow(copy, event);
    return copy;
  }

  /** The next hub, which takes up what the pointers name. @param isKilled the last one ends without writing anything more */
  async restart(isKilled = true): Promise<LiveJob[]> {
    if (!isKilled) await this.registrar.close();
    this.registrar = this.#make();
    const found = await Promise.all(
      readPointers(this.home).map((pointer) => this.registrar.missing.resume(pointer)),
    );
    return found.filter((job) => job !== undefined);
  }

  async end(): Promise<void> {
    for (const registrar of this.#all) await registrar.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(): Registrar {
    const note = (what: string): void => void this.logged.push(what);
    const log = { info: note, warn: note, error: note };
    const outlets = { isBusy: () => false, catchUp() {}, clear() {} };
    const registrar = new Registrar({ home: this.home, seal: this.seal, log, outlets });
    registrar.onRecorded = (_, recorded) => this.heard.push(recorded);
    this.#all.push(registrar);
    return registrar;
  }
}

/** The job's journal on hostb: given, typed in and begun. */
export function atHome(more: Partial<JobOrder> = {}): Story {
  const registry_dir = '/home/b/project/.mam/jobs';
  const place = {
    host: 'b-1234',
    registry_dir,
    log_dir: `${registry_dir}/${JOB_ID}`,
    workdir: '/home/b/project',
  };
  const pane = {
    socket: '/tmp/tmux-1000/default',
    session: 'codex',
    window: 0,
    pane: '%3',
    session_created: 1,
  };
  const supervisor = { client: 'test', session: 's', host: 'hosta' };
  return Story.working({ ...place, supervisor, agent_session: pane, ...more });
}

/** The last event of a story. */
export function lastOf({ journal }: Story): RecordedEvent {
  const last = journal.at(-1);
  if (last === undefined) throw new Error('no event');
  return last;
}
