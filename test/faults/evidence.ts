import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import type { JobRow } from '../../src/job/row.ts';
import type { Json } from '../support/lab-server.ts';

/** What was said to a process of the program, and what it said to that. All that the rules know of what anybody was told. */
export interface Told {
  /** Who was told: one name for a process. */
  who: string;
  /** The MCP tool, or the command with `mam` before it. */
  call: string;
  job?: string | undefined;
  /** A report's own words, which no other report has. */
  token?: string | undefined;
  /** Of the whole result that went with it. */
  result?: { sha256: string } | undefined;
  args?: Json;
  /** When it was said, in ms since 1970. */
  began: number;
  /** When the answer came. */
  ended?: number | undefined;
  /** `answer` and `refused` are the program's words; `lost` means that the process or the wait for it ended without any. */
  outcome: 'answer' | 'refused' | 'lost';
  answer?: Json;
  /** The words of a refusal, or why nothing came. */
  words?: string | undefined;
  code?: number | null | undefined;
}

/** What is left of one job. */
export interface JobEvidence {
  journal: string;
  /** The journal's events as the program reads them. */
  events: RecordedEvent[];
  /** Of each text beside the journal, by its name: the hash of what is in it. */
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
  /** The retained record, where there is one. */
  retained?: JobRecord | undefined;
  /** The text that had to be typed for it. */
  order?: string | undefined;
}

/** A fake agent in a pane, from its start to its end. */
export interface PeerEvidence {
  name: string;
  pane: string;
  /** From when it had the pane, in ms since 1970: tmux gives an id again after its server was ended. */
  since: number;
  /** Every text that was sent off with Enter, with when. */
  submitted: { at: number; text: string }[];
}

/** All that the rules look at. */
export interface Evidence {
  /** When the last fault was mended, and when everything had come to rest. */
  mended: number;
  rested: number;
  /** How many times the usual time is waited for on this machine. */
  patience: number;
  told: Told[];
  jobs: Record<string, JobEvidence>;
  peers: PeerEvidence[];
  /** Shells that stood in a pane, with what they ran and what the pane showed at the end. */
  shells: { pane: string; ran: string[]; screen: string }[];
  /** Jobs and files that did not come to rest in time. */
  restless: string[];
  /** Open jobs whose retained record was not there, or was another one. */
  unretained: string[];
  /** What was left when all was ended. */
  left: string[];
  /** Hubs that were killed and tails that were torn: each may leave one line of a journal that can't be read. */
  tears: number;
}
