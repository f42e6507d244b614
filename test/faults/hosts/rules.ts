import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFinal } from '../../../src/job/words.ts';
import type { HostLab } from '../../support/hosts/host-lab.ts';
import type { HostsWorld, Order } from './world.ts';

/** A journal's lines without their proofs, which each host makes by itself, and without what a crash tore. */
export function lines(lab: HostLab, jobId: string): string[] | undefined {
  const path = [lab.registry, join(lab.home, 'project', 'jobs')]
    .map((registry) => join(registry, jobId, 'events.jsonl'))
    .find((file) => existsSync(file));
  if (path === undefined) return undefined;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && line.endsWith('}'))
    .map((line) => line.replace(/,"mac":"[\w-]{22}"\}$/, '}'));
}

/** The job id in an order. */
const ORDER = /Use only this id, not one from an earlier job: (\S+)/;

/** What must hold once everything is at rest. */
export function violations(world: HostsWorld): string[] {
  return [
    ...world.orders.flatMap((order) => ofOrder(world, order)),
    ...ofPanes(world),
    ...ofWaits(world),
    ...world.files.map((file) => `outbox: ${file}`),
    ...world.labs.flatMap((lab) => ofLog(world, lab)),
  ];
}

function ofOrder(world: HostsWorld, order: Order): string[] {
  const { from, to, token, jobId, outcome } = order;
  const home = world.lab(to);
  const made = home.jobIds().filter((id) => promptOf(home, id).includes(`${token}.`));
  if (made.length > 1) return [`doubled: ${token} was made ${made.length} times on ${to}`];
  if (outcome === 'refused' && made.length > 0)
    return [`refused: ${token} was refused on ${from} (${order.words}) and is ${made} on ${to}`];
  if (jobId === undefined) return [];
  const copy = lines(world.lab(from), jobId);
  const name = `${jobId} (${from} to ${to}, ${outcome})`;
  if (copy === undefined) return [`copy: ${name} is gone on ${from}`];
  const snapshot = world.lab(from).snapshot(jobId);
  const own = lines(home, jobId);
  if (own === undefined) {
    if (snapshot.reason === 'delivery_failed' && outcome !== 'taken') return [];
    return [`home: ${name} is not on ${to}, and is ${snapshot.status} ${snapshot.reason} on ${from}`];
  }
  const found: string[] = [];
  const seqs = own.map((line) => JSON.parse(line).seq);
  if (seqs.some((seq, at) => seq !== at + 1)) found.push(`journal: ${name} has ${seqs}`);
  const ids = own.map((line) => JSON.parse(line).event_id).filter((id) => id !== undefined);
  if (new Set(ids).size < ids.length) found.push(`journal: ${name} has an event twice`);
  if (own.join('\n') !== copy.join('\n'))
    found.push(
      `copy: ${name} differs: ${own.length} lines at home, ${copy.length} in the copy; first: ${own.find((line, at) => line !== copy[at])?.slice(0, 200)} <> ${copy.find((line, at) => line !== own[at])?.slice(0, 200)}`,
    );
  if (!isFinal(snapshot.status)) found.push(`open: ${name} is ${snapshot.status} ${snapshot.reason}`);
  if (snapshot.home?.state !== 'ended') found.push(`state: ${name} is ${JSON.stringify(snapshot.home)}`);
  return found;
}

/** Each order at most once in a pane; whatever the journal says was begun, once. */
function ofPanes(world: HostsWorld): string[] {
  return world.labs.flatMap((lab) => {
    const orders = (world.agents.get(lab.host) ?? []).flatMap(({ evidence }) =>
      evidence.submitted.flatMap(({ text }) => ORDER.exec(text)?.[1] ?? []),
    );
    const twice = orders.filter((id, at) => orders.indexOf(id) !== at);
    const strange = orders.filter((id) => lines(lab, id) === undefined);
    const begun = lab.jobIds().filter((id) => {
      const own = lines(lab, id) ?? [];
      return own.some((line) => JSON.parse(line).type === 'started') && lab.snapshot(id).home === undefined;
    });
    return [
      ...twice.map((id) => `panes: ${id} was pasted twice on ${lab.host}`),
      ...strange.map((id) => `panes: ${id} was pasted on ${lab.host}, which has no such job`),
      ...begun.filter((id) => !orders.includes(id)).map((id) => `panes: ${id} began unasked on ${lab.host}`),
    ];
  });
}

function ofWaits(world: HostsWorld): string[] {
  return world.waiting.flatMap(({ what, host, jobId, running }) => {
    const { exitCode, signalCode } = running.child;
    if (exitCode === null && signalCode === null)
      return [
        `hang: mam ${what} ${jobId} on ${host} still runs: ${running.seen.stdout.slice(-300)} ${running.seen.stderr.slice(-300)}`,
      ];
    return [];
  });
}

/** A stack, or an error of the language, is nothing that a user can act on. */
function ofLog(world: HostsWorld, lab: HostLab): string[] {
  const log = world.hubLog(lab.host).split('\n');
  const bad = log.filter((line) =>
    /^\s+at .*:\d+:\d+|TypeError|RangeError|ReferenceError|SyntaxError|unexpected error|unhandled/i.test(
      line,
    ),
  );
  return [...new Set(bad.map((line) => line.replace(/^\S+Z? /, '')))]
    .slice(0, 5)
    .map((line) => `log: ${lab.host}: ${line.slice(0, 300)}`);
}

function promptOf(lab: HostLab, id: string): string {
  const path = join(lab.registry, id, 'prompt.md');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
