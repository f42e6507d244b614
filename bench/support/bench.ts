/** How a bench is to run. */
export interface Plan {
  quick: boolean;
  /** Returns a number of rounds: all of them, or fewer for a quick run. */
  rounds(whole: number, quick: number): number;
}

/** Three statistics of many measured values. */
export interface Spread {
  min: number;
  p50: number;
  p99: number;
}

/** One line of the results. */
export interface Row {
  what: string;
  unit: string;
  value: Spread;
  /** The minimum on this machine, measured alternately with the value. */
  floor?: Spread;
  goal?: string;
  reached?: boolean;
  note?: string;
}

/** Runs a bench as a process: its rows go to stdout as one line of JSON. */
export async function main(bench: (plan: Plan) => Promise<Row[]>): Promise<void> {
  const quick = process.argv.includes('--quick');
  try {
    const rows = await bench({ quick, rounds: (whole, part) => (quick ? part : whole) });
    process.stdout.write(`${JSON.stringify(rows)}\n`, () => process.exit(0));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

export function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { min: at(0), p50: at(0.5), p99: at(0.99) };
}

/** Times as a row. @param goal the goal, and whether it is reached */
export function times(
  what: string,
  value: Spread,
  floor?: Spread,
  goal?: Pick<Row, 'goal' | 'reached'>,
): Row {
  return { what, unit: 'ms', value, ...(floor && { floor }), ...goal };
}

/** A goal for absolute times. @param also what else must hold */
export function within(value: Spread, goal: { p50: number; p99: number }, also = true, words = '') {
  const reached = value.p50 <= goal.p50 && value.p99 <= goal.p99 && also;
  return { goal: `p50 ≤ ${goal.p50}, p99 ≤ ${goal.p99} ms${words}`, reached };
}

/** A goal for times relative to their floor. */
export function atMost(factor: number, value: Spread, floor: Spread, name: string) {
  const reached = value.min / floor.min <= factor && value.p50 / floor.p50 <= factor;
  return { goal: `≤ ${factor} × ${name}`.trimEnd(), reached };
}

/** How long something takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = now();
  await work();
  return now() - started;
}

/** One measured value as a spread. */
export function single(value: number): Spread {
  return { min: value, p50: value, p99: value };
}

export function sum(a: Spread, b: Spread): Spread {
  return { min: a.min + b.min, p50: a.p50 + b.p50, p99: a.p99 + b.p99 };
}

/** Milliseconds since a point in time that is the same for all processes of this machine (CLOCK_MONOTONIC on Linux). */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Makes all measurements once per round, in alternating order, so that noise affects them equally. */
export async function inTurn<K extends string>(
  rounds: number,
  measures: Record<K, (round: number) => Promise<number>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(measures) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse())
      values[name].push(await measures[name](round));
  }
  return values;
}
