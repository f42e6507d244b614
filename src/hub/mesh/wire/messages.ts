import { z } from 'zod';
import { isJobId } from '../../../base/ids.ts';
import type { HostAllows } from '../../../operations/hosts.ts';
import type { LogMessage } from '../../../operations/request.ts';

/** The version of what hubs say to each other: a hub refuses another one, and names both. */
export const MESH_VERSION = 1;

/** The kinds of messages, each a level of its topic. */
const KINDS = ['hello', 'ask', 'answer', 'feed', 'digest', 'claim'] as const;
export type Kind = (typeof KINDS)[number];

/** True for a kind that this version knows. */
export function isKind(value: string): value is Kind {
  return (KINDS as readonly string[]).includes(value);
}

/** What a hub may ask for. */
const ASKS = [
  ...(['delegate', 'preview', 'put', 'events', 'text', 'answer', 'cancel', 'verify'] as const),
  ...(['diff', 'merge', 'discard'] as const),
  ...(['screen', 'agents', 'start', 'stop', 'list'] as const),
] as const;
export type AskCommand = (typeof ASKS)[number];

/** ISO 8601, as `Date` writes it. */
const time = z.iso.datetime();
const version = z.number().int();

/** A hub's presence, retained on its own topic; its last will has only the first two fields. */
export const statusSchema = z.object({
  online: z.boolean(),
  /** When the hub started: an older one never counts. */
  epoch: time,
  version: z.string().max(40).optional(),
  protocol: z.number().int().optional(),
  open_jobs: z.number().int().optional(),
});
export type HostStatus = z.infer<typeof statusSchema>;

/** What the sender allows the receiver to ask of it, for people: the policy itself is checked with each ask. */
const allowedSchema: z.ZodType<HostAllows> = z.object({
  delegate: z.boolean(),
  start: z.boolean(),
  validate: z.boolean(),
  decide: z.boolean(),
  see: z.enum(['own', 'all']),
});

export const helloSchema = z.object({
  v: version,
  epoch: time,
  /** The sender's clock. */
  now: time,
  protocol: z.number().int(),
  version: z.string().max(40).optional(),
  may: allowedSchema.optional(),
  /** True: the receiver answers with a hello of its own. */
  reply: z.boolean(),
  /** The `now` of the hello that this one answers, as it was: the round trip is measured by it. */
  echo: time.optional(),
});
export type Hello = z.infer<typeof helloSchema>;

export const askSchema = z.object({
  v: version,
  /** The same for each repetition: it is carried out once. */
  id: z.string().min(8).max(80),
  command: z.enum(ASKS),
  params: z.record(z.string(), z.unknown()),
  /** In the clock of the receiver: later, it refuses the ask. */
  expires_at: time,
});
export type Ask = z.infer<typeof askSchema>;

/** The code of the refusal of an ask that came after its `expires_at`: it was never carried out, and never will be. */
export const EXPIRED = 'expired';

const failure = z.object({ code: z.string().max(40), message: z.string(), hint: z.string() });

export const answerSchema = z.object({
  v: version,
  id: z.string(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: failure.optional(),
  now: time,
});
export type AskAnswer = z.infer<typeof answerSchema>;

/** How far the receiver's jobs are, in the sender's journals. */
export const digestSchema = z.object({
  v: version,
  epoch: time,
  jobs: z.array(z.tuple([z.string().refine(isJobId), z.number().int().min(0)])),
});
export type Digest = z.infer<typeof digestSchema>;

/** One event of a job of the receiver's, as the home publishes it on its own broker. */
export type Feed = LogMessage;

/** The largest payload, in bytes: every broker that was measured takes it. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;
/** What a page of events, a piece of a text and a digest may take, in bytes: it leaves room for the rest of a message. */
export const PAGE_BYTES = 48 * 1024;
