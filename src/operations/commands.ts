import type { Fields } from '../base/fields.ts';
import { agents, start, stop } from './agents.ts';
import { answer } from './answer.ts';
import { cancel } from './cancel.ts';
import { jobAddress } from './common.ts';
import { delegate } from './delegate.ts';
import { hold, hook, prune, seen } from './housekeeping.ts';
import { listJobs } from './list.ts';
import { logs } from './logs.ts';
import { status } from './status.ts';
import { verify } from './verify.ts';

/** What each command of the hub takes. */
export const PARAMS = {
  delegate: delegate.params,
  /** `delegate` without the job. */
  preview: delegate.params,
  status: status.params,
  hold: hold.params,
  seen: seen.params,
  list: listJobs.params,
  cancel: cancel.params,
  answer: answer.params,
  screen: jobAddress,
  log: logs.params,
  verify: verify.params,
  prune: prune.params,
  hook: hook.params,
  agents: agents.params,
  start: start.params,
  stop: stop.params,
  hub_status: {},
  hub_stop: {},
} satisfies Record<string, Fields>;
