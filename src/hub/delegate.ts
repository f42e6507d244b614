import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dropSpool, takeSpool } from '../bus/spool.ts';
import { MamError } from '../errors.ts';
import { newJobId } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import type { AgentSession, JobOrder } from '../job/record.ts';
import type { DelegateParams, DelegateResult, TerminalSettings } from '../job/request.ts';
import { hasLoneSurrogate, promptPreview } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import type { Home } from '../registry/home.ts';
import { findPane, type PaneInfo } from '../tmux/pane.ts';
import { foreground, isShell } from '../tmux/process.ts';
import type { Shot } from '../tmux/screen.ts';
import type { Changes } from './changes.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { LiveJob } from './live-job.ts';
import type { PaneOwners } from './pane-owners.ts';
import type { Registrar } from './registrar.ts';
import type { TmuxServers } from './tmux-servers.ts';
import { scriptHash } from './validator.ts';

/** A delegation is answered after this time even if the prompt is not submitted yet, in ms. */
const ANSWER_MS = 5_000;
const MAX_TIMEOUT_SECONDS = 30 * 24 * 3600;

/** Registers jobs and starts their way into a pane. */
export class Delegations {
  private readonly home: Home;
  private readonly host: string;
  private readonly registrar: Registrar;
  private readonly dispatcher: Dispatcher;
  private readonly servers: TmuxServers;
  private readonly owners: PaneOwners;
  private readonly changes: Changes;
  /** Delegations on their way, by their key: a call that is repeated meanwhile joins the first. */
  private readonly underWay = new Map<string, Promise<DelegateResult>>();

  constructor(options: {
    home: Home;
    host: string;
    registrar: Registrar;
    dispatcher: Dispatcher;
    servers: TmuxServers;
    owners: PaneOwners;
    changes: Changes;
  }) {
    this.home = options.home;
    this.host = options.host;
    this.registrar = options.registrar;
    this.dispatcher = options.dispatcher;
    this.servers = options.servers;
    this.owners = options.owners;
    this.changes = options.changes;
  }

  /**
   * Registers a job and hands it over.
   * @returns when the prompt is submitted, when the job has to wait for its pane, or after 5 s
   * @throws MamError for anything that keeps the job from being registered; then there is no job
   */
  async delegate(params: DelegateParams): Promise<DelegateResult> {
    try {
      return await this.once(params);
    } finally {
      if (params.prompt_spool !== undefined) await dropSpool(this.home.folder, params.prompt_spool);
    }
  }

  private async once(params: DelegateParams): Promise<DelegateResult> {
    if (params.request_key === undefined) return this.register(params, await this.promptOf(params));
    const key = JSON.stringify([params.registry_dir, params.supervisor.session, params.request_key]);
    const first = this.underWay.get(key);
    if (first !== undefined) {
      const { record } = await first;
      return this.repeated(await this.registrar.find(record.job_id), params);
    }
    const result = this.byKey(params);
    this.underWay.set(key, result);
    return result.finally(() => this.underWay.delete(key));
  }

  private async byKey(params: DelegateParams): Promise<DelegateResult> {
    const index = await this.registrar.index(params.registry_dir);
    const known = index.findByKey(params.supervisor.session, params.request_key ?? '');
    if (known === undefined) return this.register(params, await this.promptOf(params));
    return this.repeated(await this.registrar.find(known, params.registry_dir), params);
  }

  private async repeated(job: LiveJob, params: DelegateParams): Promise<DelegateResult> {
    const prompt = await this.promptOf(params).catch((error: unknown) => {
      // The job was made from this very file: the request itself came twice.
      if (error instanceof MamError && error.code === 'not_found') return undefined;
      throw error;
    });
    if (prompt !== undefined && job.record.prompt_sha256 !== sha256(prompt)) {
      throw new MamError(
        'conflict',
        `The request_key was used for job ${job.id}, which has another prompt.`,
        'Use another request_key for another job.',
      );
    }
    return this.result(job, true, []);
  }

  private async register(params: DelegateParams, prompt: string): Promise<DelegateResult> {
    checkTimes(params);
    const jobId = newJobId(prompt);
    const validation =
      params.validate === undefined
        ? undefined
        : { script: params.validate, hash: scriptHash(params.validate) };
    checkWorkdir(params.workdir);
    const place = await this.locate(params);
    const ahead = this.dispatcher.ahead(place.session.socket, place.session.pane);
    if (params.on_busy === 'refuse' && ahead[0] !== undefined) {
      throw new MamError(
        'conflict',
        `Pane ${place.session.pane} of session ${place.session.session} is busy with job ${ahead[0].id} (${ahead[0].record.status}).`,
        'Wait for that job, delegate with on_busy "queue", or name another session.',
      );
    }
    const parent = this.owners.openJobOf(params.origin);
    const logDir =
      params.logs_dir === undefined ? join(params.registry_dir, jobId) : join(params.logs_dir, jobId);
    if (params.logs_dir !== undefined) makeLogFolder(logDir);
    const order: JobOrder = {
      job_id: jobId,
      agent: params.agent,
      agent_session: place.session,
      agent_process: place.process,
      typing: { mam: params.mam_command, ...terminalOf(params) },
      host: this.host,
      registry_dir: params.registry_dir,
      log_dir: logDir,
      workdir: params.workdir,
      prompt_sha256: sha256(prompt),
      prompt_preview: promptPreview(prompt),
      prompt_bytes: Buffer.byteLength(prompt),
      supervisor: params.supervisor,
      ...(parent !== undefined && { parent_job_id: parent.id }),
      depth: parent === undefined ? 0 : parent.record.depth + 1,
      ...(params.request_key !== undefined && { request_key: params.request_key }),
      peer_server: this.peerServer(place.session, place.process.pane_pid),
      ...(validation !== undefined && {
        validation: {
          script: validation.script,
          script_sha256: validation.hash,
          rounds: 0,
          ...(params.path !== undefined && { path: params.path }),
          ...(params.virtual_env !== undefined && { virtual_env: params.virtual_env }),
        },
      }),
      timeouts: {
        timeout_seconds: params.timeout_seconds,
        idle_timeout_seconds: params.idle_timeout_seconds,
      },
    };
    const job = await this.registrar.create(order, prompt);
    // The way into the pane begins while the disk is busy; nothing is typed before all is kept.
    this.dispatcher.enqueue(job, place.glance);
    try {
      await job.kept;
    } catch (error) {
      this.dispatcher.forget(job);
      throw error;
    }
    await this.changes.until(
      job,
      ({ record }) => record.status !== 'queued' || record.blocked_by !== undefined || this.position(job) > 0,
      ANSWER_MS,
    );
    return this.result(job, false, this.warnings(job));
  }

  private async promptOf(params: DelegateParams): Promise<string> {
    const prompt =
      params.prompt_spool === undefined
        ? params.prompt
        : await takeSpool(this.home.folder, params.prompt_spool);
    if (prompt === undefined || prompt.trim() === '') {
      throw new MamError('bad_input', 'The prompt is empty.', 'Say in prompt what the peer shall do.');
    }
    if (Buffer.byteLength(prompt) > LIMITS.promptBytes) {
      throw new MamError(
        'bad_input',
        `The prompt has ${Buffer.byteLength(prompt)} bytes; 1 MiB (1048576) is the most.`,
        'Write the material to a file and name that file in the prompt.',
      );
    }
    if (hasLoneSurrogate(prompt)) {
      throw new MamError(
        'bad_input',
        'The prompt has half a UTF-16 surrogate pair.',
        'Send well-formed Unicode text.',
      );
    }
    return prompt;
  }

  /** A read-only look at the pane; everything that can refuse a job is here, before anything is written. */
  private async locate(params: DelegateParams): Promise<Place> {
    if (params.agent_session === undefined || params.agent_session === '') {
      throw new MamError(
        'bad_input',
        `Agent kind ${params.agent} has no default session.`,
        'Give agent_session, such as tmux:NAME; `tmux list-sessions` shows the names.',
      );
    }
    const { pane, glance } = await findPane(this.servers.get(params.tmux_socket), params.agent_session);
    if (pane.pane === params.supervisor.pane && params.tmux_socket === params.supervisor.socket) {
      throw new MamError('refused', `Pane ${pane.pane} is your own.`, "Name another agent's session.");
    }
    const where = `Pane ${pane.pane} of session ${pane.session}`;
    if (pane.dead)
      throw new MamError(
        'refused',
        `${where} is dead: its program has ended.`,
        'Start the agent there again.',
      );
    const process = foreground(pane);
    if (process === undefined || isShell(pane.command)) {
      throw new MamError(
        'refused',
        `${where} runs ${isShell(pane.command) ? `the shell ${pane.command}` : 'no program'}, not an agent: the prompt would be run as commands.`,
        'Start the agent in that pane first.',
      );
    }
    return {
      session: sessionOf(params.tmux_socket, pane),
      process: { ...process, pane_pid: pane.pane_pid },
      glance,
    };
  }

  /** Whether an MCP server of ours has announced itself from that pane. */
  private peerServer(session: AgentSession, panePid: number): 'connected' | 'unknown' {
    try {
      for (const name of readdirSync(this.home.servers)) {
        const server = JSON.parse(readFileSync(join(this.home.servers, name), 'utf8')) as {
          pid: number;
          pane?: string;
          socket?: string;
          pids: number[];
        };
        const here =
          server.pane === session.pane && server.socket === session.socket && server.pids.includes(panePid);
        if (here && lives(server.pid)) return 'connected';
      }
    } catch {
      // Unreadable announcements prove nothing.
    }
    return 'unknown';
  }

  private warnings(job: LiveJob): string[] {
    const other = this.registrar.open.find(
      (open) => open !== job && open.record.workdir === job.record.workdir && !isFinal(open.record.status),
    );
    return other === undefined
      ? []
      : [`Job ${other.id} is open in the same working folder ${job.record.workdir}.`];
  }

  private position(job: LiveJob): number {
    const session = job.record.agent_session;
    return session === undefined ? 0 : this.dispatcher.ahead(session.socket, session.pane).indexOf(job);
  }

  private result(job: LiveJob, repeated: boolean, warnings: string[]): DelegateResult {
    const { record } = job;
    const session = record.agent_session;
    const queue = session === undefined ? [] : this.dispatcher.ahead(session.socket, session.pane);
    const position = Math.max(0, queue.indexOf(job));
    return {
      record,
      repeated,
      delivery: record.delivery,
      position,
      behind: queue.slice(0, position).map((other) => other.id),
      warnings,
    };
  }
}

interface Place {
  session: AgentSession;
  process: NonNullable<JobOrder['agent_process']>;
  /** A look at the pane, where the search for it gave one. */
  glance: Shot | undefined;
}

function sessionOf(socket: string, pane: PaneInfo): AgentSession {
  return {
    socket,
    session: pane.session,
    window: pane.window,
    pane: pane.pane,
    session_created: pane.session_created,
  };
}

function checkTimes({ timeout_seconds: timeout, idle_timeout_seconds: idle }: DelegateParams): void {
  for (const [name, value] of [
    ['timeout_seconds', timeout],
    ['idle_timeout_seconds', idle],
  ] as const) {
    if (!(Number.isFinite(value) && value >= 1 && value <= MAX_TIMEOUT_SECONDS)) {
      throw new MamError(
        'bad_input',
        `${name} must be from 1 to ${MAX_TIMEOUT_SECONDS} seconds.`,
        `Try ${name} 3600.`,
      );
    }
  }
}

function checkWorkdir(workdir: string): void {
  if (statSync(workdir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MamError(
      'bad_input',
      `The working folder ${workdir} does not exist.`,
      'Give workdir as an existing folder.',
    );
  }
}

function makeLogFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new MamError(
      'io',
      `The log folder ${folder} cannot be written.`,
      'Mend its permissions or unset MAM_LOGS_DIR.',
      {
        cause: error,
      },
    );
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Only what a delivery uses: a newer client may send more. */
function terminalOf({ terminal = {} }: DelegateParams): TerminalSettings {
  const { ready, busy, dialog, clear, interrupt } = terminal;
  return { ready, busy, dialog, clear, interrupt };
}
