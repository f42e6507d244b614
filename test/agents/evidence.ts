import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { clean } from '../../src/base/text.ts';
import type { AgentLab } from './lab.ts';

/** How many lines of a log, and how many characters of a line, are shown. */
const LINES = 40;
const CHARACTERS = 400;

/** What a failed scenario shows in its message: the screen, the journals, and the ends of the logs. */
export async function evidence(lab: AgentLab): Promise<string> {
  const screen = await lab.agentScreen().catch((error: Error) => error.message);
  const own = filesBelow(join(lab.folder, 'home')).filter((path) => lab.agent.logs.test(path));
  const sections = [
    section(`the screen of ${lab.session}`, clean(screen).replaceAll(/ +$/gm, '')),
    ...lab.jobIds().map((id) => section(`the journal of ${id}`, journal(lab, id))),
    ...own.map((path) => section(`${lab.agent.kind}: ${path}`, endOf(join(lab.folder, 'home', path)))),
    section('the hub: hub.log', endOf(join(lab.home, 'hub.log'))),
    section('asked of the model, and not served', lab.strangers.join('\n')),
  ];
  return sections.join('\n');
}

function section(title: string, text: string): string {
  return `--- ${title}\n${text.trimEnd() || '(nothing)'}`;
}

/** Each event as a line: its time, type and source, and what it says. */
function journal(lab: AgentLab, id: string): string {
  try {
    return lab
      .events(id)
      .map(({ recorded_at, type, source, detail = '', data }) => {
        const more = data === undefined ? '' : JSON.stringify(data);
        return cut([recorded_at.slice(11, 23), type, source, JSON.stringify(detail), more].join(' '));
      })
      .join('\n');
  } catch (error) {
    return (error as Error).message;
  }
}

function endOf(path: string): string {
  try {
    const lines = clean(readFileSync(path, 'utf8')).trimEnd().split('\n');
    return lines.slice(-LINES).map(cut).join('\n');
  } catch (error) {
    return (error as Error).message;
  }
}

function cut(line: string): string {
  return line.length <= CHARACTERS ? line : `${line.slice(0, CHARACTERS)} … (${line.length} characters)`;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
