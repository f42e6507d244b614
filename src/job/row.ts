import type { Standing } from './standing.ts';

/** A row of a list: what tells one job from another. */
export interface JobRow extends Standing {
  job_id: string;
  agent: string;
  prompt_preview: string;
  detail?: string | undefined;
  session?: string | undefined;
  pane?: string | undefined;
  created_at: string;
  final_at?: string | undefined;
}
