import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { TmuxServer } from '../../src/tmux/control.ts';
import type { Target } from '../../src/tmux/deliver.ts';
import { listPanes, type PaneInfo } from '../../src/tmux/pane.ts';
import { foreground } from '../../src/tmux/process.ts';
import { capture } from '../../src/tmux/screen.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const PEER = fileURLToPath(new URL('peer.mjs', import.meta.url));

/** What a peer wrote about its input. */
export interface PeerNote {
  paste?: string;
  enter?: number;
  dialog?: boolean;
  key?: string;
  /** process.hrtime.bigint() when it was read */
  at: string;
}

/** A private tmux server in a folder of its own; `end` takes it down and proves it. */
export class Lab {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'mam-tmux-'));
  readonly socket = path.join(this.dir, 'sock');
  readonly server = new TmuxServer(this.socket);
  readonly #env: Record<string, string>;
  #logs = 0;

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  /** Runs the tmux program on the private socket. */
  async tmux(...args: string[]): Promise<string> {
    const { stdout } = await execa('tmux', ['-f', '/dev/null', '-S', this.socket, ...args], {
      env: { TMUX: undefined, TMUX_PANE: undefined, ...this.#env },
    });
    return stdout;
  }

  /** Starts the server with a session `user`. */
  async start(command = 'sleep 100000'): Promise<void> {
    await this.tmux('new-session', '-d', '-s', 'user', '-x', '100', '-y', '30', command);
  }

  async pid(): Promise<number> {
    return Number(await this.tmux('display-message', '-p', '#{pid}'));
  }

  async pane(session: string): Promise<PaneInfo> {
    const panes = await listPanes(this.server);
    const pane = panes.find((one) => one.session === session);
    if (pane === undefined) throw new Error(`no session ${session}`);
    return pane;
  }

  /** Starts a peer in a session named after its mode, and waits until it shows its box. */
  async peer(mode: string, name = mode): Promise<Peer> {
    const log = path.join(this.dir, `${name}-${++this.#logs}.log`);
    const command = `exec '${process.execPath}' '${PEER}' ${mode} '${log}'`;
    if (!(await this.alive())) await this.start();
    await this.tmux('new-session', '-d', '-s', name, '-x', '100', '-y', '30', command);
    return this.meet(name, log);
  }

  /** The peer that runs in a session's pane, once its box is there. */
  async meet(session: string, log: string): Promise<Peer> {
    const { pane } = await this.pane(session);
    await until('the peer shows its box', async () =>
      (await capture(this.server, pane)).some((line) => line.includes('READY>')),
    );
    const info = await this.pane(session);
    const agent = foreground(info);
    if (agent === undefined) throw new Error(`no process in ${pane}`);
    return { target: { pane, pane_pid: info.pane_pid, agent }, notes: () => readNotes(log) };
  }

  async alive(): Promise<boolean> {
    return this.tmux('list-sessions').then(
      () => true,
      () => false,
    );
  }

  /** Ends what was started here; throws when anything of it stays. */
  async end(): Promise<void> {
    await this.server.close();
    if (await this.alive()) {
      const pid = await this.pid();
      await this.tmux('kill-server');
      await until('the tmux server has ended', () => !isRunning(pid));
    }
    rmSync(this.dir, { recursive: true });
  }
}

export interface Peer {
  target: Target;
  notes(): PeerNote[];
}

function readNotes(log: string): PeerNote[] {
  try {
    const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as PeerNote);
  } catch {
    return [];
  }
}
