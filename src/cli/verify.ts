import { resolve } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import { sendSignal } from '../base/processes.ts';
import {
  outputTail,
  runScript,
  type ScriptEnd,
  type ScriptRun,
  scriptEnvironment,
} from '../checks/script.ts';
import { scriptOf } from '../checks/script-hash.ts';
import { checkNamedScript } from '../checks/script-start.ts';
import { draftEvent, type EventTypes } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord } from '../job/record.ts';
import { openLink } from '../link/client.ts';
import { VERDICT_MARGIN_MS, type VerifyParams, verify, verifyView } from '../operations/verify.ts';
import { foldJob } from '../registry/fold.ts';
import { foldOwn } from '../registry/history.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import { commandWords } from '../view/command-words.ts';
import { defineCommand } from './core/command.ts';
import { note, onReaderGone, printAnswer } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { jobWord, theJob } from './jobs/job-argument.ts';
import { findJob } from './jobs/job-log.ts';
import { ScriptOutput } from './jobs/script-output.ts';
import { withLink } from './jobs/with-hub.ts';

/** How long an interrupted script may take to clean up, in ms. */
const GRACE_MS = 2_000;

export default defineCommand({
  about: [
    "Runs a validation script against a job's artifacts now, in the job's working folder, with JOB_ID, REGISTRY_DIR and " +
      "MAM_JOB_DIR set. Prints its output as it comes, and the verdict on the last line. The job's status never changes; " +
      'the verdict is recorded in its log.',
    'Ctrl-C or a timeout ends the script and everything it started.',
  ],
  words: [jobWord],
  options: { ...verify.fields, ...theJob },
  json: { tool: 'verify_job', also: "The script's output goes to stderr." },
  exits: { done: "passed. Any other code is the script's own (124: it timed out, 128 + n: signal n)" },
  examples: ['mam verify k3f9x2ab-fix-login-test --validate ./check.sh', 'mam verify k3f9'],

  async run({ options, words, registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const { jobId, dir } = findJob(settings, options.job_id, words[0]);
    const given = options.validate === undefined ? undefined : resolve(settings.cwd, options.validate);
    const record = recordOf(dir, jobId, settings, given !== undefined);
    const { validate_timeout_seconds } = options;
    // What runs there is that host's affair: the path of its script says nothing about this machine.
    if (record.home !== undefined) {
      const asked = { job_id: jobId, registry_dir: dir, validate: given, validate_timeout_seconds };
      return verifyThere(settings, record, asked, json);
    }
    const { script, script_changed } = scriptOf(record.validation, given);
    if (script_changed) note(`${script} was changed since the job was delegated.`);
    // The exit code is the verdict, even if nobody reads the output.
    onReaderGone(() => {});
    const timeoutSeconds = validate_timeout_seconds ?? record.validation?.timeout_seconds;
    const env = scriptEnvironment(dir, jobId, { path: settings.path, virtual_env: settings.virtualEnv });
    if (given !== undefined) checkNamedScript(given, env['PATH']);
    const run = { script, workdir: record.workdir, timeoutSeconds, env };
    const { code, output, cutOffAfter } = await runHere(run, json);
    const passed = code === 0;
    const verdict = {
      script,
      passed,
      exit_code: code,
      ...(cutOffAfter !== undefined && { cut_off_after: cutOffAfter }),
      output_tail: outputTail(output),
      script_changed,
    };
    const view = { ...verifyView({ record, ...verdict }), next: `mam logs ${jobId}` };
    printAnswer(json, view, verdictLine(code, cutOffAfter));
    await noteIn(settings, jobId, {
      ...verdict,
      ...(cutOffAfter !== undefined && { outcome: 'could_not_finish' }),
    });
    return code;
  },
});

/** Has the host of a job run its script. @returns the script's exit code @throws MamError as the host refuses it */
async function verifyThere(
  settings: Settings,
  { validation }: JobRecord,
  asked: VerifyParams,
  json: boolean,
): Promise<number> {
  const seconds = asked.validate_timeout_seconds ?? validation?.timeout_seconds ?? LIMITS.timeoutSeconds;
  const patienceMs = seconds * 1000 + VERDICT_MARGIN_MS;
  const result = await withLink(settings, (link) =>
    link.request('verify', { ...asked, by: 'person' }, patienceMs),
  );
  const { output_tail: output, exit_code: code, cut_off_after: cutOffAfter } = result;
  const shown = new ScriptOutput(json);
  if (output !== '') shown.write(Buffer.from(output), 'stdout');
  shown.end();
  const view = { ...verifyView(result), next: `mam logs ${asked.job_id}` };
  printAnswer(json, view, verdictLine(code, cutOffAfter));
  return code;
}

/** The last line for a person. @param cutOffAfter the time limit in seconds that ended the script */
function verdictLine(code: number, cutOffAfter: number | undefined): string {
  const ended = code === 0 ? 'PASS' : `FAIL (exit ${code})`;
  return `validation: ${cutOffAfter === undefined ? ended : `COULD NOT FINISH within ${cutOffAfter} s`}`;
}

/**
 * The record of a job whose script is run.
 * @param isNamed the user names the script: then a job that is only history is accepted, but not its working folder
 * @throws MamError `refused` for a job that is only history
 */
function recordOf(dir: string, jobId: string, { home, cwd }: Settings, isNamed: boolean): JobRecord {
  try {
    return foldOwn(dir, jobId, homePaths(home)).record;
  } catch (error) {
    if (!isNamed || !(error instanceof MamError) || error.code !== 'refused') throw error;
    note(`${error.message} The script runs in ${cwd}.`);
    return { ...foldJob(dir, jobId).record, workdir: cwd };
  }
}

/** Runs the script as a child of this terminal: interrupting this process interrupts the script. */
async function runHere(
  run: Pick<ScriptRun, 'script' | 'workdir' | 'timeoutSeconds' | 'env'>,
  json: boolean,
): Promise<ScriptEnd> {
  const stop = new AbortController();
  const shown = new ScriptOutput(json);
  let group = 0;
  let isAsked = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    // The second time, the script ends at once.
    if (isAsked) stop.abort();
    else {
      sendSignal(-group, signal);
      setTimeout(() => stop.abort(), GRACE_MS).unref();
    }
    isAsked = true;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  try {
    const ended = await runScript({
      ...run,
      stop: stop.signal,
      started: (pid) => {
        group = pid;
        for (const signal of signals) process.on(signal, interrupt);
      },
      onOutput: (chunk, from) => shown.write(chunk, from),
    });
    shown.end();
    return ended;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** Records the verdict in the job's log; if that fails, the verdict still counts. */
async function noteIn(settings: Settings, jobId: string, data: EventTypes['verified']): Promise<void> {
  const link = openLink(settings);
  try {
    const outcome = await link.claim(draftEvent(jobId, 'verified', { source: 'person', data }));
    if (outcome.kind === 'kept') note(`the verdict will be in the job's log later. ${outcome.why}`);
    else if (outcome.kind === 'answered' && !outcome.reply.recorded)
      note(`the verdict is not in the job's log. ${commandWords(outcome.reply.refusal ?? '')}`);
  } catch (error) {
    note(`the verdict is not in the job's log. ${explain(error)}`);
  } finally {
    await link.close();
  }
}
