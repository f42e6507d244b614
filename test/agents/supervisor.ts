import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { builtIn } from '../../src/agents/index.ts';
import type { Ended } from '../support/command.ts';
import type { Message } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';
import type { AgentLab } from './lab.ts';

const TAPPED = `--require=${resolve(import.meta.dirname, '../support/tap.cjs')}`;

/** How each client runs one prompt without a person, with permission for every tool. */
const HEADLESS: Readonly<Record<string, (prompt: string) => string[]>> = {
  'claude-code': (prompt) => ['claude', '-p', prompt],
  codex: (prompt) => ['codex', 'exec', '--skip-git-repo-check', prompt],
  gemini: (prompt) => ['gemini', '--approval-mode=yolo', '-p', prompt],
  opencode: (prompt) => ['opencode', 'run', prompt],
};

/** Where each client's configuration has our server, and the name of its call limit there. */
const ENTRIES: Readonly<Record<string, { file: string; limit: (seconds: number) => object; env: string }>> = {
  'claude-code': { file: '.claude.json', limit: inMs, env: 'env' },
  gemini: { file: '.gemini/settings.json', limit: inMs, env: 'env' },
  opencode: { file: '.config/opencode/opencode.json', limit: inMs, env: 'environment' },
};

function inMs(seconds: number): object {
  return { timeout: seconds * 1000 };
}

/** One line between a client and our server. */
interface Line {
  /** ms since 1970 */
  at: number;
  /** Of the server. */
  pid: number;
  /** The client process that started it. */
  ppid: number;
  in?: Message;
  out?: Message;
}

/** A call of a tool, as the server saw it. */
export interface Call {
  /** When it arrived, in ms since 1970. */
  at: number;
  pid: number;
  ppid: number;
  id: string | number | null | undefined;
  /** When it was answered; absent until then. */
  answered: number | undefined;
  /** The client cancelled it before there was an answer. */
  cancelled: boolean;
}

export interface CallLimits {
  /** How long the client lets a call run, in seconds; absent: as `mam install` sets it. */
  seconds?: number;
  /** The server learns it from `MAM_TOOL_TIMEOUT_SECONDS`; otherwise it only knows the client's name. */
  told?: boolean;
}

/** A real client that supervises: set up by `mam install`, with its messages to our server recorded. */
export class Supervisor {
  readonly #lab: AgentLab;
  readonly #tap: string;

  constructor(lab: AgentLab) {
    this.#lab = lab;
    this.#tap = join(lab.folder, 'tap.jsonl');
    lab.expected.push(/^h\/installed\.json$/, /^tap\.jsonl$/);
  }

  /** Sets the client up. @throws if `mam install` fails */
  async install(limits: CallLimits = {}): Promise<void> {
    const { kind } = this.#lab.agent;
    const { code, stderr } = await this.#lab.mam('install', kind);
    if (code !== 0) throw new Error(`mam install ${kind}: ${stderr}`);
    const { seconds, told = true } = limits;
    const given = seconds === undefined ? undefined : told ? String(seconds) : '';
    const env = {
      MAM_TAP: this.#tap,
      ...(given !== undefined && { MAM_TOOL_TIMEOUT_SECONDS: given }),
    };
    if (kind === 'codex') this.#changeToml(seconds, env);
    else this.#changeJson(kind, seconds, env);
  }

  /** Runs one prompt without a person; `env` as `NAME=VALUE`. */
  run(prompt: string, ...env: string[]): Promise<Ended> {
    const command = HEADLESS[this.#lab.agent.kind]?.(prompt) ?? [];
    return this.#lab.run('sh', ['-c', 'exec env "$@" < /dev/null', 'sh', ...env, ...command]);
  }

  /** Starts it in a pane, as a person does, and waits until its server is connected; `env` as `NAME=VALUE`. */
  async open(...env: string[]): Promise<void> {
    const { agent, session } = this.#lab;
    const program = builtIn(agent.kind)?.start?.program ?? agent.kind;
    // Under Codex's shared process, the server would outlive its client.
    const args = agent.kind === 'codex' ? ['--no-daemon'] : (agent.args?.({ ask: false }) ?? []);
    const servers = () =>
      this.#lines().filter((line) => line.in?.method === 'notifications/initialized').length;
    const before = servers();
    await this.#lab.startSession(session, ['exec env', ...env, program, ...args].join(' '));
    // A program that is just starting its servers may show its box but ignore Enter.
    await until('it has its server', () => servers() > before, 75_000);
  }

  /** Every call of a tool, in order. */
  calls(tool: string): Call[] {
    const lines = this.#lines();
    return lines.flatMap((line) => {
      const { at, pid, ppid } = line;
      const id = line.in?.id;
      if (line.in?.method !== 'tools/call' || line.in.params?.['name'] !== tool) return [];
      const same = lines.filter((other) => other.pid === pid);
      const answered = same.find(({ out }) => isAnswer(out, id))?.at;
      const cancelled = same.find((other) => isCancellation(other.in, id))?.at;
      // OpenCode says so after every answer too.
      const stray = answered !== undefined && (cancelled ?? 0) >= answered;
      return [{ at, pid, ppid, id, answered, cancelled: cancelled !== undefined && !stray }];
    });
  }

  /** Waits for the n-th call of a tool, from 1. */
  call(tool: string, n: number): Promise<Call> {
    return until(`call ${n} of ${tool}`, () => this.calls(tool)[n - 1], 75_000);
  }

  #lines(): Line[] {
    if (!existsSync(this.#tap)) return [];
    // The text after the last line break is still being written.
    const lines = readFileSync(this.#tap, 'utf8').split('\n').slice(0, -1).filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Line);
  }

  #changeJson(kind: string, seconds: number | undefined, more: object): void {
    const entry = ENTRIES[kind];
    if (entry === undefined) throw new Error(`no entry of ${kind}`);
    const path = join(this.#lab.folder, 'home', entry.file);
    const config = JSON.parse(readFileSync(path, 'utf8'));
    const server = (config.mcpServers ?? config.mcp).mam;
    // Gemini CLI does not pass on NODE_OPTIONS.
    if (server.args === undefined) server.command.splice(1, 0, TAPPED);
    else server.args.unshift(TAPPED);
    Object.assign(server, seconds === undefined ? {} : entry.limit(seconds));
    server[entry.env] = { ...server[entry.env], ...more };
    writeFileSync(path, JSON.stringify(config));
  }

  #changeToml(seconds: number | undefined, more: Record<string, string>): void {
    const path = join(this.#lab.folder, 'home/.codex/config.toml');
    let text = readFileSync(path, 'utf8');
    if (seconds !== undefined)
      text = text.replace(/^tool_timeout_sec = .*$/m, `tool_timeout_sec = ${seconds}`);
    text = text.replace(/^args = \[/m, `$&${JSON.stringify(TAPPED)}, `);
    const lines = Object.entries(more).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    if ('MAM_TOOL_TIMEOUT_SECONDS' in more) text = text.replace(/^MAM_TOOL_TIMEOUT_SECONDS = .*\n/m, '');
    writeFileSync(
      path,
      text.replace('[mcp_servers.mam.env]', ['[mcp_servers.mam.env]', ...lines].join('\n')),
    );
  }
}

function isAnswer(message: Message | undefined, id: Call['id']): boolean {
  return message !== undefined && message.id === id && message.method === undefined;
}

function isCancellation(message: Message | undefined, id: Call['id']): boolean {
  return message?.method === 'notifications/cancelled' && message.params?.['requestId'] === id;
}
