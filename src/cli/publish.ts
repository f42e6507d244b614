import { explain, MamError } from '../base/errors.ts';
import { maybe, type Sent, text, textProblem } from '../base/fields.ts';
import { isJobId, newEventId, randomSuffix } from '../base/ids.ts';
import { pidNamespace } from '../base/process-id.ts';
import { ancestors } from '../base/processes.ts';
import { clean, cleanLine, unitsNote } from '../base/text.ts';
import { brokerAddress } from '../bus/hub-address.ts';
import { keepInOutbox, outboxFolder } from '../bus/spool/outbox.ts';
import { isLong, spoolText } from '../bus/spool/spool.ts';
import type { Claim } from '../job/claim.ts';
import type { ClaimReply } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import { untilAnswered } from '../job/messages.ts';
import { REPORT_TYPES } from '../job/words.ts';
import { publishOnce } from '../link/one-shot.ts';
import {
  noResult,
  publish as operation,
  reportView,
  stateAfter,
  takesResult,
} from '../operations/publish.ts';
import { reportedJobIn } from '../registry/meant-job.ts';
import type { Settings } from '../settings/config.ts';
import { commandWords } from '../view/command-words.ts';
import { defineCommand, type Given } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { fail, note, print, printJson } from './core/output.ts';
import { readText } from './core/read-text.ts';
import { runDeclared } from './core/run-declared.ts';
import { commandSettings } from './core/settings.ts';

/** Without an answer within this time, the event is kept in the outbox. In ms. */
const REPLY_TIMEOUT_MS = 1_000;

const EVENTS = `The events are ${REPORT_TYPES.join(', ')}.`;

const { result, files: _, ...fields } = operation.fields;
const options = {
  ...{ ...fields, job_id: maybe(fields.job_id), event: maybe(fields.event) },
  result_file: maybe(
    text('with completed or error: file with the result, UTF-8, at most 1 MiB; - reads standard input', {
      completes: 'file',
    }),
  ),
};

const publish = defineCommand({
  synopsis: 'ID EVENT [DETAIL] [OPTIONS]',
  about: [
    'Reports an event of a job, as the MCP tool publish_event does.',
    'A report is never credited to another job: give the whole id, its random part, or within its project a beginning that ' +
      'no other job has, open or ended.',
  ],
  words: [
    { name: 'ID', about: fields.job_id.typed ?? '', completes: 'open' },
    { name: 'EVENT', about: `one of ${REPORT_TYPES.join(', ')}`, offers: REPORT_TYPES },
    { name: 'DETAIL', about: fields.detail.about, many: true },
  ],
  options,
  json: { tool: 'publish_event' },
  exits: {
    done: 'recorded, or kept in the outbox; stderr says when it was kept, or the job was already final',
    failed: 'the hub refused it: there is no such job',
    lost: 'it could not be stored anywhere, not even in the outbox',
  },
  examples: ['mam publish k3f9x2ab-fix-login-test completed "Fixed, tests pass"'],

  run: (given) => report({ ...given, words: [], options: withWords(given) }),
});
export default publish;

/** The options, with what was given as words instead. @throws MamError `bad_input` */
function withWords({ options: given, words }: Given<typeof options>): Reported {
  const left = [...words];
  const job_id = given.job_id ?? left.shift();
  const event = given.event ?? left.shift();
  const detail = left.length === 0 ? given.detail : left.join(' ');
  const missing = job_id === undefined ? 'ID' : event === undefined ? 'EVENT' : undefined;
  if (job_id === undefined || event === undefined)
    throw new MamError('bad_input', `${missing} is missing.`, `Run: mam publish ID EVENT. ${EVENTS}`);
  if (given.detail !== undefined && left.length > 0)
    throw new MamError('bad_input', 'The detail is given twice.', 'Give it once.');
  const type = REPORT_TYPES.find((one) => one === event);
  if (type !== undefined) return { ...given, job_id, event: type, detail };
  throw new MamError('bad_input', `EVENT can't be "${cleanLine(event, 40)}".`, EVENTS);
}

type Reported = Sent<typeof operation.fields> & Pick<Given<typeof options>['options'], 'result_file'>;

/** Reports an event. @param source who it is from, if known @returns the exit code */
export async function report(
  given: Omit<Given, 'options'> & { options: Reported },
  source?: 'person',
): Promise<number> {
  const { json } = given;
  const settings = await commandSettings(given.registryDir);
  let claim: Claim;
  let reply: ClaimReply;
  try {
    claim = await toClaim(given.options, settings, source);
    reply = await send(settings, claim);
  } catch (error) {
    if (error instanceof MamError && error.code === 'io') return fail(error.text, EXIT.lost);
    throw error;
  }
  const { type } = claim;
  const { job_id = claim.job_id } = reply;
  const asks = reply.accepted ? untilAnswered(type) : undefined;
  const next = reply.refusal ?? reply.next ?? asks ?? '';
  if (json) printJson({ ...reportView(type, job_id, reply), next });
  else {
    if (reply.task !== undefined) print(taskText(reply));
    else if (reply.accepted && reply.recorded) print(recordedText(type, job_id, reply.status));
    const isSaid = reply.refusal === undefined && (type === 'completed' || asks !== undefined);
    if (isSaid && next !== '') print(clean(commandWords(next)));
    for (const message of reply.messages ?? []) print(`\nfor you: ${clean(message)}`);
  }
  if (reply.accepted || reply.recorded) {
    const final = reply.refusal ?? reply.amended;
    if (final !== undefined) note(final);
    return EXIT.done;
  }
  const whole = reply.unknown === true ? ' Give the whole id.' : '';
  return fail(commandWords(reply.refusal ?? 'The event was refused.') + whole, EXIT.failed);
}

/** `mam publish`, from its own bundle. */
export const run = (args: string[]): Promise<number> => runDeclared('publish', publish, args);

async function toClaim(
  { job_id, event: type, detail, result_file: file }: Reported,
  settings: Settings,
  source: 'person' | undefined,
): Promise<Claim> {
  if (!isJobId(job_id))
    throw new MamError(
      'bad_input',
      `"${cleanLine(job_id, 40)}" is not a job id.`,
      'Take it from your order.',
    );
  const jobId = reportedJobIn(settings.registryDir, job_id);
  if (type === 'question' && (detail ?? '').trim() === '')
    throw new MamError('bad_input', 'The question is missing.', 'Ask it with --detail TEXT.');
  if (detail !== undefined && detail.length > LIMITS.detailChars) {
    throw new MamError(
      'bad_input',
      `--detail is longer than 2,000 characters${unitsNote(detail)}.`,
      `Put the text into a file and ${takesResult(type) ? 'give --result-file' : 'name the file in --detail'}.`,
    );
  }
  const result = await readResult(type, file);
  const long = result !== undefined && isLong(result);
  return {
    event_id: newEventId(),
    job_id: jobId,
    type,
    source: source ?? (settings.pane === undefined && process.stdin.isTTY ? 'person' : 'peer'),
    at: new Date().toISOString(),
    ...(detail !== undefined && { detail }),
    ...(long && { result_spool: await spoolText(settings.home, result) }),
    ...(!long && result !== undefined && { result }),
    origin: { pane: settings.pane, socket: settings.paneSocket, pids: ancestors(), ns: pidNamespace() },
  };
}

async function readResult(type: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  if (!takesResult(type)) throw noResult('--result-file', type);
  const text = await readText(
    file,
    '--result-file',
    'A result is text: leave the file where it is, and name it in --detail.',
  );
  const problem = textProblem(text, result);
  if (problem !== undefined) throw new MamError('bad_input', `The result ${problem}.`);
  return text;
}

/** @returns the hub's answer; `recorded` is false when the event was kept in the outbox */
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
  const options = {
    address: brokerAddress(settings),
    realm: settings.realm,
    timeoutMs: REPLY_TIMEOUT_MS,
    claim,
  };
  let reply: ClaimReply | undefined;
  try {
    reply = await publishOnce(options);
  } catch (error) {
    if (!(error instanceof MamError) || error.code !== 'unreachable') throw error;
    const { ensureHub } = await import('../link/ensure-hub.ts');
    await ensureHub(settings);
    reply = await publishOnce(options);
  }
  if (reply !== undefined) return reply;
  // TLS and WebSockets need the full client.
  const { openLink } = await import('../link/client.ts');
  const link = openLink(settings);
  try {
    const outcome = await link.claim(claim);
    return outcome.kind === 'answered' ? outcome.reply : kept(claim, outcome.why);
  } finally {
    await link.close();
  }
}

async function keep(settings: Settings, claim: Claim, why: string): Promise<ClaimReply> {
  try {
    await keepInOutbox(outboxFolder(settings.home), `cli-${process.pid}-${randomSuffix()}`, claim);
  } catch (error) {
    throw new MamError(
      'io',
      `The event could not be stored anywhere: ${explain(error)}.`,
      `Before that: ${why}`,
    );
  }
  return kept(claim, why);
}

function kept({ event_id }: Claim, why: string): ClaimReply {
  note(`kept in the outbox; it will be delivered when the hub can take it. ${why}`);
  return { event_id, accepted: true, recorded: false };
}

function recordedText(type: string, id: string, status: string | undefined): string {
  const state = stateAfter(type, id, status);
  return `recorded: ${type === status ? state : `${type}; ${state}`}`;
}

function taskText(reply: ClaimReply): string {
  const more = reply.task_next_offset === undefined ? '' : `\n\n(The rest is in ${reply.task_file}.)`;
  return `${clean(commandWords(reply.next ?? ''))}\n\n${clean(reply.task ?? '')}${more}`;
}
