import { readFileSync } from 'node:fs';
import { publishOnce } from '../bus/one-shot.ts';
import { keepInOutbox, outboxFolder } from '../bus/outbox.ts';
import { spoolText } from '../bus/spool.ts';
import { loadSettings, type Settings } from '../config.ts';
import { explain, MamError } from '../errors.ts';
import { brokerAddress } from '../hub/address.ts';
import type { Claim, ClaimReply } from '../job/event.ts';
import { isJobId, newEventId, randomSuffix } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import { clean } from '../job/text.ts';
import { REPORT_TYPES } from '../job/words.ts';
import { ancestors } from '../processes.ts';
import { fail, needed, print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'publish --job ID --event EVENT [--detail TEXT] [--result-file FILE]',
  text: [
    'Reports an event of a job, as the MCP tool publish_event does.',
    '',
    `  --event EVENT       one of ${REPORT_TYPES.join(', ')}`,
    '  --detail TEXT       one line or a short paragraph, 2,000 characters at most',
    '  --result-file FILE  with completed: the result, 1 MiB at most; - reads standard input',
    '',
    'Exit code 0: recorded (a note on stderr says it when the job was final already), or kept in the outbox (a note too);',
    '1: the hub refused it, there is no such job; 2: kept nowhere.',
    'Example: mam publish --job fix-login-7f3kq2ab --event completed --detail "Fixed, tests pass"',
  ].join('\n'),
  options: {
    job: { type: 'string' },
    event: { type: 'string' },
    detail: { type: 'string' },
    'result-file': { type: 'string' },
  },
};

/** An answer within this time counts as recorded; else the event is kept in the outbox. In ms. */
const ANSWER_MS = 1_000;
/** A text longer than this is handed over as a file, in bytes. */
const INLINE_BYTES = 16 * 1024;

/** `mam publish` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values) => {
    const settings = await loadSettings({ registryDir: textOf(values, 'registry-dir') });
    let claim: Claim;
    let reply: ClaimReply;
    try {
      claim = await toClaim(values, settings);
      reply = await send(settings, claim);
    } catch (error) {
      if (error instanceof MamError && error.code === 'io') return fail(error.text, EXIT.lost);
      throw error;
    }
    if (values['json'] === true) print(JSON.stringify(reply));
    else if (reply.task !== undefined) print(taskText(reply));
    else if (reply.accepted && reply.recorded)
      print(`recorded: ${claim.type} of ${claim.job_id}, which is now ${reply.status ?? 'open'}`);
    if (claim.type === 'completed' && reply.next !== undefined && values['json'] !== true)
      print(clean(reply.next));
    for (const message of reply.messages ?? [])
      if (values['json'] !== true) print(`\nfor you: ${clean(message)}`);
    if (reply.accepted || reply.recorded) {
      if (reply.refusal !== undefined) process.stderr.write(`mam: ${reply.refusal}\n`);
      return EXIT.done;
    }
    return fail(reply.refusal ?? 'The event was refused.', EXIT.failed);
  });
}

async function toClaim(
  values: Parameters<Parameters<typeof runWith>[2]>[0],
  settings: Settings,
): Promise<Claim> {
  const jobId = needed(values, 'job', usage);
  if (!isJobId(jobId))
    throw new MamError('bad_input', '--job is not a job id.', 'Job ids have only a-z, 0-9 and -.');
  const type = needed(values, 'event', usage);
  if (!(REPORT_TYPES as readonly string[]).includes(type)) {
    throw new MamError(
      'bad_input',
      '--event is not one that can be reported.',
      `Use one of ${REPORT_TYPES.join(', ')}.`,
    );
  }
  const detail = textOf(values, 'detail');
  if (detail !== undefined && detail.length > LIMITS.detailChars) {
    throw new MamError(
      'bad_input',
      '--detail is longer than 2,000 characters.',
      'Put the text into a file and give --result-file.',
    );
  }
  const result = readResult(textOf(values, 'result-file'));
  const long = result !== undefined && Buffer.byteLength(result) > INLINE_BYTES;
  return {
    event_id: newEventId(),
    job_id: jobId,
    type,
    source: settings.pane === undefined && process.stdin.isTTY ? 'person' : 'peer',
    at: new Date().toISOString(),
    ...(detail !== undefined && { detail }),
    ...(long && { result_spool: await spoolText(settings.home, result) }),
    ...(!long && result !== undefined && { result }),
    origin: { pane: settings.pane, socket: settings.paneSocket, pids: ancestors() },
  };
}

function readResult(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new MamError('bad_input', `${file} cannot be read.`, 'Give --result-file a readable file.', {
      cause: error,
    });
  }
  if (Buffer.byteLength(text) > LIMITS.resultBytes) {
    throw new MamError('bad_input', 'The result is longer than 1 MiB.', 'Name the file in --detail instead.');
  }
  return text;
}

/** @returns the hub's answer; not recorded when the event was kept in the outbox */
async function send(settings: Settings, claim: Claim): Promise<ClaimReply> {
  try {
    const reply = await deliver(settings, claim);
    if (reply.retry !== true) return reply;
    return await keep(settings, claim, reply.refusal ?? 'the hub could not write it');
  } catch (error) {
    if (error instanceof MamError && (error.code === 'bad_input' || error.code === 'conflict')) throw error;
    return keep(settings, claim, explain(error));
  }
}

async function deliver(settings: Settings, claim: Claim): Promise<ClaimReply> {
  const options = { address: brokerAddress(settings), realm: settings.realm, timeoutMs: ANSWER_MS, claim };
  try {
    const reply = await publishOnce(options);
    if (reply !== undefined) return reply;
  } catch (error) {
    if (settings.broker !== undefined || !(error instanceof MamError) || error.code !== 'unreachable')
      throw error;
    const { ensureHub } = await import('../hub/find.ts');
    await ensureHub(settings);
    const reply = await publishOnce(options);
    if (reply !== undefined) return reply;
  }
  // TLS and WebSockets need the whole client.
  const { openLink } = await import('../hub/client.ts');
  const link = openLink(settings);
  try {
    const outcome = await link.claim(claim);
    if (outcome.kind === 'answered') return outcome.reply;
    if (outcome.kind === 'kept') return kept(claim, outcome.why);
    return { event_id: claim.event_id, accepted: true, recorded: true };
  } finally {
    await link.close();
  }
}

async function keep(settings: Settings, claim: Claim, why: string): Promise<ClaimReply> {
  try {
    await keepInOutbox(outboxFolder(settings.home), `cli-${process.pid}-${randomSuffix()}`, 1, claim);
  } catch (error) {
    throw new MamError('io', `The event could be kept nowhere: ${explain(error)}.`, `Before that: ${why}`);
  }
  return kept(claim, why);
}

function kept({ event_id }: Claim, why: string): ClaimReply {
  process.stderr.write(`mam: kept in the outbox, delivered when the hub is back. ${why}\n`);
  return { event_id, accepted: true, recorded: false };
}

function taskText(reply: ClaimReply): string {
  const more = reply.task_next_offset === undefined ? '' : `\n\n(The rest is in ${reply.task_file}.)`;
  return `${clean(reply.next ?? '')}\n\n${clean(reply.task ?? '')}${more}`;
}
