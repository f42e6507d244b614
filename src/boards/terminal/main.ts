import { createElement } from 'react';
import { explain } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import type { AgentPlace } from '../../operations/agents.ts';
import type { Standpoint } from '../../view/attach.ts';
import { commandWords } from '../../view/command-words.ts';
import { attachOver, attachTo } from './attach-session.ts';
import { Board } from './board.tsx';
import { Feed } from './feed.ts';
import { cursorOf } from './footer.tsx';
import type { Which } from './jobs.ts';
import type { Key } from './key.ts';
import { press } from './keys.ts';
import { perform, type Requests } from './perform.ts';
import { Reader } from './reader.ts';
import { type Action, type Effect, initialState } from './state.ts';
import { Store } from './store.ts';
import { Terminal } from './terminal.ts';

export type { Requests } from './perform.ts';

interface WatchOptions {
  link: Link;
  host: string;
  registryDir: string;
  standpoint: Standpoint;
  coloured: boolean;
  which: Which;
  cwd: string;
  place: AgentPlace;
  requests: Requests;
}

/** How often ages are updated, in ms. */
const TICK_MS = 1_000;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Shows the board on this terminal until the user leaves it. @returns the signal that ended it, if one did */
export async function watch(options: WatchOptions): Promise<NodeJS.Signals | undefined> {
  const { link, host, registryDir, standpoint, coloured, which, cwd, place, requests } = options;
  let leave: (signal?: NodeJS.Signals) => void = () => {};
  const left = new Promise<NodeJS.Signals | undefined>((resolve) => {
    leave = resolve;
  });
  const fetchMissing = (): void => {
    feed.fetchMissing();
    reader.fetchMissing();
  };
  const take = (action: Action): void => {
    const { calls } = store.state.jobs;
    store.dispatch(action);
    if (store.state.bell && store.state.jobs.calls > calls) terminal.ring();
    fetchMissing();
  };
  const onKey = (key: Key): void => {
    const { state, effect } = press(store.state, key);
    store.set(state);
    fetchMissing();
    if (effect !== undefined) carryOut(effect);
  };
  // The callbacks run later: the terminal's size is needed before there is a state to draw.
  const terminal = new Terminal(
    () => createElement(Board, { store, onKey }),
    () => cursorOf(store.picture()),
  );
  const store = new Store(
    initialState({ size: terminal.size, now: Date.now(), coloured, registryDir, cwd, which }),
  );
  const state = () => store.state;
  const feed = new Feed({ link, host, registryDir, state, take });
  const reader = new Reader({ link, registryDir, place, state, take });
  const resized = (): void => {
    terminal.redraw();
    store.dispatch({ type: 'resized', size: terminal.size });
    fetchMissing();
  };
  const tick = setInterval(() => store.dispatch({ type: 'ticked', now: Date.now() }), TICK_MS);
  process.stdout.on('resize', resized);
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    terminal.show();
    feed.start();
    return await Promise.race([left, terminal.failed()]);
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    process.stdout.off('resize', resized);
    clearInterval(tick);
    feed.stop();
    reader.stop();
    store.stop();
    terminal.hide();
  }

  function carryOut(effect: Effect): void {
    if (effect.do === 'quit') leave();
    else if (effect.do === 'attach') attach(effect);
    else void perform(effect, { link, registryDir, requests, take });
  }

  function attach({ session, jobId, host }: Effect & { do: 'attach' }): void {
    const tell = (text: string, bad = false): void =>
      store.dispatch({ type: 'told', note: { text: commandWords(text), bad } });
    const inside = host === undefined && standpoint.inside === session.socket;
    // Within the same tmux server the client just switches sessions; otherwise tmux needs the whole terminal.
    if (!inside) terminal.hide();
    try {
      if (host === undefined) attachTo(session, standpoint);
      else attachOver(host, session, jobId, standpoint);
      tell(
        inside
          ? `Switched to the session of ${jobId}; Ctrl-b L returns.`
          : `Back from ${session.session}${host === undefined ? '' : ` on ${host}`}.`,
      );
    } catch (error) {
      tell(explain(error), true);
    } finally {
      if (!inside) {
        feed.awake();
        store.dispatch({ type: 'resized', size: terminal.size });
        terminal.show();
      }
    }
  }
}
