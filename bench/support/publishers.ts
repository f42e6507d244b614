import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchLab, programPath } from './lab.ts';

/** A message to a publisher. */
export type Order = { do: 'go' } | { do: 'stop' } | { do: 'mark'; at: number };

/** A message from a publisher. */
export interface Report {
  ready?: true;
  /** When the first event made after the mark was acknowledged. */
  again?: number;
  /** Numbers of the acknowledged events, first and last of each unbroken range. */
  acked?: [number, number][];
  latencies?: number[];
  /** Events that went to the outbox. */
  kept?: number;
}

const NAME = 'bench';

/** Publisher processes, each with its own job. */
export class Publishers {
  readonly #children: ChildProcess[] = [];
  readonly #reports: Report[] = [];
  readonly #jobs: string[];

  private constructor(jobs: string[]) {
    this.#jobs = jobs;
  }

  /** Starts one per job, and waits until all are connected. */
  static async start(
    lab: BenchLab,
    kind: string,
    jobs: string[],
    window: number,
    socket: string,
    realm = '',
  ) {
    const publishers = new Publishers(jobs);
    for (const job of jobs) {
      const name = `${NAME}-${job}`;
      const child = lab.fork(programPath('publisher'), [kind, job, name, String(window), socket, realm]);
      publishers.#children.push(child);
    }
    await Promise.all(publishers.#children.map((child) => once(child, 'message')));
    for (const child of publishers.#children)
      child.on('message', (report: Report) => publishers.#reports.push(report));
    return publishers;
  }

  go(): void {
    this.#tell({ do: 'go' });
  }

  /** Sets a mark: `again` then says when the first later event was acknowledged. */
  mark(at: number): void {
    this.#tell({ do: 'mark', at });
  }

  /** When the first event made after the mark was acknowledged. @throws after `ms` */
  async again(mark: number, ms: number): Promise<number> {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      // The other publishers report an earlier mark long after the first one did.
      const times = this.#reports.flatMap(({ again }) => (again !== undefined && again > mark ? again : []));
      if (times.length > 0) return Math.min(...times);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`no event was acknowledged for ${ms} ms`);
  }

  /** Ends all publishers. @returns the acknowledged events, by job */
  async stop(): Promise<{
    acked: Map<string, [number, number][]>;
    count: number;
    latencies: number[];
    kept: number;
  }> {
    const ends = this.#children.map(async (child) => {
      const report = new Promise<Report>((resolve, reject) => {
        child.on('message', (message: Report) => {
          if (message.acked !== undefined) resolve(message);
        });
        child.once('exit', () => reject(new Error('a publisher ended early')));
      });
      return report;
    });
    this.#tell({ do: 'stop' });
    const reports = await Promise.all(ends);
    const rows = reports.map((report) => report.acked ?? []);
    return {
      acked: new Map(this.#jobs.map((job, index) => [job, rows[index] ?? []])),
      count: rows.flat().reduce((all, [first, last]) => all + last - first + 1, 0),
      latencies: reports.flatMap((report) => report.latencies ?? []),
      kept: reports.reduce((all, report) => all + (report.kept ?? 0), 0),
    };
  }

  #tell(order: Order): void {
    for (const child of this.#children) child.send(order);
  }
}

/** Reads the journals: every acknowledged event must be there exactly once, and `seq` must have no gap. */
export function audit(
  lab: BenchLab,
  acked: Map<string, [number, number][]>,
): { lost: number; twice: number } {
  let lost = 0;
  let twice = 0;
  for (const [job, ranges] of acked) {
    const seen = new Uint8Array((ranges.at(-1)?.[1] ?? 0) + 100_000);
    const prefix = `${NAME}-${job}-`;
    let seq = 0;
    for (const line of readFileSync(join(lab.registry, job, 'events.jsonl'), 'utf8').split('\n')) {
      if (line === '') continue;
      const event = JSON.parse(line);
      if (event.seq !== ++seq) throw new Error(`journal of ${job}: seq ${event.seq} instead of ${seq}`);
      if (!event.event_id.startsWith(prefix)) continue;
      const n = Number(event.event_id.slice(prefix.length));
      if (seen[n] === 1) twice++;
      seen[n] = 1;
    }
    for (const [first, last] of ranges) for (let n = first; n <= last; n++) if (seen[n] !== 1) lost++;
  }
  return { lost, twice };
}
