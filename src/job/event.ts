import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { SOURCES } from './words.ts';

/** Who publishes, as far as it can prove it: lets the hub name the right job when an id is wrong. */
export const originSchema = z.looseObject({
  /** tmux pane id of the publisher, such as `%3`. */
  pane: z.string().optional(),
  /** Absolute path of that pane's tmux socket. */
  socket: z.string().optional(),
  /** The publisher's pid and its ancestors', nearest first: proof that the pane is really its own. */
  pids: z.array(z.number()).optional(),
  /** The pid namespace that they count in. */
  ns: z.string().optional(),
});
export type Origin = z.infer<typeof originSchema>;

/** An event as it arrives on `claims/<job_id>`. Unknown types and fields are kept. */
export const claimSchema = z.looseObject({
  event_id: z.string().min(1).max(200),
  job_id: z.string().min(1).max(64),
  type: z.string().regex(/^[a-z_]{1,40}$/, 'it may have only a-z and _, 1 to 40 characters'),
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

/**
 * An event in the journal: a claim with the hub's order. `data` holds what the hub's own events carry. Fields that
 * this version does not know stand in the journal as well.
 */
export interface RecordedEvent {
  seq: number;
  event_id: string;
  job_id: string;
  type: string;
  source: (typeof SOURCES)[number];
  writer?: string | undefined;
  writer_seq?: number | undefined;
  /** Publisher's clock, for display only. */
  at: string;
  /** Hub's clock. */
  recorded_at: string;
  /** True when the job was final already. */
  late?: boolean | undefined;
  detail?: string | undefined;
  result?: string | undefined;
  files?: string[] | undefined;
  /** Fields that lie whole in `texts/<sha256>`; what stands here of them is their beginning. */
  texts?: Record<string, string> | undefined;
  /** True when its publisher gets no answer, so that nothing can be told to it. */
  unheard?: boolean | undefined;
  data?: EventData | undefined;
}

/** What the hub's own events carry, by type; read with care, since a newer hub may have written it. */
export interface EventData {
  [key: string]: unknown;
}

/** The hub's answer to a claim, on the claim's `reply_to`. */
export interface ClaimReply {
  event_id: string;
  accepted: boolean;
  recorded: boolean;
  seq?: number | undefined;
  status?: string | undefined;
  /** Why it was refused, and the next step. */
  refusal?: string | undefined;
  /** The job was final already and this has amended its end: a sentence that says so. */
  amended?: string | undefined;
  /** True when this hub has no such job; on a shared broker another one may have it. */
  unknown?: boolean | undefined;
  /** True when the refusal may go away by itself (a full disk): the publisher keeps the event. */
  retry?: boolean | undefined;
  /** On `started`: the first page of the prompt. */
  task?: string | undefined;
  task_file?: string | undefined;
  task_next_offset?: number | undefined;
  workdir?: string | undefined;
  /** What the peer shall read now. */
  messages?: string[] | undefined;
  next?: string | undefined;
}

/** An event before the hub has given it its place. */
export type Draft = Omit<RecordedEvent, 'seq' | 'recorded_at' | 'late'>;
