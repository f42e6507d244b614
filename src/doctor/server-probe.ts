import { once } from 'node:events';
import { execa } from 'execa';
import { parseObject } from '../base/json.ts';
import { sendSignal } from '../base/processes.ts';
import { cleanLine } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { within } from '../base/within.ts';
import { keepGroup } from './groups.ts';

/** The newest revision of the protocol that our server speaks. */
const PROTOCOL = '2025-11-25';
/** How long a server may take to end: once its stdin has ended, then after a signal; in ms. */
const LEAVE_MS = 1_000;
const TERMINATE_MS = 300;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const STDERR_CHARS = 4_000;
const LINE_CHARS = 200;

/** How a client starts a server. */
export interface ServerStart {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** What a server says about itself. */
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
 * Starts a server on stdio, asks who it is and which tools it has, and ends it with everything it has started. The
 * handshake is not completed, since the server would then announce itself as the server of this pane.
 * @throws Error with a sentence that says how far it got
 */
export async function introduce(
  { command, args, env, cwd }: ServerStart,
  limitMs: number,
  signal: AbortSignal,
): Promise<Introduced> {
  const child = execa(command, args, {
    ...{ cwd, env, extendEnv: false },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // Its own process group, so that everything it starts can be ended with it.
    detached: true,
    cleanup: false,
  });
  const { pid, stdin, stdout, stderr } = child;
  const endGroup = keepGroup(pid);
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
  let words = '';
  stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-STDERR_CHARS);
  });
  const last = (): string => {
    const line = cleanLine(words.trimEnd().split('\n').at(-1) ?? '', LINE_CHARS);
    return line === '' ? '' : ` Its last output: ${line}`;
  };
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const late = (): void => reject(new Error(`It did not answer within ${limitMs / 1000} s.${last()}`));
    timer = setTimeout(late, limitMs);
    signal.addEventListener('abort', late, { once: true });
    void child.then(({ exitCode, originalMessage }) => {
      const why =
        exitCode === undefined
          ? `It cannot be started: ${cleanLine(originalMessage ?? '', LINE_CHARS)}.`
          : `It ended with code ${exitCode} instead of answering.${last()}`;
      reject(new Error(why));
    });
  });
  over.catch(() => {});
  const answers = linesOf(stdout);
  try {
    const ask = async (id: number, method: string, params: object) => {
      stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      const { result, error } = await Promise.race([answers(id), over]);
      if (result !== undefined) return result;
      const why = cleanLine(String(error?.message ?? 'no reason'), LINE_CHARS);
      throw new Error(`It refused ${method}: ${why}.`);
    };
    const clientInfo = { name: 'mam-doctor', version: VERSION };
    const hello = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo };
    const { serverInfo } = await ask(1, 'initialize', hello);
    const { tools = [] } = await ask(2, 'tools/list', {});
    return {
      name: cleanLine(String(serverInfo?.name ?? ''), LINE_CHARS),
      version: cleanLine(String(serverInfo?.version ?? ''), LINE_CHARS),
      tools: tools.map(({ name }) => cleanLine(String(name), LINE_CHARS)),
    };
  } finally {
    clearTimeout(timer);
    stdin.end();
    const gone = child.then(() => true);
    if (pid !== undefined && !(await within(gone, LEAVE_MS))) {
      sendSignal(-pid, 'SIGTERM');
      await within(gone, TERMINATE_MS);
    }
    endGroup();
    // Another process may hold the other ends.
    stdout.destroy();
    stderr.destroy();
  }
}

/** Returns the answer with an id, from lines of JSON; other lines are skipped, as clients do. */
function linesOf(stdout: NodeJS.ReadableStream): (id: number) => Promise<Answer> {
  const seen = new Map<unknown, Answer>();
  const arrived = new EventTarget();
  let rest = '';
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_OUTPUT_BYTES);
    for (const line of lines) {
      // Empty for other text: some programs print to the stream that is for the protocol.
      const answer: Answer = parseObject(line);
      seen.set(answer.id, answer);
      arrived.dispatchEvent(new Event(String(answer.id)));
    }
  });
  return async (id) => {
    if (!seen.has(id)) await once(arrived, String(id));
    return seen.get(id) as Answer;
  };
}
