/**
 * A signal that is aborted with `signal`, or after `ms` milliseconds. It keeps no process alive. On Node 20.20,
 * `AbortSignal.any` with an `AbortSignal.timeout` is never aborted by the time once a garbage collection has run.
 */
export function limited(signal: AbortSignal, ms: number): AbortSignal {
  const end = new AbortController();
  const abort = (): void => {
    clearTimeout(timer);
    // The other signal may live as long as the process.
    signal.removeEventListener('abort', abort);
    end.abort();
  };
  const timer = setTimeout(abort, ms).unref();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return end.signal;
}
