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
import { type Deed, initialState } from './state.ts';
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

/**
 * Shows the board on this terminal until the user leaves it.
 * @returns the signal that ended it, if one did
 */
export async function watch(options: WatchOptions): Promise<NodeJS.Signals | undefined> {
  const { link, host, registryDir, standpoint, coloured, which } = options;
  let leave: (signal?: NodeJS.Signals) => void = () => {};
  const left = new Promise<NodeJS.Signals | undefined>((resolve) => {
    leave = resolve;
  });
  const onKey = (key: Key): void => {
    const { state, deed } = press(store.state, key);
    store.set(state);
    feed.fetchMissing();
    if (deed !== undefined) void perform(deed);
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

  async function perform(deed: Deed): Promise<void> {
    const tell = (text: string, bad = false): void =>
      store.dispatch({ type: 'told', note: { text: commandWords(text), bad } });
    try {
      if (deed.do === 'quit') leave();
      else if (deed.do === 'attach') tell(attach(deed));
      else tell(await ask(deed));
    } catch (error) {
      tell(explain(error), true);
    }
  }

  function attach({ session, jobId }: Deed & { do: 'attach' }): string {
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

  async function ask(deed: Deed & { do: 'answer' | 'decide' | 'cancel' }): Promise<string> {
    const job = { job_id: deed.jobId, registry_dir: registryDir, by: 'person' as const };
    if (deed.do === 'cancel') {
      const { record, note } = await link.request('cancel', job);
      return `${deed.jobId} is ${record?.status ?? 'let go'}. ${note}`;
    }
    const answer = deed.do === 'answer' ? { text: deed.text } : { decision: deed.decision };
    return (await link.request('answer', { ...job, ...answer, request_id: deed.requestId })).delivered;
  }
}
