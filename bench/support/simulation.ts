import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { programPath } from './lab.ts';
import type { Traffic } from './simulated-host.ts';

/** A message to a process with simulated hosts. */
export type SimulationOrder =
  | { do: 'join'; url: string; names: string[]; all: string[]; partners: number; jobs: number; real: string }
  | { do: 'rate'; perSecond: number }
  | { do: 'reset' }
  | { do: 'count' }
  | { do: 'leave' };

/** A message from one. */
export interface SimulationReport {
  ready?: true;
  traffic?: Omit<Traffic, 'reset'>;
  /** Of all its connections since they were opened. */
  bytes?: { said: number; heard: number };
}

/** What all simulated hosts have said and heard. */
export interface Count {
  events: number;
  said: number;
  heard: number;
  toReal: { messages: number; bytes: number };
  bytes: { said: number; heard: number };
  took: number[];
}

/** Many simulated hosts on one broker, in a few processes. */
export class Simulation {
  readonly #children: ChildProcess[];

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  /** All have joined when it returns. @param real the name of the one real hub */
  static async start(
    { processes, hosts, ...plan }: { processes: number; hosts: string[]; partners: number; jobs: number },
    url: string,
    real: string,
  ): Promise<Simulation> {
    const children = Array.from({ length: processes }, () => fork(programPath('simulated-hosts')));
    const simulation = new Simulation(children);
    process.once('exit', () => simulation.kill());
    await Promise.all(
      children.map(async (child, index) => {
        const names = hosts.filter((_, at) => at % processes === index);
        child.send({ do: 'join', url, names, all: hosts, real, ...plan } satisfies SimulationOrder);
        await once(child, 'message');
      }),
    );
    return simulation;
  }

  /** How many events they make together. */
  rate(perSecond: number): void {
    for (const child of this.#children)
      this.#tell(child, { do: 'rate', perSecond: perSecond / this.#children.length });
  }

  reset(): void {
    for (const child of this.#children) this.#tell(child, { do: 'reset' });
  }

  async count(): Promise<Count> {
    const reports = await Promise.all(
      this.#children.map(async (child): Promise<SimulationReport> => {
        this.#tell(child, { do: 'count' });
        const [report] = await once(child, 'message');
        return report;
      }),
    );
    const sum = (of: (report: SimulationReport) => number | undefined) =>
      reports.reduce((total, report) => total + (of(report) ?? 0), 0);
    return {
      events: sum(({ traffic }) => traffic?.events),
      said: sum(({ traffic }) => traffic?.said),
      heard: sum(({ traffic }) => traffic?.heard),
      toReal: {
        messages: sum(({ traffic }) => traffic?.toReal.messages),
        bytes: sum(({ traffic }) => traffic?.toReal.bytes),
      },
      bytes: { said: sum(({ bytes }) => bytes?.said), heard: sum(({ bytes }) => bytes?.heard) },
      took: reports.flatMap(({ traffic }) => traffic?.took ?? []),
    };
  }

  async end(): Promise<void> {
    const ends = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) this.#tell(child, { do: 'leave' });
    await Promise.all(ends);
  }

  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #tell(child: ChildProcess, order: SimulationOrder): void {
    child.send(order);
  }
}
