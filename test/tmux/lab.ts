import { isAlive } from '../../src/base/process-id.ts';
import { TmuxServer } from '../../src/tmux/control.ts';
import type { Target } from '../../src/tmux/deliver.ts';
import { listPanes } from '../../src/tmux/pane.ts';
import type { PaneInfo } from '../../src/tmux/pane-info.ts';
import { foreground } from '../../src/tmux/process.ts';
import { Lab, type PeerKind } from '../support/lab.ts';
import type { Peer } from '../support/peer.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** A fake peer, and the parameters of a delivery to it. */
export interface Receiver {
  peer: Peer;
  target: Target;
}

/** A lab whose tmux server is used without a hub. */
export class TmuxLab extends Lab {
  readonly server = new TmuxServer(this.socket);
  readonly #receivers: Receiver[] = [];

  /** Starts the tmux server with a session `user`. */
  async startTmux(command = 'exec sleep 100000'): Promise<void> {
    await this.startSession('user', command);
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

  /** Starts a peer that reports nothing, in its own session. @param args more options of peer.mjs */
  async receiver(args: string[] = [], session = 'peer', inShell = false): Promise<Receiver> {
    const kind: PeerKind = args.includes('--flood') ? 'floods' : 'mute';
    const peer = await this.startPeer(kind, { session, inShell, args: ['--report', '', ...args] });
    // Its first row makes the screen longer, as no later one does.
    if (args.includes('--clock'))
      await until('the clock runs', async () => (await this.screen(peer)).includes('clock'));
    const info = await this.pane(session);
    const { pane, pane_pid } = info;
    const agent = foreground(info);
    if (agent === undefined) throw new Error(`no process in ${pane}`);
    const receiver = { peer, target: { pane, pane_pid, agent } };
    this.#receivers.push(receiver);
    return receiver;
  }

  /** Through the control client, so that no process is started for a look. */
  override async screen({ pane }: Peer): Promise<string> {
    return (await this.server.command(`capture-pane -p -J -t ${pane}`)).join('\n');
  }

  /** Ends the sessions of all receivers, and waits until their programs are gone. */
  async endReceivers(): Promise<void> {
    for (const { peer, target } of this.#receivers.splice(0)) {
      const { session } = peer;
      const { agent } = target;
      // One may have ended with its program.
      await this.server.command(`kill-session -t =${session}`).catch(() => {});
      // A suspended one, or one held by its shell, gets no hangup.
      if (isAlive(agent)) signal(agent.pid, 'SIGKILL');
      await until('the peer has ended', () => !isAlive(agent));
      this.sessions.delete(session);
    }
  }

  async alive(): Promise<boolean> {
    return this.tmux('list-sessions').then(
      () => true,
      () => false,
    );
  }

  override async end(failed = false, graceMs?: number): Promise<void> {
    await this.server.close();
    await super.end(failed, graceMs);
  }
}
