import { resolveKind } from '../agents/index.ts';
import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { clean, cleanLine } from '../base/text.ts';
import { spoolPrompt } from '../bus/spool/spool.ts';
import { agentWords } from '../job/agent-words.ts';
import type { JobRecord } from '../job/record.ts';
import { wholeTask } from '../job/task-text.ts';
import { isFinal } from '../job/words.ts';
import type { DelegateResult, PreviewResult } from '../operations/delegate.ts';
import type { HandOver } from '../operations/delegate-to.ts';
import { delegationView, previewView } from '../operations/delegation-view.ts';
import { addressOf } from '../operations/host-address.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import { previewOrWhy } from '../order/preview.ts';
import type { Settings } from '../settings/config.ts';
import { commandWords } from '../view/command-words.ts';
import { copyText } from '../view/home.ts';
import { nextStep } from '../view/next-step.ts';
import { obstacleText } from '../view/summary.ts';
import { worktreeText } from '../view/worktree.ts';
import { defineCommand } from './core/command.ts';
import { EXIT, exitCodeAfter, exitCodeHandedOver } from './core/exit.ts';
import { note, print, printJson } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { checkOutput } from './jobs/check-output.ts';
import { followedJson, followJobs, jobText, STOPPED_WAITING } from './jobs/follow-jobs.ts';
import { handOver, sessionMissing } from './jobs/hand-over.ts';
import { verdictText } from './jobs/job-text.ts';
import { options, paramsOf, paramsThere, promptOf } from './jobs/submit-request.ts';
import { withHub, withLink } from './jobs/with-hub.ts';

const DETAIL_CHARS = 300;
const INDENT = 4;

export default defineCommand({
  synopsis: '--prompt TEXT | --prompt-file FILE [OPTIONS]',
  about: [
    'Delegates a job to an agent in a tmux session, and waits until it is final or needs you. Prints the id of ' +
      'the job, its events as they come, the verdict of the validation script, and on the last line the log folder.',
    'Ctrl-C stops waiting, not the job.',
  ],
  words: [{ name: 'TEXT', about: 'the same as --prompt TEXT', many: true }],
  options,
  json: {
    tool: 'delegate_job',
    also: 'Unless `--no-wait` or `--dry-run` is given, `wait` has the fields of `wait_job`.',
  },
  exits: {
    done: 'completed, and passed its check; with --no-wait: handed over, or on its way to the pane',
    failed: 'failed or cancelled, or the check failed; with --no-wait: the hand-over failed',
    running: 'Ctrl-C: the job goes on',
    attention:
      'the job needs an answer, its check could not run or finish, or the arrival of its order was not confirmed',
  },
  examples: [
    'mam submit --prompt "Fix the login test" --agent codex --validate ./check.sh',
    'mam submit --prompt "Run the tests" --agent codex --host hostb',
    'mam submit --prompt-file prompt.md --agent claude-code --start --no-wait',
  ],

  async run({ options: chosen, words, registryDir, json }) {
    const settings = await commandSettings(registryDir);
    const { host, session } = addressOf({ host: chosen.host, session: chosen.agent_session }, settings);
    const asked = { ...chosen, agent_session: session };
    const kind = host === undefined ? resolveKind(chosen.agent, settings) : undefined;
    if (chosen.notify === 'pane' && !chosen.no_wait) {
      throw new MamError(
        'bad_input',
        '--notify pane is only for jobs that nobody waits for.',
        'Add --no-wait, or leave out --notify.',
      );
    }
    if (chosen.notify === 'pane' && settings.pane === undefined)
      throw new MamError(
        'bad_input',
        '--notify pane types a line into your own tmux pane, and this shell is not in one.',
        'Leave out --notify, and follow the job with `mam wait`.',
      );
    const prompt = await promptOf(chosen, words);
    const request: HandOver =
      kind === undefined
        ? { there: paramsThere({ ...asked, host: host ?? '' }, prompt, settings) }
        : { here: paramsOf(asked, prompt, kind, settings) };
    const from = { ...settings, inside: settings.paneSocket };
    if (chosen.dry_run) {
      const result = await previewOf(request, registryDir, settings);
      const target = host === undefined || session === undefined ? session : `${session}@${host}`;
      preview(
        previewView(result, 'here' in request ? request.here.agent_session : target, from),
        result.record,
        prompt,
        json,
      );
      if (result.refusal !== undefined) throw sessionMissing(result.refusal);
      return EXIT.done;
    }
    return withLink(settings, async (link) => {
      const { result, interrupted } = await handOver(link, await spooled(request, settings.home));
      const view = delegationView(result, from);
      if (!json) tell(result, view.attach_command);
      for (const warning of result.warnings) note(commandWords(warning));
      const goesOn = interrupted && !isFinal(result.record.status);
      if (chosen.no_wait || goesOn) {
        if (json) printJson({ ...view, next: nextStep(result.record) });
        else {
          if (needsSaying(result)) note(jobText(result.record));
          print(view.log_dir);
        }
        if (chosen.no_wait) return exitCodeHandedOver(result.record);
        note(STOPPED_WAITING);
        return EXIT.running;
      }
      const end = await followJobs({
        link,
        settings,
        jobIds: [view.job_id],
        past: false,
        // From its first event on, so that nothing the agent says is missed.
        cursor: `${view.job_id}:0`,
        json,
      });
      const wait = followedJson(end);
      const { summary, next } = wait;
      if (json) printJson({ ...view, summary, status: end.jobs[0]?.status ?? view.status, next, wait });
      else {
        const [job] = end.jobs;
        const verdict = job?.validation && verdictText(job.validation);
        if (verdict !== undefined) print(`validation: ${verdict}`);
        for (const text of job === undefined ? [] : checkOutput(job, INDENT)) print(text);
        print(view.log_dir);
      }
      return exitCodeAfter(end);
    });
  },
});

/** What the job's host would do. @throws MamError for another host that can't be asked */
async function previewOf(
  request: HandOver,
  registryDir: string | undefined,
  settings: Settings,
): Promise<PreviewResult & { refusal?: MamError }> {
  const { home, host } = settings;
  if ('there' in request) {
    const params = await spoolPrompt(home, { ...request.there, dry_run: true });
    return withHub(registryDir, ({ ask }) => ask('delegate_to', params, ELSEWHERE_MS));
  }
  const { here } = request;
  const askPreview = () =>
    withHub(registryDir, async ({ ask }) => ask('preview', await spoolPrompt(home, here)));
  return previewOrWhy(askPreview, here, host);
}

async function spooled(request: HandOver, home: string): Promise<HandOver> {
  if ('there' in request) return { there: await spoolPrompt(home, request.there) };
  return { here: await spoolPrompt(home, request.here) };
}

function preview(
  view: ReturnType<typeof previewView>,
  record: JobRecord,
  prompt: string,
  json: boolean,
): void {
  if (json) {
    const delegate = 'The same command without --dry-run delegates the job; it will have a different id.';
    printJson({ ...view, next: view.repeated ? `mam wait ${view.job_id}` : delegate });
    return;
  }
  if (view.repeated) print('dry run: nothing was changed');
  else {
    if (view.would_refuse === undefined)
      print(`dry run: nothing was changed; the job will have a different id than ${view.job_id}`);
    else print(`dry run: nothing was changed; the job would be refused now: ${clean(view.would_refuse)}`);
    print(`target: ${view.target ?? 'a person'}`);
    const tree = worktreeText(record);
    if (tree !== undefined) print(`worktree: ${tree}`);
    if (view.new_conversation !== undefined) print(`new conversation: ${view.new_conversation}`);
    print(view.would_refuse === undefined ? 'instructions:' : 'instructions, once that is fixed:');
    print(view.typed_text ?? humanText(view.job_id, prompt));
    if (view.preamble !== undefined)
      print(`task, with its preamble:\n${clean(wholeTask(view.preamble, prompt))}`);
  }
  if (view.would_refuse === undefined) note(view.summary);
  for (const warning of view.warnings) note(commandWords(warning));
  print(view.log_dir);
}

/** The first line, which scripts read, and what a person wants to know before the first event. */
function tell({ record, repeated, position, behind }: DelegateResult, attach: string | undefined) {
  print(`registered job: ${record.job_id}`);
  if (repeated)
    note(
      `this job was delegated before with the same key and is ${record.status}; the other options on this command line (a check, time limits) do not apply to it.`,
    );
  const unconfirmed = record.home?.state === 'asking' ? copyText(record) : undefined;
  if (unconfirmed !== undefined) note(unconfirmed);
  else if (attach !== undefined && !isFinal(record.status))
    note(`to look at the agent: mam attach ${record.job_id}`);
  if (record.worktree !== undefined) {
    const { folder, branch } = record.worktree;
    note(`it works in ${shellWord(folder)}, on branch ${shellWord(branch)}.`);
  }
  if (position > 0) note(`it waits behind ${behind.join(', ')}.`);
  // An agent that is just starting looks busy.
  const isStarting = record.typing?.started === true && record.blocked_by === 'busy';
  const kept = isStarting ? undefined : obstacleText(record);
  if (isStarting) note(`${agentWords(record)} is starting; it gets the job when it is ready.`);
  if (kept !== undefined) note(`not handed over yet: ${kept} (${nextStep(record)})`);
  if (record.blocked_step !== undefined && record.detail !== undefined)
    note(cleanLine(record.detail, DETAIL_CHARS));
  if (record.agent === 'human') print(humanText(record.job_id, record.prompt_preview));
}

/** True for a job that had trouble on its way to its peer. */
function needsSaying({ record: { status, phase, reason } }: DelegateResult): boolean {
  return reason !== undefined || (status === 'queued' && phase !== 'queued');
}

function humanText(jobId: string, prompt: string): string {
  return `For a person: ${clean(prompt)}\nWhen it is done: mam done ${jobId} "THE OUTCOME"`;
}
