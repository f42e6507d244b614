import { z } from 'zod';
import { newEventId } from '../base/ids.ts';
import { type Claim, type ClaimReply, claimSchema } from './event.ts';
import { LIMITS } from './limits.ts';
import { MAKERS, REPORT_TYPES } from './words.ts';

/** What of an event is the hub's alone. A claim that brings it along is taken without it. */
const HUB_FIELDS = ['seq', 'recorded_at', 'late', 'texts', 'unheard', '__proto__'] as const;

/** What the hub's own events carry in `data`: the record is made of it, so that no claim may bring it along. */
const HUB_DATA = [
  'about',
  'agent_process',
  'agent_session',
  'by',
  'count',
  'cut',
  'decision',
  'evidence',
  'exit_code',
  'how',
  'input',
  'job',
  'length',
  'line',
  'output_tail',
  'passed',
  'peer_server',
  'pid',
  'request_id',
  'resume_at',
  'script',
  'script_changed',
  'seq',
  'start',
  'tool',
  'turn',
  'type',
  'unless_pasted',
  'waited',
  'what',
  '__proto__',
] as const;

const id = z.string().min(1).max(200);
const TEXT = z.string().max(LIMITS.detailChars);

/** What of these a claim may say all the same, by its type. */
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
  }),
};

/** The journal keeps unknown fields, in a line of 4 KiB. */
const UNKNOWN_BYTES = 2_000;

/** Deeper than any event is; much deeper ones can't be written any more. */
const LEVELS = 32;

/** A claim that can be taken, or the answer to one that can't. */
export type ParsedClaim = { claim: Claim; refusal?: undefined } | { claim?: undefined; refusal: ClaimReply };

/**
 * A claim as it arrives, checked. What one line of mosquitto_pub leaves out is filled in.
 * @param outside it came over an external broker, where anybody may have sent it
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
  if (claim.job_id !== jobId) return refuse("The event's job_id is not the one of its topic.");
  const makers = Object.hasOwn(MAKERS, claim.type) ? MAKERS[claim.type] : undefined;
  if (claim.source === 'hub' || (makers !== undefined && !makers.includes(claim.source)))
    return refuse(`An event ${claim.type} cannot come from a ${claim.source}.`);
  const strange = outside ? strangeOutside(claim) : undefined;
  if (strange !== undefined) return refuse(strange);
  if (unknownBytes(claim) > UNKNOWN_BYTES)
    return refuse(
      `The event's unknown fields are longer than ${UNKNOWN_BYTES} bytes together. Put the text into detail or result.`,
    );
  const wrong = takeData(claim);
  if (wrong !== undefined) return refuse(wrong);
  // Another machine's panes and processes may have the names of ours.
  if (outside) delete claim.origin;
  return { claim };
}

/** The answer to a claim that is in no journal. */
export function refused(event_id: string, refusal: string): ClaimReply {
  return { event_id, accepted: false, recorded: false, refusal };
}

/** What only a process of the hub's own user may claim. */
function strangeOutside({ type, source, result_spool: spool }: Claim): string | undefined {
  if (source !== 'peer' || !(REPORT_TYPES as readonly string[]).includes(type))
    return `Over a broker only a peer's reports are taken: ${REPORT_TYPES.join(', ')}, with the source "peer".`;
  if (spool !== undefined)
    return 'Only a process on the machine of the hub can hand a result over as a file. Send it in result, or name its file in files.';
  return undefined;
}

/** Leaves in `data` what a claim may say. @returns why it can't be taken */
function takeData(claim: Claim): string | undefined {
  const { data, type } = claim;
  if (data === undefined) return undefined;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return "The event's data: it must be an object.";
  const said = data as Record<string, unknown>;
  if (type === 'answered' && said['decision'] !== undefined)
    return 'A decision on a permission is given with the command "answer" (`mam answer JOB --allow` or `--deny`), which has it carried out.';
  const schema = Object.hasOwn(CLAIM_DATA, type) ? CLAIM_DATA[type] : undefined;
  const parsed = schema?.safeParse(said);
  if (parsed?.success === false) return badField(parsed.error.issues[0], 'data.');
  // It would be shown as what is asked for, in the place of the input.
  if (type === 'permission_required' && said['input'] !== undefined && (claim.result ?? claim.result_spool))
    return 'A request with data.input carries no result.';
  const kept = Object.entries(said).filter(([name]) => !(HUB_DATA as readonly string[]).includes(name));
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

/** A field that does not fit, with the limit and what to do instead. */
function badField(issue: { path: PropertyKey[]; message: string } | undefined, prefix = ''): string {
  const [field, place] = issue?.path ?? [];
  if (prefix === '' && issue?.message.startsWith('Too big')) {
    if (field === 'detail')
      return 'The detail is longer than 2,000 characters (in UTF-16: an emoji counts as two): shorten it, and put the whole into result or into a file.';
    if (field === 'files')
      return place === undefined
        ? 'There are more than 100 files: name the folder that they are in.'
        : 'A name in files is longer than 1,000 characters: name the folder that it is in.';
  }
  return `The event's ${prefix}${issue?.path.join('.') || 'fields'}: ${issue?.message}.`;
}
