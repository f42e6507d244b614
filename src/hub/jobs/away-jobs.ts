import type { MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { AwayRegistry } from '../../operations/housekeeping.ts';
import type { Pointer } from '../../registry/home.ts';
import { presentMark } from '../../registry/mark.ts';
import { jobPaths } from '../../registry/paths.ts';

interface Waiting {
  pointer: Pointer;
  /** What keeps the job from being read; absent when its registry is away. */
  why: MamError | undefined;
  /** The state of its files when they were last looked at. */
  state: string;
}

/** Live jobs that can't be read now: they are remembered, and taken up once they can be read. */
export class AwayJobs extends Map<string, Waiting> {
  readonly #log: Log;

  constructor(log: Log) {
    super();
    this.#log = log;
  }

  /** The jobs whose registries are away. */
  get pointers(): Pointer[] {
    return [...this.values()].flatMap(({ pointer, why }) => (why === undefined ? [pointer] : []));
  }

  /** The jobs that may be readable now: damage stays until the files are changed. */
  get due(): Pointer[] {
    return [...this.values()]
      .filter(({ pointer, why, state }) => why?.code !== 'unavailable' || stateOf(pointer) !== state)
      .map(({ pointer }) => pointer);
  }

  get registries(): AwayRegistry[] {
    return registriesOf([...this.values()].map((one) => ({ ...one.pointer, why: one.why?.message })));
  }

  /** True for a job whose registry was away when it was last looked at. */
  isAway(jobId: string): boolean {
    return this.has(jobId) && this.get(jobId)?.why === undefined;
  }

  /** @param why what keeps the job from being read; absent when its registry is away */
  put(pointer: Pointer, why?: MamError): void {
    const { jobId, registryDir } = pointer;
    const before = this.get(jobId);
    if (before === undefined || before.why?.text !== why?.text) {
      const where = registryDir || '(not known)';
      this.#log.warn(`job ${jobId} waits for its registry ${where}: ${why?.text ?? 'it is not there'}`);
    }
    this.set(jobId, { pointer, why, state: stateOf(pointer) });
  }
}

/** Groups waiting jobs by their registry and by what keeps them from being read. */
export function registriesOf(jobs: (Pointer & { why: string | undefined })[]): AwayRegistry[] {
  const all = new Map<string, AwayRegistry>();
  for (const { jobId, registryDir, why } of jobs) {
    const key = JSON.stringify([registryDir, why]);
    const { jobs: before = [] } = all.get(key) ?? {};
    const registry_dir = registryDir || '(not known)';
    all.set(key, { registry_dir, jobs: [...before, jobId], ...(why !== undefined && { why }) });
  }
  return [...all.values()];
}

function stateOf({ registryDir, jobId }: Pointer): string {
  const { journal, record } = jobPaths(registryDir, jobId);
  return `${presentMark(journal)} ${presentMark(record)}`;
}
