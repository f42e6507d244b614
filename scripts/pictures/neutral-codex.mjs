import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codex } from '../../test/agents/homes/codex.ts';
import { programOf } from '../../test/agents/programs.ts';

/** A model of Codex's own list that calls plain tools, as the scripted one does. */
const LIKE = 'gpt-5.5';

/**
 * Makes a scripted Codex look as its users see it: its status line names the folder and no model, and it has nothing
 * to warn about, because its list of models has the scripted one.
 * @param home the home folder that `codex.prepare` has filled
 */
export function lookNeutral(home) {
  const folder = join(home, '.codex');
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: folder };
  const { models } = JSON.parse(
    execFileSync(programOf(codex), ['debug', 'models'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString(),
  );
  const like = models.find(({ slug }) => slug === LIKE);
  if (like === undefined) throw new Error(`Codex lists no model ${LIKE} any more: choose another for LIKE.`);
  const catalog = join(folder, 'models.json');
  const ours = { ...like, slug: 'scripted', display_name: 'scripted', upgrade: null };
  writeFileSync(catalog, JSON.stringify({ models: [ours] }));
  const file = join(folder, 'config.toml');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, `model_catalog_json = ${JSON.stringify(catalog)}\n${config}`);
  appendFileSync(file, '\n[tui]\nstatus_line = ["current-dir"]\n');
}
