import { existsSync, readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { sharing } from '../support/lab-test.ts';

/** Exactly 1 MiB of everything that a shell, a terminal or an agent's prompt could interpret. */
function nastyTask(folder: string): string {
  const unit = [
    `$(touch ${folder}/pwned) \`touch ${folder}/pwned\` "quotes" 'single' \\back\\slash`,
    `!touch ${folder}/pwned`,
    '/exit',
    '#{pane_id} %3 ; | & > < * ? ~',
    '\ttabs\tand\r\nline ends',
    '\x1b[201~\x1b]0;title\x07 한국어 👩‍👩‍👧 e\u0301 \u200b\ufeff',
    '',
  ].join('\n');
  const text = unit.repeat(Math.ceil((1024 * 1024) / Buffer.byteLength(unit)));
  let cut = `Mend the roof, then the gutter, then the floor\n${text}`;
  while (Buffer.byteLength(cut) > 1024 * 1024)
    cut = cut.slice(0, cut.length - Math.ceil((Buffer.byteLength(cut) - 1024 * 1024) / 3));
  cut = cut.isWellFormed() ? cut : cut.slice(0, -1);
  return cut + 'x'.repeat(1024 * 1024 - Buffer.byteLength(cut));
}

describe('a task of 1 MiB', () => {
  sharing('arrives byte for byte, by pages and as a file, and no shell runs any of it', async ({ lab }) => {
    const peer = await lab.startPeer('mute');
    const [server, reporter] = [await lab.startServer(), await lab.reporter];
    const prompt = nastyTask(lab.project);
    expect(Buffer.byteLength(prompt)).toBe(1024 * 1024);
    const { job_id } = await server.delegate(peer, { prompt });

    const typed = peer.pastes[0] ?? '';
    expect(typed).toBe(lab.orderOf(job_id));
    expect(typed.split('\n')).toHaveLength(3);
    expect(typed.length).toBeLessThanOrEqual(700);
    expect(typed).not.toContain('touch');

    const started = await reporter.report(job_id, 'started');
    let text = started.task as string;
    let offset = started.task_next_offset as number | undefined;
    for (let pages = 1; offset !== undefined; pages++) {
      expect(pages).toBeLessThan(200);
      expect(offset).toBe(text.length);
      const page = await reporter.ask('job_status', { job_id, task_offset: offset });
      expect(page.task.length).toBeLessThanOrEqual(16_000);
      expect(Buffer.byteLength(page.task)).toBeLessThanOrEqual(32 * 1024);
      text += page.task;
      offset = page.task_next_offset;
    }
    expect(text === prompt).toBe(true);
    expect(readFileSync(started.task_file).equals(Buffer.from(prompt))).toBe(true);
    expect(started.task_file).toBe(lab.paths(job_id).prompt);
    expect(existsSync(`${lab.project}/pwned`)).toBe(false);
    expect(peer.keys).toBe('\r');
    // Only its first words are in the record and in the journal.
    expect(JSON.stringify(lab.record(job_id)).length).toBeLessThan(6_000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(JSON.stringify(lab.record(job_id).prompt_preview)).not.toMatch(/\x1b|\\u001b/);
  });

  sharing('a result of 1 MiB is stored whole next to the journal', async ({ lab, peer }) => {
    const [server, reporter] = [await lab.startServer(), await lab.reporter];
    const { job_id } = await server.delegate(peer);
    const result = nastyTask(lab.project);
    await reporter.report(job_id, 'completed', { detail: 'done', result });
    const record = lab.record(job_id);
    expect(record.result?.length).toBeLessThanOrEqual(2_000);
    expect(readFileSync(record.result_file ?? '', 'utf8') === result).toBe(true);
    const lines = readFileSync(lab.paths(job_id).journal, 'utf8').split('\n');
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(4 * 1024);
    const { jobs } = await server.ask('wait_job', { job_id });
    expect(jobs[0].result_file).toBe(record.result_file);
  });
});
