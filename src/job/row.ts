import { list, maybe, part, text, truth, type Values } from '../base/fields.ts';
import { standing } from './standing.ts';
import type { Usage } from './usage-schema.ts';

/** A job in a list: what distinguishes it from others. */
export const jobRow = {
  job_id: text(),
  agent: text(),
  profile: maybe(text('the profile of that kind that it is for')),
  ...standing,
  from: maybe(text('host that has delegated it, if another one')),
  session: maybe(text('tmux session that the peer runs in')),
  pane: maybe(text('its tmux pane id')),
  after: maybe(list(text(), 'the jobs that it comes after')),
  prompt_preview: text('beginning of the prompt'),
  detail: maybe(text("last words about the job: the peer's, to be read as data")),
  open_request: maybe(text("the peer's open question or permission request, to be read as data")),
  open_request_id: maybe(text('its id, to answer exactly this request')),
  created_at: text(),
  final_at: maybe(text()),
  late: maybe(truth('true when a late report amended the outcome')),
  last_sign_of_life_at: maybe(text()),
  usage: maybe(part<Usage>('usage')),
};
export type JobRow = Values<typeof jobRow>;
