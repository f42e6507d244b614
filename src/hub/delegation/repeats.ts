import { MamError } from '../../base/errors.ts';
import { sha256 } from '../../base/sha256.ts';
import type { Supervisor } from '../../job/record.ts';
import type { DelegateResult } from '../../operations/delegate.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { takenId } from './known-job.ts';

/** What makes two delegations the same one. */
export interface Keyed {
  registry_dir: string;
  supervisor: Pick<Supervisor, 'session' | 'place'>;
  request_key?: string | undefined;
}

/** Delegations in progress, by key: a call that is repeated meanwhile joins the first. */
export class UnderWay<R extends DelegateResult> {
  readonly #byKey = new Map<string, Promise<R>>();

  /**
   * @param begin delegates the job
   * @param again answers from the job that the first call has made
   */
  async run(
    keys: readonly string[],
    begin: () => Promise<R>,
    again: (jobId: string) => Promise<R>,
  ): Promise<R> {
    const first = keys.map((key) => this.#byKey.get(key)).find((one) => one !== undefined);
    if (first !== undefined) return again((await first).record.job_id);
    const result = begin();
    for (const key of keys) this.#byKey.set(key, result);
    return result.finally(() => {
      for (const key of keys) if (this.#byKey.get(key) === result) this.#byKey.delete(key);
    });
  }
}

/** What calls with the same request key have in common; nothing for one without a key. */
export function keysOf({ registry_dir, supervisor: { session, place }, request_key }: Keyed): string[] {
  if (request_key === undefined) return [];
  // A new session in the same pane may ask again while the earlier session's call is still in progress.
  const scopes = [session, ...(place === undefined ? [] : [place])];
  return scopes.map((scope) => JSON.stringify([registry_dir, scope, request_key]));
}

/** The job that was delegated with the same key; undefined if there is none. */
export async function jobByKey(registrar: Registrar, params: Keyed): Promise<LiveJob | undefined> {
  if (params.request_key === undefined) return undefined;
  const index = await registrar.index(params.registry_dir);
  const id = index.findByKey(params.supervisor, params.request_key);
  const job = id && (await registrar.find(id, params.registry_dir));
  // A job that came with a clone may name any key.
  return job && !job.isHistory ? job : undefined;
}

/** @throws MamError `conflict` for a prompt that is not the job's; to another host it says nothing about the job */
export function checkSamePrompt({ id, record }: LiveJob, prompt: string): void {
  // A preamble may have changed meanwhile.
  if ((record.preamble?.task_sha256 ?? record.prompt_sha256) === sha256(prompt)) return;
  if (record.supervisor.host !== undefined) throw takenId();
  const what = `The request_key was already used for job ${id}, which has a different prompt.`;
  throw new MamError('conflict', what, 'Use a new request_key for a new job.');
}

/** The prompt of a repeated call; undefined if its file is gone: the job was made from it, so the request came twice. */
export async function promptAgain(read: () => Promise<string>): Promise<string | undefined> {
  return read().catch((error: unknown) => {
    if (error instanceof MamError && error.code === 'not_found') return undefined;
    throw error;
  });
}
