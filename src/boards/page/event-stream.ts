/** What a stream of server-sent events tells its listener. */
export interface Listener {
  heard(event: string, data: Record<string, unknown>): void;
  /** The stream is lost. @param why for a person @param nextMs when it is tried again; absent: never */
  lost(why: string, nextMs?: number): void;
}

const FIRST_MS = 250;
const LONGEST_MS = 5_000;
/** The server writes every 15 s; a stream that is quiet for so long is dead, in ms. */
const QUIET_MS = 40_000;
/** The page may not come back without a new address. */
const OVER = [403, 404];

/**
 * Listens to the server, and connects again after a loss, each time a little later. By `fetch`, not `EventSource`: only
 * a POST always says which page sends it, and only its answer says why there is no stream.
 */
export async function listen(address: string, listener: Listener): Promise<void> {
  for (let wait = FIRST_MS; ; wait = Math.min(LONGEST_MS, wait * 2)) {
    let why = 'The connection to mam web is lost.';
    try {
      const [cancel, alive] = quietLimit();
      const response = await fetch(address, { ...POST, body: '{}', signal: cancel.signal });
      if (OVER.includes(response.status))
        return listener.lost('mam web no longer knows this page. Open the address that it shows now.');
      if (!response.ok || response.body === null) why = `mam web answers ${response.status}.`;
      else {
        for await (const text of messages(response.body, alive)) {
          wait = FIRST_MS;
          take(text, listener);
        }
      }
    } catch {
      why = 'mam web does not answer: it may have been stopped.';
    }
    listener.lost(why, wait);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

export const POST = { method: 'POST', headers: { 'Content-Type': 'application/json' } };

/** Ends a stream that has been quiet for too long. @returns what ends it, and what says that it is not quiet */
function quietLimit(): [AbortController, () => void] {
  const cancel = new AbortController();
  let timer: ReturnType<typeof setTimeout>;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => cancel.abort(), QUIET_MS);
  };
  alive();
  return [cancel, alive];
}

/** The messages of a stream, as text; pings are none. */
async function* messages(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>;
  for (let rest = ''; ; ) {
    const { done, value = '' } = await reader.read();
    if (done) return;
    alive();
    const parts = (rest + value).split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part.startsWith('event: '));
  }
}

function take(text: string, listener: Listener): void {
  const [event = '', data = ''] = text.split('\n');
  listener.heard(event.slice('event: '.length), JSON.parse(data.slice('data: '.length)));
}
