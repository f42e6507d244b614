import { until } from '../base/until.ts';
import { within } from '../base/within.ts';
import { channelFromEnvironment, roleFromEnvironment } from '../settings/role.ts';
import { createServer } from './server.ts';
import { logError, logLine } from './wire/stderr.ts';
import { StdioTransport } from './wire/stdio.ts';
import type { Work } from './work.ts';

/** How long calls may take to answer after the client has gone, in ms: `printf '…' | mam` is a client too. */
const GRACE_MS = 300;
const CLOSE_TIMEOUT_MS = 100;
/** After this time the process exits even if something hangs, in ms. Claude Code kills it after 500. */
const END_MS = 450;

/** Runs the MCP server on stdio until its client goes away; the process ends with it. */
export async function runServer(): Promise<void> {
  keepStdoutClean();
  // Codex never restarts a crashed server, so log the error and continue.
  process.on('uncaughtException', (error) => logError('uncaught', error));
  process.on('unhandledRejection', (error) => logError('unhandled', error));

  const role = roleFromEnvironment();
  let work: Work | undefined;
  const transport = new StdioTransport();
  let withdraw = () => {};
  const server = createServer(role, channelFromEnvironment(), {
    work: async () => {
      const module = await import('./work.ts');
      work ??= new module.Work(role);
      return work;
    },
    ready: async (client) => {
      const { announce } = await import('./announce.ts');
      withdraw = await announce(client);
    },
  });

  /** True while a call is pending that does not wait for anyone. */
  function busy(): boolean {
    return [...transport.pending.values()].some(
      ({ method, params }) => method !== 'tools/call' || work?.blocks(String(params?.['name'])) !== true,
    );
  }

  let ending = false;
  async function shutdown(reason: string): Promise<void> {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(0), END_MS);
    try {
      await until(() => !busy(), GRACE_MS);
      withdraw();
      await within(Promise.resolve(work?.close()), CLOSE_TIMEOUT_MS);
      await until(() => transport.flushed, END_MS);
    } catch (error) {
      logError(`shutdown (${reason})`, error);
    }
    process.exit(0);
  }

  transport.ongone = (reason) => void shutdown(reason);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => void shutdown(signal));
  await server.connect(transport);
}

/** stdout belongs to the protocol: anything that a library prints goes to stderr. */
function keepStdoutClean(): void {
  const { console } = globalThis;
  for (const name of ['log', 'info', 'debug', 'dir', 'dirxml'] as const) {
    console[name] = (...words: unknown[]) => logLine(words.map(String).join(' '));
  }
}
