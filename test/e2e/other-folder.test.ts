import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sharing } from '../support/lab-test.ts';

sharing(
  'an agent that runs in another folder than the job is named, once, with what to do',
  async ({ lab, server, peer }) => {
    const other = join(lab.folder, 'other');
    mkdirSync(other, { recursive: true });
    lab.expected.push(/^(other|link)$/);
    const words = `The agent in tmux:${peer.session} runs in ${lab.project}, not in the job's working folder ${other}.`;
    const options = { workdir: other };
    const shown = await server.delegate(peer, { ...options, dry_run: true });
    expect(shown.warnings).toEqual([expect.stringContaining(words)]);
    const { warnings } = await server.delegate(peer, options);
    expect(warnings).toEqual([expect.stringContaining(words)]);
    const where = ['--agent', 'command', '--agent-session', peer.session, '--workdir', other, '--no-wait'];
    const typed = await lab.mam('submit', '--prompt', 'Mend the roof', ...where);
    expect(typed.stderr.split(words)).toHaveLength(2);
    expect(typed.stderr).toContain('Set `--workdir` to that folder, or start it there.');
  },
);

sharing(
  'no other folder: the same by another name, one below, or a pane that leads elsewhere',
  async ({ lab, server, peer }) => {
    const below = join(lab.project, 'below');
    mkdirSync(below, { recursive: true });
    lab.expected.push(/^p\/below$/, /^link$/);
    symlinkSync(lab.project, join(lab.folder, 'link'));
    for (const workdir of [lab.project, join(lab.folder, 'link'), below]) {
      const { warnings } = await server.delegate(peer, { workdir, dry_run: true });
      expect(warnings.join(), workdir).not.toContain('runs in');
    }
    const away = await server.delegate(peer, { workdir: lab.folder, trust_pane: true, dry_run: true });
    expect(away.warnings.join()).not.toContain('runs in');
    const above = await server.delegate(peer, { workdir: lab.folder, dry_run: true });
    expect(above.warnings.join()).toContain("not in the job's working folder");
  },
);

sharing('of a kind that mam can start, it says how', async ({ lab, server }) => {
  lab.configure({ agents: { robot: { session: 'tmux:robot', command: ['robot'], ready: '^READY' } } });
  await lab.startSession('robot', 'exec sleep 1000');
  const job = { prompt: 'Mend the roof', agent: 'robot', workdir: '/', dry_run: true };
  const { warnings } = await server.ask('delegate_job', job);
  expect(warnings.join()).toContain(
    'start one there with start_agent (`mam start robot --name NAME --workdir /`)',
  );
});
