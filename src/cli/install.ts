import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { mamHome, programPath } from '../config.ts';
import { MamError } from '../errors.ts';
import type { Client, Edited, Scope, Surroundings } from '../install/client.ts';
import { diffOf } from '../install/diff.ts';
import { clients } from '../install/index.ts';
import { PROJECT_FOLDER } from '../project.ts';
import { defineCommand } from './command.ts';
import { EXIT } from './exit.ts';
import { type Found, prepare, readConfig, realOf, replaceConfig, restoreConfig } from './install-files.ts';
import { Receipts } from './install-receipts.ts';
import { note, print, printJson } from './output.ts';

const names = Object.keys(clients);

type Env = Surroundings['env'];

/** A file of the client, before and after. */
interface Plan {
  /** As the client calls it; `found.path` is behind all links. */
  path: string;
  found: Found;
  edited: Edited;
  change: 'created' | 'changed' | 'removed' | 'unchanged';
  backup?: string | undefined;
}

export default defineCommand({
  about: [
    "Writes the MCP server `mam` into a client's own configuration. What is there stays as it is; a file that changes " +
      'is kept beside the new one. Running it twice changes nothing.',
  ],
  words: [{ name: 'CLIENT', about: names.join(', '), needed: true, oneOf: names }],
  options: {
    user: { type: 'flag', about: 'for all your projects (the default)' },
    project: { type: 'flag', about: 'for the project around the working directory' },
    'dry-run': { type: 'flag', about: 'show what would change, and write nothing' },
    uninstall: { type: 'flag', about: 'take back what install wrote, and nothing else' },
  },
  json: 'what changed (`plans`), `warnings` and what to do `next`',
  exits: { done: 'it is as you asked, whether something had to change or not' },
  examples: ['mam install claude-code --dry-run', 'mam install codex --project'],

  async run({ words: [name = ''], options, json }) {
    const client = clients[name] as Client;
    if (options.user && options.project)
      throw new MamError('bad_input', '--user and --project exclude each other.');
    const scope: Scope = options.project ? 'project' : 'user';
    const { 'dry-run': dryRun, uninstall } = options;
    // biome-ignore lint/style/noProcessEnv: what these clients read of it is no setting of ours
    const env = process.env;
    const around = surroundings(env);
    const receipts = new Receipts(mamHome(env));
    const plans = client.files(scope, around).map((file): Plan => {
      const found = readConfig(file.path);
      const edited = (uninstall ? file.uninstall : file.install)(found.text, receipts.of(found.path));
      return { path: file.path, found, edited, change: changeOf(found.text, edited.text) };
    });
    if (!dryRun) await carryOut(plans, receipts, { scope, uninstall });
    const changed = plans.some(({ change }) => change !== 'unchanged');
    const warnings = [
      ...plans.flatMap(({ edited }) => edited.kept),
      ...(uninstall ? [] : doubts(client, around)),
      ...(scope === 'project' && changed && !uninstall
        ? ['What was written names a path of this machine: think of that before you commit it.']
        : []),
    ];
    const next = changed ? (uninstall ? [`Restart ${client.title}.`] : client.next(scope)) : [];
    const report = { client: name, scope, dry_run: dryRun, uninstall, changed, plans, warnings, next };
    if (json) printJson(jsonOf(report));
    else {
      print(textOf(client, report));
      for (const warning of warnings) note(warning);
    }
    return EXIT.done;
  },
});

/** Writes every file that changes, or none. */
async function carryOut(
  plans: Plan[],
  receipts: Receipts,
  report: { scope: Scope; uninstall: boolean },
): Promise<void> {
  const changing = plans.filter(({ change }) => change !== 'unchanged');
  for (const { found } of changing) prepare(found, report.scope === 'user');
  const before = plans.map(({ found }) => receipts.of(found.path));
  const note = async (all: unknown[]): Promise<void> => {
    for (const [index, { found }] of plans.entries()) receipts.set(found.path, all[index]);
    await receipts.save();
  };
  const after = plans.map(({ edited }) => edited.receipt);
  // A receipt too many harms nothing if this process is killed now: only what is there is ever taken back.
  if (!report.uninstall) await note(after);
  const done: Plan[] = [];
  try {
    for (const plan of changing) {
      plan.backup = replaceConfig(plan.found, plan.edited.text, report.scope === 'user' ? 0o600 : 0o666);
      done.push(plan);
    }
  } catch (error) {
    for (const { found, backup } of done) restoreConfig(found, backup);
    await note(before);
    throw error;
  }
  if (report.uninstall) await note(after);
}

function changeOf(before: string | undefined, after: string | undefined): Plan['change'] {
  if (before === after) return 'unchanged';
  if (before === undefined) return 'created';
  return after === undefined ? 'removed' : 'changed';
}

function surroundings(env: Env): Surroundings {
  return {
    home: homedir(),
    project: projectAround(process.cwd(), mamHome(env)),
    env,
    isFile,
    ...serverCommand(env),
  };
}

/** The project's top: the next folder upwards with a repository or a `.mam` folder, not above HOME; else the folder itself. */
function projectAround(cwd: string, home: string): string {
  const userHome = homedir();
  const inside = cwd.startsWith(userHome + sep);
  for (let folder = cwd; !(inside && folder === userHome); folder = dirname(folder)) {
    const own = join(folder, PROJECT_FOLDER);
    if (existsSync(join(folder, '.git')) || (own !== home && existsSync(own))) return folder;
    if (folder === dirname(folder)) break;
  }
  return cwd;
}

/** This program by the name under which it is installed, else by Node and its file. */
function serverCommand(env: Env): { command: string; args: string[] } {
  const program = programPath();
  const started = process.argv[1] ?? '';
  const named = [
    ...(basename(started) === 'mam' ? [resolve(started)] : []),
    ...foldersOf(env).map((folder) => join(folder, 'mam')),
  ];
  const installed = named.find((path) => realOf(path) === realOf(program));
  return installed === undefined
    ? { command: process.execPath, args: [program] }
    : { command: installed, args: [] };
}

function foldersOf(env: Env): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
}

/** What may keep the install from working. */
function doubts({ title, program }: Client, { env, command, args }: Surroundings): string[] {
  const there = foldersOf(env).some((folder) => isProgram(join(folder, program)));
  const cached = [command, ...args].some((word) => word.includes(`${sep}_npx${sep}`));
  return [
    ...(there ? [] : [`${program} is not on the PATH: is ${title} installed?`]),
    ...(cached
      ? ["What was written is in npm's cache, which npm may empty: install mam, then run this again."]
      : []),
  ];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}

function isFile(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0;
  } catch {
    return false;
  }
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
  const files = plans.map(({ path, found, edited, change, backup }) => ({
    path,
    change,
    ...(backup !== undefined && { backup }),
    ...(report.dry_run && change !== 'unchanged' && { diff: diffOf(path, found.text, edited.text) }),
  }));
  return { ...report, files };
}

function textOf({ title }: Client, { scope, dry_run, uninstall, changed, plans, next }: Report): string {
  if (!changed) {
    const state = uninstall ? 'Nothing of mam install is in' : 'mam is installed already, nothing changes:';
    return [state, ...plans.map(({ path }) => `  ${path}`)].join('\n');
  }
  const changing = plans.filter(({ change }) => change !== 'unchanged');
  if (dry_run) {
    return [
      ...changing.map(({ path, found, edited }) => diffOf(path, found.text, edited.text)),
      '',
      'Nothing was written: this is what would change.',
    ].join('\n');
  }
  const where = scope === 'user' ? 'for all your projects' : 'for this project';
  return [
    `mam is ${uninstall ? 'taken out of' : 'added to'} ${title}, ${where}:`,
    ...plans.flatMap(({ path, change, backup }) => [
      `  ${change.padEnd(9)}  ${path}`,
      ...(backup === undefined ? [] : [`  ${'backup'.padEnd(9)}  ${backup}`]),
    ]),
    '',
    ...next,
  ].join('\n');
}
