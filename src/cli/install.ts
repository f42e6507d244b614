import { MamError } from '../base/errors.ts';
import { flag, optionName } from '../base/fields.ts';
import { checkWorkingFolder } from '../base/working-folder.ts';
import type { Client, Scope } from '../install/client.ts';
import { diffOf } from '../install/diff.ts';
import { carryOut, type Plan, planOf } from '../install/disk/plan.ts';
import { Receipts } from '../install/disk/receipts.ts';
import { doubts, surroundings } from '../install/disk/surroundings.ts';
import { clients } from '../install/index.ts';
import { allowsSupervisor, powersOf } from '../install/own-tools.ts';
import { mamHome } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, printAnswer } from './core/output.ts';

const names = Object.keys(clients);

export default defineCommand({
  about: [
    "Adds the MCP server `mam` to a client's own configuration. Existing content is preserved; a changed file is " +
      'backed up next to it. Running it twice changes nothing.',
    'It also allows a peer to report without asking (publish_event, job_status). With --allow-supervisor, a supervisor ' +
      'does not ask either: its model can then, by itself, delegate to any agent on your tmux server, start and stop ' +
      'agents, allow what a peer asks permission for, and run check scripts as you.',
  ],
  words: [{ name: 'CLIENT', about: names.join(', '), needed: true, oneOf: names }],
  options: {
    user: flag('for all your projects (the default)'),
    project: flag('for the project around the working directory'),
    channel: flag(
      'Claude Code only: notify it of its jobs over a channel; a later install without this option removes it again',
    ),
    allow_supervisor: flag(
      'also allow what a supervisor calls (delegate_job, answer_job, start_agent and the others); a later install keeps this',
    ),
    no_allow_supervisor: flag('undo an earlier --allow-supervisor'),
    dry_run: flag('show what would change, and write nothing'),
    uninstall: flag("remove mam's entry, with what you added inside it, and nothing else"),
  },
  json: 'what changed (`files`), `warnings` and what to do `next`',
  exits: { done: 'the configuration is as requested, whether it had to change or not' },
  examples: [
    'mam install claude-code --dry-run',
    'mam install claude-code --allow-supervisor --dry-run',
    'mam install claude-code --channel',
    'mam install codex --project',
  ],

  async run({ words: [name = ''], options, json }) {
    const client = clients[name] as Client;
    const { project, dry_run, uninstall, channel } = options;
    const { allow_supervisor: allow, no_allow_supervisor: unallow } = options;
    const scope: Scope = project ? 'project' : 'user';
    checkOptions(client, options);
    if (allow && project && client.allowsNothingInProject !== undefined) {
      const step = `Leave out --project: mam install ${name} --allow-supervisor allows it in all your projects.`;
      throw new MamError('bad_input', client.allowsNothingInProject, step);
    }
    if (project) checkWorkingFolder();
    // biome-ignore lint/style/noProcessEnv: the clients' own variables are not settings of ours
    const env = process.env;
    const here = surroundings(env);
    // Others use a project's files too: no path of this machine may be in them.
    const around = project ? { ...here, command: 'mam', args: [] } : here;
    const receipts = new Receipts(mamHome(env));
    // A clone brings its own links: they must not lead into the user's files.
    const within = project ? around.project : undefined;
    const plansFor = (supervisor: boolean): Plan[] =>
      client
        .files(scope, around, { channel, supervisor })
        .map((file) => planOf(file, receipts, { uninstall, within }));
    const present = plansFor(allow);
    const wasAllowed = present.some(({ found }) =>
      allowsSupervisor(found.text, receipts.of(found.path)?.receipt),
    );
    const keeps = wasAllowed && !allow && !unallow && !uninstall;
    const plans = keeps ? plansFor(true) : present;
    if (!dry_run) await carryOut(plans, receipts, { scope, uninstall });
    const changed = plans.some(({ change }) => change !== 'unchanged');
    const warnings = [...plans.flatMap(({ edited }) => edited.kept), ...plans.flatMap(lossOf)];
    if (!uninstall) {
      const off = plans.filter((plan) => plan.off).map(({ path }) => `${path} switches mam off.`);
      warnings.push(...off, ...doubts(client, around));
      if (keeps) warnings.push(keptText(`mam install ${name}${project ? ' --project' : ''}`));
    }
    const start = channel && client.channel !== undefined ? [client.channel] : [];
    const steps = uninstall ? [`Restart ${client.title}.`] : [...nextIn(client, scope), ...start];
    const next = changed ? steps : [];
    const supervisor = (allow || keeps) && !uninstall;
    const powers = allow ? powersOf(client.title) : [];
    const report = {
      client: name,
      scope,
      dry_run,
      uninstall,
      changed,
      supervisor,
      powers,
      plans,
      warnings,
      next,
    };
    printAnswer(json, jsonOf(report), textOf(client, report));
    if (!json) for (const warning of warnings) note(warning);
    return EXIT.done;
  },
});

/** @throws MamError `bad_input` for options that don't go together */
function checkOptions(client: Client, options: Record<string, boolean>): void {
  const pairs = [
    ['user', 'project'],
    ['channel', 'uninstall'],
    ['allow_supervisor', 'uninstall'],
    ['allow_supervisor', 'no_allow_supervisor'],
    ['no_allow_supervisor', 'uninstall'],
  ] as const;
  const [one, other] = pairs.find((pair) => pair.every((option) => options[option])) ?? [];
  if (one !== undefined && other !== undefined) {
    const what = `--${optionName(one)} and --${optionName(other)} cannot be used together.`;
    throw new MamError('bad_input', what);
  }
  if (options['channel'] && !client.channel)
    throw new MamError('bad_input', `${client.title} has no channels: --channel is for claude-code.`);
}

function keptText(install: string): string {
  return `The supervisor's tools stay allowed, because of an earlier --allow-supervisor. To undo that: ${install} --no-allow-supervisor.`;
}

/** What to do after an install; a project's files are for all who use the project. */
function nextIn(client: Client, scope: Scope): string[] {
  if (scope === 'user') return client.next(scope);
  return [
    'The files run the command `mam`: everyone who uses the project needs it on the PATH.',
    ...client.next(scope),
  ];
}

/** What the user had added to our entry, and where it still is. */
function lossOf({ path, found, edited: { lost }, backup }: Plan): string[] {
  if (lost === undefined) return [];
  const copy = backup ?? `a copy next to ${found.path}`;
  return [`What you added to mam's entry in ${path} goes with it: ${lost.join(', ')}. It stays in ${copy}.`];
}

interface Report {
  client: string | undefined;
  scope: Scope;
  dry_run: boolean;
  uninstall: boolean;
  changed: boolean;
  /** The supervisor's tools are allowed. */
  supervisor: boolean;
  /** What that means, in sentences, when this call asks for it. */
  powers: string[];
  plans: Plan[];
  warnings: string[];
  next: string[];
}

function jsonOf({ plans, supervisor, powers, ...report }: Report): object {
  const files = plans.map(({ path, found, edited, change, backup, removed, ours }) => ({
    path,
    change,
    ...(backup !== undefined && { backup }),
    ...(removed !== undefined && { removed_backups: removed }),
    ...(report.dry_run && change !== 'unchanged' && { diff: diffOf(path, found.text, edited.text, ours) }),
  }));
  return { ...report, allow_supervisor: supervisor, ...(powers.length > 0 && { allows: powers }), files };
}

function textOf({ title }: Client, report: Report): string {
  const { scope, dry_run, uninstall, changed, powers, plans, next } = report;
  if (!changed) {
    const state = uninstall ? 'Nothing from mam install is in' : 'mam is already installed; nothing changes:';
    // What was left unchanged has its own warning.
    const silent = plans.filter(({ edited }) => !uninstall || edited.kept.length === 0);
    return [state, ...silent.map(({ path }) => `  ${path}`)].join('\n');
  }
  const changing = plans.filter(({ change }) => change !== 'unchanged');
  if (dry_run) {
    return [
      ...changing.map(({ path, found, edited, ours }) => diffOf(path, found.text, edited.text, ours)),
      '',
      ...powers,
      'Nothing was written: this is what would change. Your own values and comments are shown as …, and stay.',
    ].join('\n');
  }
  const where = scope === 'user' ? 'for all your projects' : 'for this project';
  return [
    `mam was ${uninstall ? 'removed from' : 'added to'} ${title}, ${where}:`,
    ...plans.flatMap(({ path, change, backup, removed = [] }) => [
      `  ${change.padEnd(9)}  ${path}`,
      ...(backup === undefined ? [] : [`  ${'backup'.padEnd(9)}  ${backup}`]),
      ...removed.map((old) => `  ${'removed'.padEnd(9)}  ${old}`),
    ]),
    '',
    ...powers,
    ...next,
  ].join('\n');
}
