import { choice, maybe } from '../base/fields.ts';
import { workingFolder } from '../base/working-folder.ts';
import type { Place } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { AREAS, type Finding, type Level } from '../doctor/finding.ts';
import { findingLines } from '../doctor/finding-lines.ts';
import { endOnSignals } from '../doctor/groups.ts';
import { checks, checksOf } from '../doctor/index.ts';
import { Programs } from '../doctor/programs.ts';
import { surroundings } from '../install/disk/surroundings.ts';
import { clients } from '../install/index.ts';
import { loadSettings, mamHome } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { LOOKS } from './core/looks.ts';
import { paint, printAnswer } from './core/output.ts';

const names = Object.keys(clients);

export default defineCommand({
  about: [
    'Checks everything that mam needs: Node, tmux and its sockets, settings, the hub, the broker, other hosts, the registry, the ' +
      'clients that know mam (each server is started as its client would), and the agents. Every problem and every ' +
      'note says what to do about it.',
    'It changes nothing and starts no hub. Its first line is for bug reports; no line contains a secret.',
  ],
  options: {
    client: maybe(choice(names, 'check only this client, and list its tools', { value: 'NAME' })),
  },
  json: '`summary`, `ok`, `findings` (`id`, `area`, `level`: ok, note or problem, `title`, `detail`, `remedy`) and `next`',
  exits: { done: 'no problem was found; notes do not count', unavailable: 'at least one problem was found' },
  examples: ['mam doctor', 'mam doctor --client codex', 'mam doctor --json'],

  async run({ options, registryDir, json }) {
    const place = await placeHere(registryDir);
    const quiet = endOnSignals();
    const found = await examine(options.client === undefined ? checks : checksOf(options.client), place);
    const findings = options.client === undefined || found.length > 0 ? found : [absent(options.client)];
    quiet();
    const problems = findings.filter(({ level }) => level === 'problem');
    const summary = summaryOf(findings);
    const next = problems[0]?.remedy ?? 'Nothing needs to be done.';
    const ok = problems.length === 0;
    const text = [...textOf(findings, options.client !== undefined), '', summary].join('\n');
    printAnswer(json, { summary, ok, findings, next }, text);
    return ok ? EXIT.done : EXIT.unavailable;
  },
});

/** The finding for a client that was asked for but has no other. */
function absent(client: string): Finding {
  return {
    ...{ id: `client.${client}.absent`, area: 'clients', level: 'note' },
    title: `Nothing was checked: no configuration of ${client} names mam.`,
    remedy: `\`mam install ${client}\` adds it.`,
  };
}

async function placeHere(registryFlag: string | undefined): Promise<Place> {
  // biome-ignore lint/style/noProcessEnv: the doctor examines the environment itself
  const env = process.env;
  const place = {
    env,
    cwd: workingFolder(),
    home: mamHome(env),
    registryFlag,
    around: surroundings(env),
    programs: new Programs(env),
  };
  try {
    return { ...place, settings: await loadSettings({ registryDir: registryFlag }), refused: undefined };
  } catch (error) {
    return { ...place, settings: undefined, refused: error };
  }
}

function summaryOf(findings: Finding[]): string {
  const count = (level: Level): string => {
    const number = findings.filter((finding) => finding.level === level).length;
    return `${number === 0 ? 'no' : number} ${level}${number === 1 ? '' : 's'}`;
  };
  const text = `${count('problem')}, ${count('note')}.`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param whole includes the details of findings that are ok */
function textOf(findings: Finding[], whole: boolean): string[] {
  return Object.entries(AREAS).flatMap(([area, title]) => {
    const own = findings.filter((finding) => finding.area === area);
    if (own.length === 0) return [];
    return [paint('bold', title), ...own.flatMap((finding) => findingLines(finding, LOOKS, whole))];
  });
}
