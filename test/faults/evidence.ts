import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import type { JobRow } from '../../src/job/row.ts';
import type { Json } from '../support/lab-server.ts';

/** A message to a process of the program, and its answer. All that the rules know about answers. */
export interface Told {
  /** The recipient: one name per process. */
  who: string;
  /** The MCP tool, or the command with `mam` before it. */
  call: string;
  job?: string | undefined;
  /** A report's unique text. */
  token?: string | undefined;
  /** The hash of its whole result. */
  result?: { sha256: string } | undefined;
  args?: Json;
  /** When it was sent, in ms since 1970. */
  began: number;
  /** When the answer arrived. */
  ended?: number | undefined;
  /** `answer` and `refused` are the program's words; `lost` means that the process or the wait for it ended without any. */
  outcome: 'answer' | 'refused' | 'lost';
  answer?: Json;
  /** The text of a refusal, or why there was no answer. */
  words?: string | undefined;
  code?: number | null | undefined;
}

/** What is left of one job. */
export interface JobEvidence {
  journal: string;
  /** The journal's events as the program reads them. */
  events: RecordedEvent[];
  /** For each text next to the journal, by name: the hash of its content. */
  texts: Record<string, string>;
  /** The journal folded; absent with `unfit`. */
  folded?: JobRecord | undefined;
  /** Why it can't be folded. */
  unfit?: string | undefined;
  /** `job.json`. */
  snapshot?: JobRecord | undefined;
  /** What `list_jobs`, `mam list` and `job_status` say. */
  row?: JobRow | undefined;
  listed?: JobRow | undefined;
  status?: Json;
  /** The retained record, if there is one. */
  retained?: JobRecord | undefined;
  /** The text that had to be typed for it. */
  order?: string | undefined;
}

/** A fake agent in a pane, from its start to its end. */
export interface PeerEvidence {
  name: string;
  pane: string;
  /** Since when it had the pane, in ms since 1970: tmux reuses ids after its server has ended. */
  since: number;
  /** Every text that was submitted with Enter, with its time. */
  submitted: { at: number; text: string }[];
}

/** All that the rules look at. */
export interface Evidence {
  /** When the last fault was fixed, and when everything had come to rest. */
  mended: number;
  rested: number;
  /** The factor by which waits are longer on this machine. */
  patience: number;
  told: Told[];
  jobs: Record<string, JobEvidence>;
  peers: PeerEvidence[];
  /** Shells that were in a pane, with what they ran and what the pane showed at the end. */
  shells: { pane: string; ran: string[]; screen: string }[];
  /** Jobs and files that did not come to rest in time. */
  restless: string[];
  /** Open jobs whose retained record was missing or different. */
  unretained: string[];
  /** What was left after everything had ended. */
  left: string[];
  /** Hubs that were killed and tails that were torn: each may leave one line of a journal that can't be read. */
  tears: number;
}
