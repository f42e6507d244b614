import { appendFileSync } from 'node:fs';
import type { Told } from './evidence.ts';

/** Longer answers are cut in the timeline; the rules have them whole. */
const SHOWN = 2_000;

/** The ledger: what the nemesis did and what every process was told, in `faults.jsonl` as it happens. */
export class Ledger {
  readonly told: Told[] = [];
  /** How often each fault was caused, by name. */
  readonly faults = new Map<string, number>();
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  take(told: Told): void {
    this.told.push(told);
    this.#write({ at: told.ended ?? Date.now(), ...told });
  }

  fault(name: string, what: string): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
    this.note(`fault ${name}`, { what });
  }

  note(note: string, more: object = {}): void {
    this.#write({ at: Date.now(), note, ...more });
  }

  #write(entry: object): void {
    const line = JSON.stringify(entry, (_, value) =>
      typeof value === 'string' && value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value,
    );
    appendFileSync(this.#path, `${line}\n`);
  }
}
