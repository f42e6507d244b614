import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { isRunning } from '../../src/base/processes.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { Repository } from '../support/repository.ts';
import { robotKind } from '../support/robots.ts';
import { until } from '../support/until.ts';

/** A repository in the lab's project, and a kind `worker` that is started for each job. */
function workshop(lab: Lab): Repository {
  const repo = new Repository({ place: realpathSync(lab.project), name: 'r' });
  copyFileSync(join(lab.project, '.home/.gitconfig'), join(lab.folder, '.gitconfig'));
  mkdirSync(join(lab.project, '.mam'), { recursive: true });
  lab.expected.push(/^\.gitconfig$/, /^p\/\.home\//, /^h\/trust\//);
  lab.expected.push(/^p\/\.mam\/(worktree-setup|jobs\/[a-z0-9-]+\/setup\.log)$/);
  lab.configure({ agents: { worker: robotKind(lab) } });
  return repo;
}

/** Registers a job with a worktree of the branch x. @returns its id, once something is there */
async function submitted(lab: Lab, repo: Repository, ...more: string[]): Promise<string> {
  const words = ['submit', '--prompt', 'x y', '--agent', 'worker', '--worktree=x', '--no-wait', '--json'];
  const { stdout, stderr } = await lab.start([...words, ...more], { cwd: repo.folder, input: '' }).ended;
  expect(stderr).toBe('');
  return JSON.parse(stdout).job_id;
}

describe('a job with a worktree that is cancelled', () => {
  test('while a hook of the checkout hangs: nothing of it is left, and the branch is free', async ({
    lab,
  }) => {
    const repo = workshop(lab);
    const hook = join(lab.project, 'hook');
    mkdirSync(join(repo.folder, '.git/hooks'), { recursive: true });
    // It takes no notice of being asked to end, and neither does what it has started.
    const script = `#!/bin/sh\ntrap '' TERM HUP\n(setsid sh -c 'trap "" TERM; sleep 600' & )\necho $$ > '${hook}'\nsleep 600\n`;
    writeFileSync(join(repo.folder, '.git/hooks/post-checkout'), script, { mode: 0o755 });
    const starting = submitted(lab, repo);
    const pid = await until('the hook hangs', () => existsSync(hook) && Number(readFileSync(hook, 'utf8')));
    const [id = ''] = lab.jobIds();
    const { folder = '' } = lab.record(id).worktree ?? {};
    expect((await lab.mam('cancel', id)).code).toBe(0);
    await starting;
    await until('the worktree is gone', () => repo.git('worktree', 'list').split('\n').length === 1);
    expect(existsSync(folder)).toBe(false);
    expect(isRunning(Number(pid), '')).toBe(false);
    writeFileSync(join(repo.folder, '.git/hooks/post-checkout'), '#!/bin/sh\n', { mode: 0o755 });
    const next = await submitted(lab, repo);
    await until('the next one is done', () => lab.record(next).status === 'completed');
    lab.sessions.add(lab.record(next).agent_session?.session ?? '');
  });

  test('before its set-up script has written anything: nothing is left; after that, no lock is', async ({
    lab,
  }) => {
    const repo = workshop(lab);
    const at = { cwd: repo.folder, input: '' };
    const [begun, wrote] = [join(lab.project, 'begun'), join(lab.project, 'wrote')];
    lab.write(
      '.mam/worktree-setup',
      `if test -e '${begun}'; then echo mine > built; touch '${wrote}'; fi; touch '${begun}'; sleep 600\n`,
    );
    expect((await lab.start(['trust', '--yes'], at).ended).code).toBe(0);
    const first = await submitted(lab, repo);
    await until('the script runs', () => existsSync(begun));
    expect((await lab.mam('cancel', first)).code).toBe(0);
    await until('the worktree is gone', () => repo.git('worktree', 'list').split('\n').length === 1);
    const nothing = await lab.start(['discard', first, '--yes'], at).ended;
    expect(nothing.stdout).toContain('was removed before; its branch x stays');
    const second = await submitted(lab, repo);
    await until('the script has written', () => existsSync(wrote));
    const { folder = '' } = lab.record(second).worktree ?? {};
    const cancelled = await lab.mam('cancel', second);
    expect(cancelled.code).toBe(0);
    await until('it is not locked', () => !repo.git('worktree', 'list', '--porcelain').includes('locked'));
    expect(readFileSync(join(folder, 'built'), 'utf8')).toBe('mine\n');
    expect((await lab.json('status', second))['next']).toContain(`mam discard ${second}`);
    const discarded = await lab.start(['discard', second, '--force', '--yes'], at).ended;
    expect(discarded.code, discarded.stderr).toBe(0);
    expect(repo.git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  test('while its hub is killed: mam discard takes the lock that is left for its own', async ({ lab }) => {
    const repo = workshop(lab);
    const at = { cwd: repo.folder, input: '' };
    const begun = join(lab.project, 'begun');
    lab.write('.mam/worktree-setup', `echo mine > built; touch '${begun}'; sleep 600\n`);
    await lab.start(['trust', '--yes'], at).ended;
    const id = await submitted(lab, repo);
    await until('the script runs', () => existsSync(begun));
    await lab.killHub();
    const { folder = '' } = lab.record(id).worktree ?? {};
    lab.write('.mam/worktree-setup', 'sleep 600\n');
    // The next hub finds that the script is another one.
    await lab.json('agents');
    await until('it has ended', () => lab.record(id).status === 'failed');
    repo.git('worktree', 'lock', '--reason', `mam prepares it for job ${id}`, folder);
    const discarded = await lab.start(['discard', id, '--force', '--yes'], at).ended;
    expect(discarded.code, discarded.stderr).toBe(0);
  });
});
