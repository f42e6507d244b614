import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { beginsRandomly, isJobId } from '../../../base/ids.ts';
import { cleanLine } from '../../../base/text.ts';
import { LIMITS } from '../../../job/limits.ts';
import { plainError } from '../../delegation/plain-error.ts';
import { type AskCommand, PAGE_BYTES } from '../wire/messages.ts';

/** Lengths in characters: of a name, and of an address, a path or a session. */
const NAME_CHARS = 80;
const PLACE_CHARS = 1_000;
/** How many jobs may wait for one; more than any limit of depth that makes sense. */
const MAX_ANCESTORS = 32;
/** Wider than any terminal. */
const MAX_COLUMNS = 10_000;
/** The most problems that one refusal names. */
const MAX_PROBLEMS = 5;

const name = z.string().min(1).max(NAME_CHARS);
const place = z.string().min(1).max(PLACE_CHARS);
const path = place.refine(isAbsolute, 'must be an absolute path').refine((one) => !one.includes('\0'));
const seconds = z.number().min(1).max(LIMITS.timeoutSeconds);
const count = z.number().int().min(0);
const piece = z.string().refine((text) => Buffer.byteLength(text) <= PAGE_BYTES, 'is too long');
const jobId = z.string().refine((id) => isJobId(id) && beginsRandomly(id), 'is not a job id');
/** Of an earlier version's job too. */
const knownId = z.string().refine(isJobId, 'is not a job id');
/** Whom the journal names: it changes nothing about what is allowed. */
const by = z.enum(['supervisor', 'person']).default('supervisor');
const job = { job_id: knownId };

const delegation = {
  job_id: jobId,
  prompt: piece.optional(),
  /** Where the prompt is that was sent in pieces. */
  upload: name.optional(),
  agent: name.default('claude-code'),
  session: place.optional(),
  workdir: path.optional(),
  /** A branch of the repository there; true: a new one. */
  worktree: z.union([z.literal(true), place]).optional(),
  base: place.optional(),
  start: z.boolean().default(false),
  fresh: z.boolean().default(false),
  new_session: z.boolean().default(false),
  max: count.min(1).optional(),
  keep: z.boolean().default(false),
  timeouts: z
    .object({ timeout_seconds: seconds.default(3_600), idle_timeout_seconds: seconds.default(120) })
    .prefault({}),
  max_tokens: count.min(1).optional(),
  on_busy: z.enum(['queue', 'refuse']).default('queue'),
  validate: path.optional(),
  validate_rounds: count.max(10).default(0),
  validate_timeout_seconds: seconds.default(600),
  lineage: z
    .array(z.object({ host: name, pane: name, job_id: knownId.optional() }))
    .max(MAX_ANCESTORS)
    .default([]),
  depth: count.max(1_000).default(0),
  supervisor: z.object({
    client: z.string().transform((client) => cleanLine(client, NAME_CHARS)),
    session: z.string().transform((session) => cleanLine(session, PLACE_CHARS)),
  }),
};

/** What each ask may say; whatever else it says has no effect. */
const PARAMS = {
  delegate: z.object(delegation),
  preview: z.object(delegation),
  put: z.object({ upload: name, offset: count, text: piece, last: z.boolean().default(false) }),
  events: z.object({ ...job, after: count }),
  text: z.object({
    ...job,
    what: z.union([z.enum(['result', 'screen', 'validate']), z.string().regex(/^[0-9a-f]{64}$/)]),
    offset: count.default(0),
  }),
  answer: z.object({
    ...job,
    text: z.string().max(LIMITS.detailChars).optional(),
    decision: z.enum(['allow', 'deny']).optional(),
    request_id: z.string().max(200).optional(),
    by,
  }),
  cancel: z.object({
    ...job,
    by,
    reason: z.string().max(LIMITS.detailChars).optional(),
    interrupt: z.boolean().default(false),
  }),
  verify: z.object({ ...job, validate_timeout_seconds: seconds.optional(), by }),
  diff: z.object({
    ...job,
    stat: z.boolean().default(false),
    exact: z.boolean().default(false),
    columns: count.max(MAX_COLUMNS).optional(),
    page: name.optional(),
    offset: count.optional(),
  }),
  merge: z.object({
    ...job,
    into: path.optional(),
    committed_only: z.boolean().default(false),
    force: z.boolean().default(false),
    by,
  }),
  discard: z.object({
    ...job,
    branch: z.boolean().default(false),
    force: z.boolean().default(false),
    dry_run: z.boolean().default(false),
    by,
  }),
  screen: z.object(job),
  agents: z.object({}),
  start: z.object({
    agent: name,
    session: place.optional(),
    workdir: path.optional(),
    // It becomes a word of a command line: never an option.
    model: z
      .string()
      .regex(/^[A-Za-z0-9][\w.:/@+-]{0,99}$/)
      .optional(),
    resume: z.boolean().default(false),
  }),
  stop: z.object({ session: place }),
  list: z.object({ see: z.enum(['own', 'all']).default('own') }),
} as const satisfies Record<AskCommand, z.ZodObject>;

export type AskParams = { [C in AskCommand]: z.infer<(typeof PARAMS)[C]> };
export type DelegationAsk = AskParams['delegate'];

/** What an ask says, with defaults filled in. @throws MamError `bad_input`, with what is wrong */
export function askParams<C extends AskCommand>(command: C, given: unknown): AskParams[C] {
  const { data, error } = PARAMS[command].safeParse(given);
  if (error === undefined) return data as AskParams[C];
  const problems = error.issues.slice(0, MAX_PROBLEMS).map(({ path: at, message }) => {
    const field = cleanLine(at.map(String).join('.'), NAME_CHARS);
    return `${field}: ${cleanLine(message, NAME_CHARS)}`;
  });
  const what = `The parameters of ${command} are not accepted: ${problems.join('; ')}.`;
  throw plainError('bad_input', what, 'Correct them, or update mam on the host that asks.');
}
