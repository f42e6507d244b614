import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { checkWorkingFolder } from '../base/working-folder.ts';
import type { Client, Scope } from '../install/client.ts';
import { diffOf } from '../install/diff.ts';
import { carryOut, type Plan, planOf } from '../install/disk/plan.ts';
import { Receipts } from '../install/disk/receipts.ts';
import { doubts, surroundings } from '../install/disk/surroundings.ts';
import { clients } from '../install/index.ts';
import { mamHome } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, printAnswer } from './core/output.ts';

const names = Object.keys(clients);

export default defineCommand({
  about: [
    "Adds the MCP server `mam` to a client's own configuration. Existing content is preserved; a changed file is " +
      'backed up next to it. Running it twice changes nothing.',
  ],
  words: [{ name: 'CLIENT', about: names.join(', '), needed: true, oneOf: names }],
  options: {
    user: flag('for all your projects (the default)'),
    project: flag('for the project around the working directory'),
    channel: flag(
      'Claude Code only: notify it of its jobs over a channel; a later install without this option removes it again',
    ),
    dry_run: flag('show what would change, and write nothing'),
    uninstall: flag("remove mam's entry, with what you added inside it, and nothing else"),
  },
  json: 'what changed (`files`), `warnings` and what to do `next`',
  exits: { done: 'the configuration is as requested, whether it had to change or not' },
  examples: [
    'mam install claude-code --dry-run',
    'mam install claude-code --channel',
    'mam install codex --project',
  ],

  async run({ words: [name = ''], options, json }) {
    const client = clients[name] as Client;
    const { user, project, dry_run, uninstall, channel } = options;
    const wrong =
      (user && project && '--user and --project cannot be used together.') ||
      (channel && uninstall && '--channel and --uninstall cannot be used together.') ||
      (channel && !client.channel && `${client.title} has no channels: --channel is for claude-code.`);
    if (wrong) throw new MamError('bad_input', wrong);
    const scope: Scope = project ? 'project' : 'user';
    if (project) checkWorkingFolder();
    // biome-ignore lint/style/noProcessEnv: the clients' own variables are not settings of ours
    const env = process.env;
    const around = surroundings(env);
    const receipts = new Receipts(mamHome(env));
    // A clone brings its own links: they must not lead into the user's files.
    const within = project ? around.project : undefined;
    const plans = client
      .files(scope, around, channel)
      .map((file) => planOf(file, receipts, { uninstall, within }));
    if (!dry_run) await carryOut(plans, receipts, { scope, uninstall });
    const changed = plans.some(({ change }) => change !== 'unchanged');
    const warnings = [...plans.flatMap(({ edited }) => edited.kept), ...plans.flatMap(lossOf)];
    if (!uninstall) {
      const off = plans.filter((plan) => plan.off).map(({ path }) => `${path} switches mam off.`);
      warnings.push(...off, ...doubts(client, around));
      if (project && changed)
        warnings.push('The file contains a path on this machine; keep that in mind before you commit it.');
    }
    const start = channel && client.channel !== undefined ? [client.channel] : [];
    const steps = uninstall ? [`Restart ${client.title}.`] : [...client.next(scope), ...start];
    const next = changed ? steps : [];
    const report = { client: name, scope, dry_run, uninstall, changed, plans, warnings, next };
    printAnswer(json, jsonOf(report), textOf(client, report));
    if (!json) for (const warning of warnings) note(warning);
    return EXIT.done;
  },
});

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
  plans: Plan[];
  warnings: string[];
  next: string[];
}

function jsonOf({ plans, ...report }: Report): object {
  const files = plans.map(({ path, found, edited, change, backup, removed, ours }) => ({
    path,
    change,
    ...(backup !== undefined && { backup }),
    ...(removed !== undefined && { removed_backups: removed }),
    ...(report.dry_run && change !== 'unchanged' && { diff: diffOf(path, found.text, edited.text, ours) }),
  }));
  return { ...report, files };
}

function textOf({ title }: Client, { scope, dry_run, uninstall, changed, plans, next }: Report): string {
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
    ...next,
  ].join('\n');
}
