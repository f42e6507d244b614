import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { Lab } from './lab.ts';
import type { Json, LabServer } from './lab-server.ts';
import { until } from './until.ts';

/** What a stand-in was called with. */
export interface Call {
  name: string;
  args: string[];
}

/** A program that notes its arguments, one line of JSON each call. */
const STAND_IN = `#!${process.execPath}
const { basename } = require('path');
const call = { name: basename(__filename), args: process.argv.slice(2) };
require('fs').appendFileSync(process.env.HOME + '/p/calls', JSON.stringify(call) + '\\n');
`;

/** A command that notes each event, and runs until `open` is called. */
const GATED = 'cat >> $HOME/p/told; while [ ! -e $HOME/p/gate ]; do sleep 0.05; done';

/** A lab whose user is told outside, with programs of the test on the hub's PATH. */
export class Outside extends Lab {
  readonly #bin = join(this.project, 'bin');

  constructor() {
    super({ MAM_HUB_IDLE_SECONDS: '2' });
    mkdirSync(this.#bin);
  }

  override get env(): Record<string, string> {
    return { ...super.env, PATH: `${this.#bin}:${super.env['PATH']}` };
  }

  /** Puts stand-ins on the PATH that note how they are called. */
  standIn(...names: string[]): void {
    for (const name of names) {
      writeFileSync(join(this.#bin, name), STAND_IN);
      chmodSync(join(this.#bin, name), 0o755);
    }
  }

  get calls(): Call[] {
    return this.#lines('calls') as Call[];
  }

  /** The events that the command has noted in `told`. */
  get told(): Json[] {
    return this.#lines('told');
  }

  /** Waits until this many events are noted. */
  tells(count: number): Promise<Json[]> {
    return until(`${count} events are told`, () => this.told.length >= count && this.told);
  }

  /** Sets a command that notes each event. */
  note(): void {
    this.configure({ on_event: 'cat >> $HOME/p/told' });
  }

  /** The same, but each run lasts until `open`. */
  hold(): void {
    this.configure({ on_event: GATED });
    this.onEnd(() => this.open());
  }

  open(): void {
    this.write('gate', '');
  }

  /** Jobs for a person, whose events need no tmux. @returns their ids */
  async give(server: LabServer, count = 1): Promise<string[]> {
    const ids: string[] = [];
    for (let one = 0; one < count; one++)
      ids.push((await server.ask('delegate_job', { prompt: `Bring key ${one + 1}`, agent: 'human' })).job_id);
    return ids;
  }

  #lines(name: string): Json[] {
    const path = join(this.project, name);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

export const test = base.extend<{ lab: Outside }>({
  lab: async ({ task }, use) => {
    const lab = new Outside();
    await use(lab);
    await lab.end(task.result?.state === 'fail');
  },
});
