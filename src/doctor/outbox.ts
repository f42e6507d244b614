import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Found, note, problem } from './finding.ts';

/** A running hub looks every 2 s: what is older than this waits for something else, in ms. */
const WAIT_MS = 10_000;

/** The events that wait on disk for the hub. Nothing is said of an empty outbox. */
export function outbox(folder: string, hubRuns: boolean): Found[] {
  const names = namesOf(folder);
  const waiting = names.filter((name) => name.endsWith('.json'));
  const bad = names.filter((name) => name.endsWith('.bad'));
  return [...waitingIn(folder, waiting, hubRuns), ...badIn(folder, bad)];
}

function waitingIn(folder: string, names: string[], hubRuns: boolean): Found[] {
  const times = names.map(
    (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now(),
  );
  const age = Date.now() - Math.min(...times);
  if (names.length === 0 || (hubRuns && age < WAIT_MS)) return [];
  const id = 'hub.outbox';
  const count = names.length === 1 ? 'One event waits' : `${names.length} events wait`;
  const title = `${count} for the hub in ${folder}, the oldest for ${ageText(age)}.`;
  return hubRuns
    ? [
        problem(
          id,
          title,
          'The hub runs and does not take them: `mam hub logs` says why; then `mam hub restart`.',
        ),
      ]
    : [
        note(
          id,
          title,
          'Any command that needs the hub takes them in, such as `mam wait` or `mam hub restart`.',
        ),
      ];
}

function badIn(folder: string, names: string[]): Found[] {
  if (names.length === 0) return [];
  const files = names.length === 1 ? 'One file holds' : `${names.length} files hold`;
  const title = `${files} no event that can be read in ${folder}.`;
  const remedy = 'Look at them, report what they say once more, and remove them.';
  return [note('hub.outbox-bad', title, remedy, names.slice(0, 3).join('\n'))];
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
