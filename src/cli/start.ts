import { resolveKind } from '../agents/index.ts';
import { isVariableName, parseEnvFile } from '../base/env-file.ts';
import { MamError } from '../base/errors.ts';
import { list, maybe, text } from '../base/fields.ts';
import {
  namesOf,
  resumedText,
  rowWords,
  type StartResult,
  start,
  startParams,
  startThere,
  startView,
} from '../operations/agents.ts';
import { addressOf } from '../operations/host-address.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import { askerSettings } from '../settings/program.ts';
import type { Standpoint } from '../view/attach.ts';
import { commandWords } from '../view/command-words.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, print, printJson } from './core/output.ts';
import { readText } from './core/read-text.ts';
import { withHub } from './jobs/with-hub.ts';

const { agent: kindField, resume: _, resume_job: jobField, ...fields } = start.fields;

/** A job's id, or the beginning of one: no kind of agent has such a name. */
const JOB_ID = /^[a-z][0-9][a-z0-9-]*$/;

/** An agent may take 45 s to become ready; in ms. */
const START_MS = 55_000;

export default defineCommand({
  about: [
    'Starts an agent in its own tmux session, ready for jobs. Your own configuration is not changed.',
    'Variables, a model and arguments come from agents.KIND in config.json (env, env_file, model, args), then from this ' +
      'command line. They are not kept: give them again with --resume. Only you can set them: the tool start_agent takes ' +
      'only a model. Everyone on this machine can read command lines, so a secret belongs in --env-file, or in your ' +
      'environment with --env NAME.',
  ],
  words: [
    { name: 'KIND', about: `${kindField.about}, also as KIND@HOST`, needed: true, completes: 'startable' },
  ],
  rest: { name: 'ARGS', about: "arguments for the agent's program, after those of mam" },
  options: {
    ...fields,
    resume: {
      ...jobField,
      alone: JOB_ID,
      value: 'JOB_ID',
      typed: 'resume its last conversation there or, with an id, that of this job, in its folder',
    },
    env: maybe(
      list(text(), "variable of the agent's session, or NAME alone to pass on your own; can be repeated", {
        value: 'NAME=VALUE',
      }),
    ),
    env_file: maybe(
      text('file with more of them, one NAME=VALUE per line; - reads standard input', { completes: 'file' }),
    ),
  },
  json: { tool: 'start_agent' },
  exits: { done: 'ready', attention: 'a person must look at the session first' },
  examples: [
    'mam start codex',
    'mam start codex --name reviewer --workdir ../other --model gpt-5',
    'mam start codex --resume k3f9x2ab',
    'mam start codex --host hostb',
    'mam start claude-code --env-file ~/keys.env -- --permission-mode plan',
  ],

  run: ({ words: [word = ''], rest: args = [], options, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const { env_file: file, env: named = [], host: at, resume: job, ...others } = options;
      const asked = { ...others, resume: job === '', ...(job && { resume_job: job }) };
      const { host, session: typed = word } = addressOf({ host: at, session: word }, settings, 'KIND');
      const from = { ...settings, inside: settings.paneSocket };
      if (host !== undefined) {
        if (file !== undefined || named.length > 0 || args.length > 0) throw onlyHere(host);
        const params = startThere(host, { ...asked, agent: typed });
        const there = await ask('ask_host', { host, command: 'start', params }, ELSEWHERE_MS);
        return tell({ agent: typed }, there as unknown as StartResult, from, json, host);
      }
      const kind = resolveKind(typed, settings, 'start');
      const env = { ...(file !== undefined && (await variablesIn(file))), ...variablesOf(named) };
      const wishes = { ...asked, env, args };
      const params = startParams(wishes, kind, settings.cwd, askerSettings(settings));
      const started = await ask('start', params, START_MS);
      return tell(namesOf(kind), started, from, json);
    }),
});

/** @param host that it was started on, if not this one. @returns the exit code */
function tell(
  named: ReturnType<typeof namesOf>,
  started: StartResult,
  from: Standpoint,
  json: boolean,
  host?: string,
): number {
  const { ready, waits_for: waits, not_resumed, resumed_job, out_of_reach: lost } = started;
  const view = startView(named, started, from, host);
  const { target, attach_command: attach } = view;
  if (json) {
    printJson({
      ...view,
      next: ready ? `mam submit --agent ${named.agent} --agent-session ${target}` : attach,
    });
  } else {
    print(`${rowWords(named)} ${ready ? 'is ready' : 'is not ready'} in ${target}`);
    if (waits !== undefined) note(commandWords(waits));
    if (resumed_job !== undefined) note(resumedText(resumed_job));
    if (not_resumed !== undefined) note(`it began a new conversation: ${not_resumed}.`);
    if (lost !== undefined) note(commandWords(lost));
    else print(`attach: ${attach}`);
  }
  return ready ? EXIT.done : EXIT.attention;
}

function onlyHere(host: string): MamError {
  const what = `Variables and arguments can't be given to an agent on ${host}: its own config.json sets them there.`;
  return new MamError('bad_input', what, 'Leave out --env, --env-file and what follows --.');
}

async function variablesIn(file: string): Promise<Record<string, string>> {
  const text = await readText(file, '--env-file', 'Convert it to UTF-8 first.');
  const variables = parseEnvFile(file === '-' ? 'standard input' : file, text);
  // Started as `node main.js --env-file …`, Node reads the file itself: a pipe is then empty.
  if (Object.keys(variables).length === 0)
    throw new MamError('bad_input', `${file} has no variables.`, 'Give a file with some, or leave it out.');
  return variables;
}

/** @throws MamError `bad_input` for a name alone that is not set here; no error repeats a value */
function variablesOf(named: readonly string[]): Record<string, string> {
  const pairs = named.map((word): [string, string] => {
    const [, name = '', value] = /^([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (!isVariableName(name)) {
      const what = '--env needs the name of a variable, with or without =VALUE.';
      throw new MamError('bad_input', what, 'Write --env NAME=VALUE.');
    }
    // biome-ignore lint/style/noProcessEnv: the user's own variable, asked for by name
    const given = value ?? process.env[name];
    if (given === undefined)
      throw new MamError(
        'bad_input',
        `--env ${name}: ${name} is not set here.`,
        `Write --env ${name}=VALUE.`,
      );
    return [name, given];
  });
  return Object.fromEntries(pairs);
}
