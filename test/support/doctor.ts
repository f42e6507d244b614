import { expect } from 'vitest';
import { examine } from '../../src/doctor/examine.ts';
import type { Finding, Level } from '../../src/doctor/finding.ts';
import { checks } from '../../src/doctor/index.ts';
import { Programs } from '../../src/doctor/programs.ts';
import { surroundings } from '../../src/install/disk/surroundings.ts';
import { loadSettings, mamHome } from '../../src/settings/config.ts';
import type { Lab } from './lab.ts';

/** What was found. */
export interface Found {
  findings: Finding[];
  /** The only finding with this id. */
  of(id: string): Finding;
  all(id: string): Finding[];
}

export interface Report extends Found {
  code: number | null;
  summary: string;
  ok: boolean;
  next: string;
  /** All that was printed. */
  text: string;
}

/** For `toMatchObject`: a finding of a level, whose texts contain some words. */
export function finding(level: Level, words: Partial<Record<'title' | 'detail' | 'remedy', string>>): object {
  const texts = Object.entries(words).map(([name, text]) => [name, expect.stringContaining(text)]);
  return { level, ...Object.fromEntries(texts) };
}

/** Runs `mam doctor`, and checks what must be true of every report. */
export async function runDoctor(
  lab: Lab,
  args: string[] = [],
  options: Parameters<Lab['start']>[1] = {},
): Promise<Report> {
  const { code, stdout, stderr } = await lab.start(['doctor', '--json', ...args], options).ended;
  expect(stderr).toBe('');
  const report = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual(['summary', 'ok', 'findings', 'next']);
  expect([report.ok, code]).toEqual(
    report.findings.some(({ level }: Finding) => level === 'problem') ? [false, 69] : [true, 0],
  );
  return { ...report, ...among(report.findings), code, text: stdout };
}

/**
 * What single checks find, for the many machines that differ in one thing only: the command and the other checks are
 * the same for each, and are tested by `doctor`.
 * @param names their names
 * @param more of the environment
 */
export async function lookWith(lab: Lab, names: string[], more: Record<string, string> = {}): Promise<Found> {
  const env = { ...lab.env, ...more };
  const chosen = checks.filter(({ name }) => names.includes(name));
  expect(chosen.map(({ name }) => name).sort()).toEqual([...names].sort());
  const place = {
    ...{ env, cwd: lab.project, home: mamHome(env), registryFlag: undefined },
    around: { ...surroundings(env), home: lab.folder, project: lab.project },
    programs: new Programs(env),
    ...(await loadSettings({ cwd: lab.project }, env).then(
      (settings) => ({ settings, refused: undefined }),
      (refused: unknown) => ({ settings: undefined, refused }),
    )),
  };
  return among(await examine(chosen, place));
}

function among(findings: Finding[]): Found {
  for (const finding of findings) {
    expect(['ok', 'note', 'problem']).toContain(finding.level);
    // Every problem must say what to do about it.
    expect(finding.remedy === undefined, finding.title).toBe(finding.level === 'ok');
    expect(finding.id, finding.title).not.toContain('unfinished');
  }
  const all = (id: string): Finding[] => findings.filter((finding) => finding.id === id);
  return {
    findings,
    all,
    of: (id) => {
      const [one, ...more] = all(id);
      if (one === undefined || more.length > 0)
        throw new Error(`${more.length + 1} of ${id}: ${JSON.stringify(findings)}`);
      return one;
    },
  };
}
