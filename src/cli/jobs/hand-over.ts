import { MamError } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import type { DelegateResult } from '../../operations/delegate.ts';
import type { Commands } from '../../operations/request.ts';
import { note } from '../core/output.ts';

/** A delegation may take this long: its own 5 s, an agent that is started, and the start of a hub; in ms. */
const DELEGATE_MS = 60_000;

/**
 * Has the hub register a job and hand it over. Ctrl-C is too late to take the job back by then: the first one waits for
 * the job's id, the second one ends this process.
 * @returns also whether Ctrl-C came meanwhile
 * @throws MamError with the hub's own text; there is no job then
 */
export async function handOver(
  link: Link,
  params: Commands['delegate']['params'],
): Promise<{ result: DelegateResult; interrupted: boolean }> {
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    note('the job is being handed over; its id comes in a moment. Ctrl-C again ends this at once.');
  };
  process.once('SIGINT', interrupt);
  try {
    const result = await link.request('delegate', params, DELEGATE_MS);
    return { result, interrupted };
  } catch (error) {
    throw sessionMissing(error);
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

/** What is not found by a delegation is the agent's session: nothing is wrong with the command line. */
export function sessionMissing(error: unknown): unknown {
  if (!(error instanceof MamError) || error.code !== 'not_found') return error;
  return new MamError('unavailable', error.message, error.hint);
}
