import { copyFileSync, existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Worktree } from '../../src/job/record.ts';
import type { Lab } from './lab.ts';
import { plant } from './plant.ts';
import { Repository } from './repository.ts';
import { until } from './until.ts';

/** A repository in a lab's project, with jobs that have worktrees beside it, as a hub would have left them. */
export class JobTrees {
  readonly #lab: Lab;
  readonly repo: Repository;

  constructor(lab: Lab, name = 'repo') {
    this.#lab = lab;
    this.repo = new Repository({ place: realpathSync(lab.project), name });
    copyFileSync(join(lab.project, '.home/.gitconfig'), join(lab.folder, '.gitconfig'));
    lab.expected.push(/^\.gitconfig$/, /^p\/\.home\/\.gitconfig$/);
  }

  /** The worktree of a job. */
  folder(id: string): string {
    return join(this.#lab.project, 'trees', id);
  }

  /** A job whose worktree is made from what is checked out. @param tree other than the usual ones */
  job(id: string, tree: Partial<Worktree> = {}): Worktree {
    const { repo } = this;
    const made = {
      folder: this.folder(id),
      branch: `mam/${id}`,
      base: repo.git('rev-parse', 'HEAD'),
      repository: realpathSync(repo.git('rev-parse', '--path-format=absolute', '--git-common-dir')),
      ...tree,
    };
    if (!existsSync(made.folder))
      repo.git('worktree', 'add', '-q', '-b', made.branch, made.folder, made.base);
    plant(this.#lab, id, { worktree: made, workdir: made.folder });
    return { ...made, folder: realpathSync(made.folder) };
  }

  /** Ends a job as its peer would. */
  async end(id: string, event: 'completed' | 'error' = 'completed'): Promise<void> {
    await this.#lab.mam('publish', '--job', id, '--event', event);
    const ended = event === 'completed' ? 'completed' : 'failed';
    await until(`${id} is ${ended}`, () => this.#lab.record(id).status === ended);
  }

  /** A job that has committed one file, and has ended. */
  async done(id: string, name = `${id}.txt`, text = `${id}\n`): Promise<Worktree> {
    const tree = this.job(id);
    this.repo.commit(name, text, `Work of ${id}`, tree.folder);
    await this.end(id);
    return tree;
  }

  /** Runs a command of mam in the repository. */
  mam(...args: string[]) {
    return this.#lab.start(args, { cwd: this.repo.folder, env: this.env, input: '' }).ended;
  }

  get env(): Record<string, string> {
    return { MAM_REGISTRY_DIR: this.#lab.registry };
  }
}
