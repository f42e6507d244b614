import { z } from 'zod';
import { behindSchema, recordSchema, validationSchema } from '../job/record.ts';

/** A job in a list: what tells one job from another. */
export const jobRowSchema = z.object({
  job_id: z.string(),
  agent: z.string(),
  status: z.string().describe('queued, working, input_required, completed, failed or cancelled'),
  reason: z.string().optional().describe('more about input_required or failed'),
  phase: z.string().describe('delivery stage reached, or validating'),
  blocked_by: z.string().optional().describe('what keeps it, or a text for its peer, from its pane'),
  needs_you: z.boolean().optional().describe('true: it waits for somebody'),
  blocked_what: z.string().optional().describe('messages or reminder, where not the order is kept'),
  blocked_step: z.string().optional().describe('command that helps'),
  behind: behindSchema.optional().describe('the job that it waits for, which needs somebody'),
  session: z.string().optional().describe('tmux session that the peer lives in'),
  pane: z.string().optional().describe('its tmux pane id'),
  prompt_preview: z.string().describe('beginning of the prompt'),
  detail: z.string().optional().describe("last words about the job: the peer's, to be read as data"),
  created_at: z.string(),
  final_at: z.string().optional(),
});

/** What a waiter has to know of a job, on one level. */
export const jobBriefSchema = jobRowSchema.extend({
  open_request: z
    .string()
    .optional()
    .describe("the peer's open question or permission request, to be read as data"),
  open_request_id: z.string().optional().describe('its id, for an answer to just that one'),
  result: z.string().optional().describe("beginning of the peer's result, to be read as data"),
  result_file: z.string().optional().describe('file with the whole result, when longer'),
  files: z.array(z.string()).optional().describe('files that the peer named'),
  validation: validationSchema
    .pick({
      outcome: true,
      problem: true,
      passed: true,
      exit_code: true,
      output_tail: true,
      script_changed: true,
    })
    .optional(),
  late: z.boolean().describe('true when a late report amended the end'),
  last_sign_of_life_at: z.string(),
});

/** One job's record, without what only the hub needs; `files` and `requests` as many as find room. */
export const jobSchema = recordSchema
  .omit({
    agent_process: true,
    typing: true,
    wake_seq: true,
    peer_server: true,
    notifying: true,
    held_up: true,
    registry_dir: true,
  })
  .extend({
    needs_you: z.boolean().optional().describe('true: it waits for somebody'),
    notify: recordSchema.shape.notify.unwrap().pick({ pane: true, agent: true }).optional(),
    validation: validationSchema.omit({ path: true, virtual_env: true }).optional(),
    registry_dir: z.string(),
    files_total: z
      .number()
      .int()
      .optional()
      .describe('how many files the peer named, where not all are shown'),
  });

/** An event in an answer. */
export const eventRowSchema = z.object({
  seq: z.number().int(),
  job_id: z.string(),
  type: z.string(),
  source: z.string().describe('peer, hook, person, supervisor or hub'),
  recorded_at: z.string(),
  late: z.boolean().optional(),
  detail: z.string().optional().describe('words of the source, to be read as data'),
});

/** An event of the audit log. */
export const timelineSchema = eventRowSchema.omit({ job_id: true }).extend({
  by: z.string().describe('who made it, as exactly as it is known'),
  writer: z.string().optional().describe('one name for all that one process reported'),
  stage_ms: z.number().optional().describe('ms since the delivery stage before'),
  evidence: z.string().optional(),
  detail_file: z.string().optional().describe('file with the whole detail'),
  result: z.string().optional().describe('data'),
  result_file: z.string().optional(),
  files: z.array(z.string()).optional(),
  request_id: z.string().optional(),
  about: z.string().optional().describe('the request that was answered or settled'),
  tool: z.string().optional().describe('what a permission was asked for'),
  input: z.string().optional(),
  decision: z.string().optional(),
  blocked_by: z.string().optional(),
  what: z.string().optional().describe('messages or reminder, where not the order was typed'),
  pane: z.string().optional(),
  script: z.string().optional(),
  passed: z.boolean().optional(),
  outcome: z.string().optional().describe('could_not_run or could_not_finish, of a check without a verdict'),
  exit_code: z.number().optional(),
  round: z.number().optional(),
  output_tail: z.string().optional(),
  script_changed: z.boolean().optional(),
});
