import { type Listener, listen } from './event-stream.ts';

/** What the tabs of one browser tell each other. */
type Told =
  | { kind: 'heard'; event: string; data: Record<string, unknown>; tab?: string }
  | { kind: 'lost'; why: string; nextMs: number | undefined }
  /** A new tab asks the one with the stream for its `ready`. */
  | { kind: 'new'; tab: string };

/**
 * Listens to the server over one stream for all tabs of this browser: it opens only six connections to a server, so the
 * seventh tab with a stream of its own would wait forever. When the tab with the stream is closed, another opens one.
 * @param tab this tab's id
 */
export function listenTogether(address: string, tab: string, listener: Listener): void {
  const name = `mam ${location.pathname}`;
  const channel = new BroadcastChannel(name);
  const tell = (told: Told): void => channel.postMessage(told);
  /** Known only to the tab with the stream. */
  let ready: Record<string, unknown> | undefined;
  channel.addEventListener('message', ({ data: told }: MessageEvent<Told>) => {
    if (told.kind === 'lost') listener.lost(told.why, told.nextMs);
    else if (told.kind === 'heard' && (told.tab ?? tab) === tab) listener.heard(told.event, told.data);
    else if (told.kind === 'new' && ready !== undefined)
      tell({ kind: 'heard', event: 'ready', data: ready, tab: told.tab });
  });
  tell({ kind: 'new', tab });
  void navigator.locks.request(name, () =>
    listen(address, {
      heard(event, data) {
        if (event === 'ready') ready = data;
        tell({ kind: 'heard', event, data });
        listener.heard(event, data);
      },
      lost(why, nextMs) {
        ready = undefined;
        tell({ kind: 'lost', why, nextMs });
        listener.lost(why, nextMs);
      },
    }),
  );
}
