import { z } from 'zod';
import { newEventId } from '../base/ids.ts';
import { type ClaimReply, isDataField } from './event.ts';
import { LIMITS } from './limits.ts';
import { MAKERS, REPORT_TYPES, SOURCES } from './words.ts';

/** Who publishes, as far as it can prove it: lets the hub name the right job when an id is wrong. */
const originSchema = z.looseObject({
  /** tmux pane id of the publisher, such as `%3`. */
  pane: z.string().optional(),
  /** Absolute path of that pane's tmux socket. */
  socket: z.string().optional(),
  /** The publisher's pid and its ancestors', nearest first: proof that the pane is really its own. */
  pids: z.array(z.number()).optional(),
  /** The pid namespace of these ids. */
  ns: z.string().optional(),
});
export type Origin = z.infer<typeof originSchema>;

/** An event as it arrives on `claims/<job_id>`. Unknown types and fields are kept. */
const claimSchema = z.looseObject({
  event_id: z.string().min(1).max(200),
  job_id: z.string().min(1).max(64),
  type: z.string().regex(/^[a-z_]{1,40}$/, 'it must be 1 to 40 characters of a-z and _'),
  source: z.enum(SOURCES),
  writer: z.string().max(120).optional(),
  writer_seq: z.number().int().min(1).optional(),
  at: z.string().max(40),
  detail: z.string().max(LIMITS.detailChars).optional(),
  result: z.string().optional(),
  /** A `result` too long for one payload: its file in the spool folder of `MAM_HOME`, handed over by rename. */
  result_spool: z.string().optional(),
  files: z.array(z.string().max(LIMITS.fileChars)).max(LIMITS.files).optional(),
  reply_to: z.string().max(400).optional(),
  origin: originSchema.optional(),
});
export type Claim = z.infer<typeof claimSchema>;

/** A person's report that their job is done. @param outcome for whoever delegated it */
export function doneClaim(jobId: string, outcome: string, origin: Origin): Claim {
  const at = new Date().toISOString();
  return {
    ...{ event_id: newEventId(), job_id: jobId, type: 'completed', source: 'person' },
    ...{ at, detail: outcome, origin },
  };
}

/** Fields that only the hub may set: they are removed from claims. */
const HUB_FIELDS = ['seq', 'recorded_at', 'late', 'texts', 'unheard', '__proto__'] as const;

const id = z.string().min(1).max(200);
const TEXT = z.string().max(LIMITS.detailChars);

/** The fields of `data` that a claim may set, by its type: records are built from them. Unknown names are kept. */
const CLAIM_DATA: Readonly<Record<string, z.ZodObject>> = {
  permission_required: z.object({ tool: z.string().max(200).optional(), input: TEXT.optional() }),
  permission_resolved: z.object({
    request_id: id.optional(),
    decision: z.string().max(200).optional(),
    evidence: TEXT.optional(),
  }),
  rate_limited: z.object({ resume_at: z.string().max(40).optional() }),
  answered: z.object({ request_id: id.optional() }),
  verified: z.object({
    script: z.string().optional(),
    passed: z.boolean().optional(),
    exit_code: z.number().int().optional(),
    output_tail: z.string().optional(),
    script_changed: z.boolean().optional(),
    outcome: z.string().max(200).optional(),
    cut_off_after: z.number().optional(),
  }),
};

/** The limit for unknown fields: the journal keeps them, in lines of 4 KiB. */
const UNKNOWN_BYTES = 2_000;

/** No event is nested this deep; one that is much deeper could not be written. */
const LEVELS = 32;

/** A valid claim, or the answer to one that is refused. */
export type ParsedClaim = { claim: Claim; refusal?: undefined } | { claim?: undefined; refusal: ClaimReply };

/**
 * Checks a claim as it arrives, and fills in what one line of mosquitto_pub leaves out.
 * @param outside it came over an external broker, where anyone may have sent it
 */
export function parseClaim(raw: Record<string, unknown>, jobId: string, outside = false): ParsedClaim {
  const filled: Record<string, unknown> = {
    event_id: newEventId(),
    job_id: jobId,
    source: 'peer',
    at: new Date().toISOString(),
    ...raw,
  };
  for (const name of HUB_FIELDS) delete filled[name];
  const given = filled['event_id'];
  const event_id = typeof given === 'string' ? given.slice(0, 200) : '';
  const refuse = (refusal: string): ParsedClaim => ({ refusal: refused(event_id, refusal) });
  if (isDeeper(filled, LEVELS)) return refuse(`The event's fields are nested deeper than ${LEVELS} levels.`);
  const parsed = claimSchema.safeParse(filled);
  if (!parsed.success) return refuse(badField(parsed.error.issues[0]));
  const claim = parsed.data;
  if (claim.job_id !== jobId) return refuse("The event's job_id is not the one in its topic.");
  const makers = Object.hasOwn(MAKERS, claim.type) ? MAKERS[claim.type] : undefined;
  if (claim.source === 'hub' || (makers !== undefined && !makers.includes(claim.source)))
    return refuse(`An event of type ${claim.type} cannot come from a ${claim.source}.`);
  const strange = outside ? strangeOutside(claim) : undefined;
  if (strange !== undefined) return refuse(strange);
  if (unknownBytes(claim) > UNKNOWN_BYTES)
    return refuse(
      `The event's unknown fields are longer than ${UNKNOWN_BYTES} bytes in total. Put the text into detail or result.`,
    );
  const wrong = takeData(claim);
  if (wrong !== undefined) return refuse(wrong);
  // Another machine's panes and processes may have the same ids as ours.
  if (outside) delete claim.origin;
  return { claim };
}

/** The answer to a claim that is not recorded. */
export function refused(event_id: string, refusal: string): ClaimReply {
  return { event_id, accepted: false, recorded: false, refusal };
}

/** Why a claim over a broker is refused: only a process of the hub's own user may make it. */
function strangeOutside({ type, source, result_spool: spool }: Claim): string | undefined {
  if (source !== 'peer' || !(REPORT_TYPES as readonly string[]).includes(type))
    return `Only a peer's reports are accepted over a broker: ${REPORT_TYPES.join(', ')}, with the source "peer".`;
  if (spool !== undefined)
    return "Only a process on the hub's machine can hand over a result as a file. Send it in result, or name its file in files.";
  return undefined;
}

/** Keeps only what a claim may set in `data`. @returns why the claim is refused */
function takeData(claim: Claim): string | undefined {
  const { data, type } = claim;
  if (data === undefined) return undefined;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return "The event's data: it must be an object.";
  const said = data as Record<string, unknown>;
  if (type === 'answered' && said['decision'] !== undefined)
    return 'Decide on a permission with the command "answer" (`mam allow ID` or `mam deny ID`), which carries the decision out.';
  const schema = Object.hasOwn(CLAIM_DATA, type) ? CLAIM_DATA[type] : undefined;
  const parsed = schema?.safeParse(said);
  if (parsed?.success === false) return badField(parsed.error.issues[0], 'data.');
  // The result would be shown in place of the input.
  if (type === 'permission_required' && said['input'] !== undefined && (claim.result ?? claim.result_spool))
    return 'A request with data.input carries no result.';
  const kept = Object.entries(said).filter(([name]) => !isDataField(name) && name !== '__proto__');
  const all = { ...Object.fromEntries(kept), ...parsed?.data };
  if (Object.keys(all).length > 0) claim['data'] = all;
  else delete claim['data'];
  return undefined;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function unknownBytes(claim: Claim): number {
  const unknown = Object.entries(claim).filter(
    ([name]) => name !== 'data' && !Object.hasOwn(claimSchema.shape, name),
  );
  return unknown.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(Object.fromEntries(unknown)));
}

/** Why a field is invalid, with its limit and what to do instead. */
function badField(issue: { path: PropertyKey[]; message: string } | undefined, prefix = ''): string {
  const [field, place] = issue?.path ?? [];
  if (prefix === '' && issue?.message.startsWith('Too big')) {
    if (field === 'detail')
      return 'The detail is longer than 2,000 characters (in UTF-16: an emoji counts as two): shorten it, and put the full text into result or into a file.';
    if (field === 'files')
      return place === undefined
        ? 'There are more than 100 files: name the folder that they are in.'
        : 'A name in files is longer than 1,000 characters: name the folder that it is in.';
  }
  return `The event's ${prefix}${issue?.path.join('.') || 'fields'}: ${issue?.message}.`;
}
