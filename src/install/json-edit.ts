import type { Element, Json, JsonText, Node } from './json-text.ts';
import { indentAt, lineEnd } from './layout.ts';

/** The text with `value` under this key of an object that has no such key; it becomes the last member. */
export function withMember(doc: JsonText, object: Node, key: string, value: Json): string {
  return withElement(doc, object, `${JSON.stringify(key)}: `, value);
}

/** The text with one more item at the end of an array. */
export function withItem(doc: JsonText, array: Node, value: Json): string {
  return withElement(doc, array, '', value);
}

/** The text with another value in the place of this one. */
export function withValue({ text, root }: JsonText, node: Node, value: Json): string {
  const several = text.slice(root.start, root.end).includes('\n');
  const written = several ? spread(text, root, value, indentAt(text, node.start)) : close(text, value);
  return replace(text, node.start, node.end, written);
}

/** The text without this element of a container; with it goes its line, and a comma that is one too many. */
export function without({ text }: JsonText, container: Node, index: number): string {
  const element = container.elements[index] as Element;
  const before = container.elements[index - 1];
  const last = index === container.elements.length - 1;
  const end = element.comma === undefined ? element.node.end : element.comma + 1;
  if (before !== undefined && last) {
    const gap = text.slice(0, element.start).trimEnd().length;
    const shorter = replace(text, gap, end, '');
    // The comma before it stays where one stands behind the last element too.
    return before.comma === undefined || element.comma !== undefined
      ? shorter
      : replace(shorter, before.comma, before.comma + 1, '');
  }
  const lineStart = text.lastIndexOf('\n', element.start - 1) + 1;
  const alone = text.slice(lineStart, element.start).trim() === '';
  const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(end)) ?? [''];
  const shorter =
    alone && rest[1] !== undefined
      ? replace(text, lineStart, end + rest[0].length, '')
      : replace(text, element.start, end + rest[0].length - (rest[1]?.length ?? 0), '');
  if (!last) return shorter;
  const inside = shorter.slice(container.start + 1, container.end - 1 - (text.length - shorter.length));
  return inside.trim() === ''
    ? replace(shorter, container.start + 1, container.start + 1 + inside.length, '')
    : shorter;
}

function withElement({ text, root }: JsonText, container: Node, key: string, value: Json): string {
  const [first, last] = [container.elements[0], container.elements.at(-1)];
  const closing = container.end - 1;
  const inside = text.slice(container.start + 1, first?.start ?? closing);
  // Where a comma stands behind the last element, one stands behind the new one too: so both can be taken away again.
  const trailing = last?.comma === undefined ? '' : ',';
  const ownLines =
    inside.includes('\n') ||
    (first === undefined && (container === root || text.slice(root.start, root.end).includes('\n')));
  if (!ownLines) {
    const written = `${spaced(text) ? key : key.trimEnd()}${close(text, value)}`;
    if (last === undefined) return replace(text, closing, closing, written);
    const behind = last.comma === undefined ? last.node.end : last.comma + 1;
    const comma = last.comma === undefined ? ',' : '';
    return replace(text, behind, behind, `${comma}${spaced(text) ? ' ' : ''}${written}${trailing}`);
  }
  const eol = lineEnd(text);
  const base = indentAt(text, container.start);
  const indent = first === undefined ? base + unitOf(text, root) : indentAt(text, first.start);
  // Behind the last word of the container, be it a comment.
  const tail = text.slice(0, closing).trimEnd().length;
  const rest = text.slice(tail, closing);
  const ending = rest.includes('\n') ? rest : `${eol}${base}`;
  const element = `${eol}${indent}${key}${spread(text, root, value, indent)}${trailing}${ending}`;
  const longer = replace(text, tail, closing, element);
  return last === undefined || last.comma !== undefined
    ? longer
    : replace(longer, last.node.end, last.node.end, ',');
}

/** The value on lines of its own, the first of them not indented. */
function spread(text: string, root: Node, value: Json, indent: string): string {
  return JSON.stringify(value, null, unitOf(text, root)).replaceAll('\n', `${lineEnd(text)}${indent}`);
}

/** The value on one line. */
function close(text: string, value: Json): string {
  // A string has no newline of its own in JSON.
  return spaced(text) ? JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ') : JSON.stringify(value);
}

function spaced(text: string): boolean {
  return /[:,] /.test(text);
}

/** One step of indentation, as the first member of the file has it. */
function unitOf(text: string, root: Node): string {
  const first = root.elements[0];
  if (first === undefined || !text.slice(root.start, first.start).includes('\n')) return '  ';
  return indentAt(text, first.start);
}

function replace(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}
