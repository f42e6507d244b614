import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder of the checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** The documents that people and agents read. */
export const DOCUMENTS = [
  'README.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(resolve(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

/** A file of the checkout. */
export function read(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}

/** A fenced block of a document. */
export interface Block {
  language: string;
  text: string;
}

/** The fenced blocks of a document, in their order. */
export function blocks(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }));
}

/** A document without its fenced blocks. */
export function prose(text: string): string {
  return text.replace(/^```\w*\n[\s\S]*?^```$/gm, '');
}

/** The lines of a document's shell blocks: the commands that a reader types. */
export function shellCommands(text: string): string[] {
  return blocks(text)
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => block.text.trim().split('\n'));
}

/** The one shell line of a document that holds all these words. */
export function lineWith(document: string, ...words: string[]): string {
  const [line, ...more] = shellCommands(read(document)).filter((text) =>
    words.every((word) => text.includes(word)),
  );
  if (line === undefined || more.length > 0) throw new Error(`no one line with ${words.join(', ')}`);
  return line;
}

/** The anchors that GitHub makes of a document's headings. */
export function anchors(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** A table in Markdown. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** The text with something else between its markers `<!-- NAME: … -->` and `<!-- /NAME -->`. */
export function between(text: string, name: string, content: string): string {
  const markers = new RegExp(`(<!-- ${name}: [^>]*-->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!markers.test(text)) throw new Error(`no markers of ${name}`);
  return text.replace(markers, (_, begin: string, end: string) => `${begin}${content}${end}`);
}
