import { once } from 'node:events';
import { execa } from 'execa';
import { cleanLine } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { askGroup, endGroup, keep } from './groups.ts';

/** The newest revision of the protocol that our server speaks. */
const PROTOCOL = '2025-11-25';
/** A server that is told to go is given this time each, first by the end of its stdin, then by a signal, in ms. */
const LEAVE_MS = 1_000;
const TERMINATE_MS = 300;
const MAX_BYTES = 4 * 1024 * 1024;
const STDERR_CHARS = 4_000;
const LINE_CHARS = 200;

/** How a client starts a server. */
export interface ServerStart {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** What a server said of itself. */
export interface Introduced {
  name: string;
  version: string;
  tools: string[];
}

interface Answer {
  id?: unknown;
  result?: { serverInfo?: { name?: unknown; version?: unknown }; tools?: { name?: unknown }[] };
  error?: { message?: unknown };
}

/**
 * Starts a server on stdio, asks who it is and which tools it has, and ends it with all that it has started. It is not
 * told that we are ready: only then would it announce itself as the server of this pane.
 * @throws Error with a sentence that says how far it got
 */
export async function introduce(
  start: ServerStart,
  limitMs: number,
  signal: AbortSignal,
): Promise<Introduced> {
  const child = execa(start.command, start.args, {
    cwd: start.cwd,
    env: start.env,
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    cleanup: false,
  });
  const { pid, stdin, stdout, stderr } = child;
  if (pid !== undefined) keep(pid);
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
  let words = '';
  stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-STDERR_CHARS);
  });
  const last = (): string => {
    const line = cleanLine(words.trimEnd().split('\n').at(-1) ?? '', LINE_CHARS);
    return line === '' ? '' : ` Its last words: ${line}`;
  };
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const late = (): void => reject(new Error(`It did not answer within ${limitMs / 1000} s.${last()}`));
    timer = setTimeout(late, limitMs);
    signal.addEventListener('abort', late, { once: true });
    void child.then(({ exitCode, originalMessage }) =>
      reject(
        new Error(
          exitCode === undefined
            ? `It cannot be started: ${cleanLine(originalMessage ?? '', LINE_CHARS)}.`
            : `It ended with code ${exitCode} instead of answering.${last()}`,
        ),
      ),
    );
  });
  over.catch(() => {});
  const answers = linesOf(stdout);
  try {
    const ask = async (
      id: number,
      method: string,
      params: object,
    ): Promise<NonNullable<Answer['result']>> => {
      stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      const { result, error } = await Promise.race([answers(id), over]);
      if (result !== undefined) return result;
      throw new Error(
        `It refuses ${method}: ${cleanLine(String(error?.message ?? 'no reason'), LINE_CHARS)}.`,
      );
    };
    const clientInfo = { name: 'mam-doctor', version: VERSION };
    const { serverInfo } = await ask(1, 'initialize', {
      protocolVersion: PROTOCOL,
      capabilities: {},
      clientInfo,
    });
    const { tools = [] } = await ask(2, 'tools/list', {});
    return {
      name: cleanLine(String(serverInfo?.name ?? ''), LINE_CHARS),
      version: cleanLine(String(serverInfo?.version ?? ''), LINE_CHARS),
      tools: tools.map(({ name }) => cleanLine(String(name), LINE_CHARS)),
    };
  } finally {
    clearTimeout(timer);
    stdin.end();
    if (pid !== undefined) {
      const gone = child.then(() => true);
      if (!(await within(gone, LEAVE_MS))) {
        askGroup(pid);
        await within(gone, TERMINATE_MS);
      }
      endGroup(pid);
    }
    // Somebody else may hold the other ends.
    stdout.destroy();
    stderr.destroy();
  }
}

/** Gives the answer with an id, from lines of JSON; what is none is passed over, as clients do. */
function linesOf(stdout: NodeJS.ReadableStream): (id: number) => Promise<Answer> {
  const seen = new Map<unknown, Answer>();
  const arrived = new EventTarget();
  let rest = '';
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_BYTES);
    for (const line of lines) {
      try {
        const answer = JSON.parse(line) as Answer;
        seen.set(answer.id, answer);
        arrived.dispatchEvent(new Event(String(answer.id)));
      } catch {
        // A program that prints where the protocol belongs.
      }
    }
  });
  return async (id) => {
    if (!seen.has(id)) await once(arrived, String(id));
    return seen.get(id) as Answer;
  };
}

async function within(done: Promise<boolean>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const first = await Promise.race([done, late]);
  clearTimeout(timer);
  return first;
}
