import { TmuxServer } from '../../tmux/control.ts';
import type { PaneSample } from '../../tmux/sample.ts';
import type { ControlClients } from './control-clients.ts';

/** The tmux servers of the jobs, each with one control client, and what they report about their panes. */
export class TmuxServers {
  readonly #servers = new Map<string, TmuxServer>();
  readonly #samples = new Map<string, Map<string, PaneSample>>();
  readonly #clients: ControlClients;
  /** Called with a server's socket when its panes appeared, disappeared or changed. */
  onPanes: (socket: string) => void = () => {};

  /** @param clients where the control clients are noted */
  constructor(clients: ControlClients) {
    this.#clients = clients;
  }

  /** The server at a socket; it connects with its first command. */
  get(socket: string): TmuxServer {
    const known = this.#servers.get(socket);
    if (known !== undefined) return known;
    const server = new TmuxServer(socket, (pid, lives) =>
      lives ? this.#clients.note(pid) : this.#clients.forget(pid),
    );
    this.#servers.set(socket, server);
    server.onPanes((panes) => {
      this.#samples.set(socket, new Map(panes.map((pane) => [pane.pane, pane])));
      this.onPanes(socket);
    });
    server.onGone(() => {
      // What the last connection reported says nothing about now.
      if (!server.connected) this.#samples.delete(socket);
      this.onPanes(socket);
    });
    return server;
  }

  /** What the server last reported about a pane, at most a second old. */
  sample(socket: string, pane: string): PaneSample | undefined {
    return this.#samples.get(socket)?.get(pane);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#servers.values()].map((server) => server.close()));
  }
}
