import { TmuxServer } from '../../src/tmux/control.ts';
import type { Target } from '../../src/tmux/deliver.ts';
import { listPanes, type PaneInfo } from '../../src/tmux/pane.ts';
import { foreground } from '../../src/tmux/process.ts';
import { Lab, type PeerKind } from '../support/lab.ts';
import type { Peer } from '../support/peer.ts';

/** A fake peer, and what a delivery to it is given. */
export interface Receiver {
  peer: Peer;
  target: Target;
}

/** A lab whose tmux server is spoken to without a hub. */
export class TmuxLab extends Lab {
  readonly server = new TmuxServer(this.socket);

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

  /** Starts a peer that reports nothing, in a session of its own. @param args more options of peer.mjs */
  async receiver(args: string[] = [], session = 'peer', inShell = false): Promise<Receiver> {
    const kind: PeerKind = args.includes('--flood') ? 'floods' : 'mute';
    const peer = await this.startPeer(kind, { session, inShell, args: ['--report', '', ...args] });
    const info = await this.pane(session);
    const { pane, pane_pid } = info;
    const agent = foreground(info);
    if (agent === undefined) throw new Error(`no process in ${pane}`);
    return { peer, target: { pane, pane_pid, agent } };
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
