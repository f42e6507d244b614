import { createElement } from 'react';
import { explain } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import type { Standpoint } from '../../view/attach.ts';
import { commandWords } from '../../view/command-words.ts';
import { attachTo } from './attach-session.ts';
import { Board } from './board.tsx';
import { Feed } from './feed.ts';
import { cursorOf } from './footer.tsx';
import type { Which } from './jobs.ts';
import { type Key, press } from './keys.ts';
import { type Effect, initialState } from './state.ts';
import { Store } from './store.ts';
import { Terminal } from './terminal.ts';

interface WatchOptions {
  link: Link;
  host: string;
  registryDir: string;
  standpoint: Standpoint;
  coloured: boolean;
  which: Which;
}

/** How often ages are updated, in ms. */
const TICK_MS = 1_000;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Shows the board on this terminal until the user leaves it. @returns the signal that ended it, if one did */
export async function watch(options: WatchOptions): Promise<NodeJS.Signals | undefined> {
  const { link, host, registryDir, standpoint, coloured, which } = options;
  let leave: (signal?: NodeJS.Signals) => void = () => {};
  const left = new Promise<NodeJS.Signals | undefined>((resolve) => {
    leave = resolve;
  });
  const onKey = (key: Key): void => {
    const { state, effect } = press(store.state, key);
    store.set(state);
    feed.fetchMissing();
    if (effect !== undefined) void perform(effect);
  };
  // The callbacks run later: the terminal's size is needed before there is a state to draw.
  const terminal = new Terminal(
    () => createElement(Board, { store, onKey }),
    () => cursorOf(store.picture()),
  );
  const store = new Store(
    initialState({ size: terminal.size, now: Date.now(), coloured, registryDir, which }),
  );
  const feed = new Feed({
    link,
    host,
    registryDir,
    state: () => store.state,
    take: (action) => {
      store.dispatch(action);
      feed.fetchMissing();
    },
  });
  const resized = (): void => {
    terminal.redraw();
    store.dispatch({ type: 'resized', size: terminal.size });
    feed.fetchMissing();
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
    store.stop();
    terminal.hide();
  }

  async function perform(effect: Effect): Promise<void> {
    const tell = (text: string, bad = false): void =>
      store.dispatch({ type: 'told', note: { text: commandWords(text), bad } });
    try {
      if (effect.do === 'quit') leave();
      else if (effect.do === 'attach') tell(attach(effect));
      else tell(await ask(effect));
    } catch (error) {
      tell(explain(error), true);
    }
  }

  function attach({ session, jobId }: Effect & { do: 'attach' }): string {
    const inside = standpoint.inside === session.socket;
    // Within the same tmux server the client just switches sessions; otherwise tmux needs the whole terminal.
    if (!inside) terminal.hide();
    try {
      attachTo(session, standpoint);
    } finally {
      if (!inside) {
        store.dispatch({ type: 'resized', size: terminal.size });
        terminal.show();
      }
    }
    return inside
      ? `Switched to the session of ${jobId}; Ctrl-b L returns.`
      : `Back from ${session.session}.`;
  }

  async function ask(effect: Effect & { do: 'answer' | 'decide' | 'cancel' }): Promise<string> {
    const job = { job_id: effect.jobId, registry_dir: registryDir, by: 'person' as const };
    if (effect.do === 'cancel') {
      const { record, note } = await link.request('cancel', job);
      return `${effect.jobId} is ${record?.status ?? 'let go'}. ${note}`;
    }
    const answer = effect.do === 'answer' ? { text: effect.text } : { decision: effect.decision };
    return (await link.request('answer', { ...job, ...answer, request_id: effect.requestId })).delivered;
  }
}
