import { z } from 'zod';

/** Of a job whose peer works on another machine: what is known here of that machine. */
export const homeSchema = z.object({
  host: z.string().describe('the machine that it runs on; paths of the job are paths there'),
  state: z
    .enum(['asking', 'following', 'ended', 'lost'])
    .describe('asking: that machine has not confirmed it; lost: nothing more will come from there'),
  online: z.boolean(),
  offline_since: z.string().optional(),
  synced_at: z.string().optional().describe('when this copy was last known to be complete'),
  /** How many times something happened that the home did not say: a waiter is told once each time. */
  episode: z.number().int(),
});
export type JobHome = z.infer<typeof homeSchema>;
