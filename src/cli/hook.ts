import { readers } from '../agents/hooks/index.ts';
import { MamError } from '../base/errors.ts';
import { pidNamespace } from '../base/process-id.ts';
import { ancestors } from '../base/processes.ts';
import { brokerAddress } from '../bus/hub-address.ts';
import { requestOnce } from '../link/one-shot.ts';
import type { HookParams, HookResult } from '../operations/housekeeping.ts';
import { hasLiveJobs } from '../registry/home.ts';
import { loadSettings, type Settings } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';

/** The agent waits for its hook, so the hub must answer within this time. In ms. */
const REPLY_TIMEOUT_MS = 3_000;
/** How long to read the hook's input, which agents close at once; in ms. */
const INPUT_MS = 2_000;
/** A permission may be decided the next day; the agent's own limit for hooks usually ends the wait earlier. In ms. */
const DECISION_MS = 24 * 3_600_000;

const hook = defineCommand({
  about: [
    "What an agent's hooks run, with the hook's JSON on stdin: it reports the end of a turn or a permission request to " +
      'the hub. `mam start` sets it up. It never fails, so that it cannot disturb the agent.',
  ],
  words: [
    { name: 'KIND', about: 'the agent kind', needed: true, oneOf: Object.keys(readers) },
    { name: 'EVENT', about: "the agent's own name for the event", needed: true },
  ],
  options: {},
  json: "what the agent's hooks expect, if anything",
  exits: { done: 'always' },
  examples: ['mam hook claude-code Stop'],

  run: ({ words }) => run(words),
});
export default hook;

/** `mam hook KIND EVENT`, from its own bundle. It prints something only to answer a permission request. */
export async function run([kind = '', event = '']: string[]): Promise<number> {
  try {
    const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
    const payload = await readPayload();
    if (reader?.answer !== undefined && reader.isOwnCall?.(event, payload) === true) {
      process.stdout.write(reader.answer('allow', ''));
      return 0;
    }
    const report = reader?.read(event, payload);
    if (reader === undefined || report === undefined) return 0;
    const settings = await loadSettings();
    const { pane, paneSocket: socket } = settings;
    const origin = { pane, socket, pids: [process.pid, ...ancestors()], ns: pidNamespace() };
    const waits = report.type === 'permission_required' && reader.answer !== undefined;
    if (waits) {
      // Claude Code 2.1.330 ends the hook when a person denies: there is no other event for that.
      process.once('SIGTERM', () => {
        const settled = { agent: kind, report: { type: 'permission_settled' as const }, origin };
        void tell(settings, settled).finally(() => process.exit(0));
      });
    }
    const { decision, reason } = await tell(settings, { agent: kind, report, waits, origin });
    if (decision !== undefined && reader.answer !== undefined)
      process.stdout.write(reader.answer(decision, reason ?? ''));
  } catch {
    // Hooks are only a second source: the screen shows the same.
  }
  return 0;
}

async function tell(settings: Settings, params: HookParams): Promise<HookResult> {
  const ask = (): Promise<HookResult | undefined> =>
    requestOnce({
      address: brokerAddress(settings),
      realm: settings.realm,
      host: settings.host,
      timeoutMs: params.waits === true ? DECISION_MS : REPLY_TIMEOUT_MS,
      command: 'hook',
      path: settings.path,
      params,
    });
  try {
    return (await ask()) ?? {};
  } catch (error) {
    if (!(error instanceof MamError) || error.code !== 'unreachable' || !hasLiveJobs(settings.home))
      throw error;
    // A hub was killed and left open jobs: the next one needs this report.
    const { ensureHub } = await import('../link/ensure-hub.ts');
    await ensureHub(settings);
    return (await ask()) ?? {};
  }
}

async function readPayload(): Promise<Record<string, unknown>> {
  let text = '';
  setTimeout(() => process.stdin.destroy(), INPUT_MS).unref();
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
