import { isDeepStrictEqual } from 'node:util';
import { createScanner, type Node } from 'jsonc-parser';
import { isObject } from '../base/json.ts';
import type { Json, JsonText } from './json-text.ts';
import { indentAt, lineEnd } from './layout.ts';

/**
 * One change that brings a text closer to what it should say: a member or an item is added at the end, removed, or
 * replaced. The rest stays byte for byte.
 * @returns undefined when the text already says it
 */
export function nextEdit(doc: JsonText, wanted: Json): string | undefined {
  return editOf(doc, doc.root, doc.value, wanted);
}

function editOf(doc: JsonText, node: Node, present: Json, wanted: Json): string | undefined {
  if (isDeepStrictEqual(present, wanted)) return undefined;
  const children = node.children ?? [];
  if (isObject(present) && isObject(wanted)) {
    // Of a key that occurs twice, the last value is the one that is read.
    const member = (key: string): number =>
      children.findLastIndex((child) => child.children?.[0]?.value === key);
    for (const [key, value] of Object.entries(wanted)) {
      if (!Object.hasOwn(present, key)) return withElement(doc, node, `${JSON.stringify(key)}: `, value);
      if (isDeepStrictEqual(present[key], value)) continue;
      const inner = children[member(key)]?.children?.[1];
      const edit = inner && editOf(doc, inner, present[key] as Json, value);
      if (edit !== undefined) return edit;
    }
    const gone = Object.keys(present).find((key) => !Object.hasOwn(wanted, key));
    return gone === undefined ? undefined : without(doc, node, member(gone));
  }
  if (Array.isArray(present) && Array.isArray(wanted)) {
    const differs = present.findIndex((item, index) => !isDeepStrictEqual(item, wanted[index]));
    if (differs < 0) return withElement(doc, node, '', wanted[present.length] as Json);
    if (wanted.length < present.length) return without(doc, node, differs);
  }
  return withValue(doc, node, wanted);
}

function withValue({ text, root }: JsonText, node: Node, value: Json): string {
  const written = isSpread(text, root)
    ? spread(text, root, value, indentAt(text, node.offset))
    : close(text, value);
  return replace(text, node.offset, endOf(node), written);
}

/** The text without this element of a container, its line, and a comma that is no longer needed. */
function without({ text }: JsonText, container: Node, index: number): string {
  const children = container.children ?? [];
  const [before, element] = [children[index - 1], children[index] as Node];
  const comma = commaAfter(text, element);
  const end = comma === undefined ? endOf(element) : comma + 1;
  const gap = text.slice(0, element.offset).trimEnd().length;
  // If the line goes on, the rest stays a line of its own: the one above may end in a comment.
  const keepsLine = text.slice(gap, element.offset).includes('\n') && /^[ \t]*\S/.test(text.slice(end));
  const start = keepsLine ? element.offset : gap;
  const shorter = replace(text, start, end, '');
  const surplus = before && comma === undefined ? commaAfter(text, before) : undefined;
  if (surplus !== undefined) return replace(shorter, surplus, surplus + 1, '');
  const [opening, closing] = [container.offset + 1, endOf(container) - 1 - (end - start)];
  const isEmpty = shorter.slice(opening, closing).trim() === '';
  return isEmpty ? replace(shorter, opening, closing, '') : shorter;
}

/** The text with one more element at the end of a container. */
function withElement({ text, root }: JsonText, container: Node, key: string, value: Json): string {
  const [first, last] = [container.children?.[0], container.children?.at(-1)];
  const closing = endOf(container) - 1;
  const comma = last && commaAfter(text, last);
  const inside = text.slice(container.offset + 1, first?.offset ?? closing);
  // If the last element has a trailing comma, so does the new one: then both can be removed again.
  const trailing = comma === undefined ? '' : ',';
  const ownLines =
    inside.includes('\n') || (first === undefined && (container === root || isSpread(text, root)));
  if (!ownLines) {
    const gap = isSpaced(text) ? ' ' : '';
    const written = `${key.trimEnd()}${key && gap}${close(text, value)}`;
    if (last === undefined) return replace(text, closing, closing, written);
    const at = comma === undefined ? endOf(last) : comma + 1;
    return replace(text, at, at, `${comma === undefined ? ',' : ''}${gap}${written}${trailing}`);
  }
  const eol = lineEnd(text);
  const base = indentAt(text, container.offset);
  const indent = first === undefined ? base + unitOf(text, root) : indentAt(text, first.offset);
  // After the last text of the container, even if that is a comment.
  const tail = text.slice(0, closing).trimEnd().length;
  const rest = text.slice(tail, closing);
  const ending = rest.includes('\n') ? rest : `${eol}${base}`;
  const element = `${eol}${indent}${key}${spread(text, root, value, indent)}${trailing}${ending}`;
  const longer = replace(text, tail, closing, element);
  return last === undefined || comma !== undefined ? longer : replace(longer, endOf(last), endOf(last), ',');
}

/** The value on its own lines, the first of them not indented. */
function spread(text: string, root: Node, value: Json, indent: string): string {
  return JSON.stringify(value, null, unitOf(text, root)).replaceAll('\n', `${lineEnd(text)}${indent}`);
}

function close(text: string, value: Json): string {
  // A string has no newline of its own in JSON.
  return isSpaced(text) ? JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ') : JSON.stringify(value);
}

function isSpread(text: string, root: Node): boolean {
  return text.slice(root.offset, endOf(root)).includes('\n');
}

function isSpaced(text: string): boolean {
  return /[:,] /.test(text);
}

/** One step of indentation, as the first member of the file has it. */
function unitOf(text: string, root: Node): string {
  const first = root.children?.[0];
  if (first === undefined || !text.slice(root.offset, first.offset).includes('\n')) return '  ';
  return indentAt(text, first.offset);
}

function commaAfter(text: string, element: Node): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(endOf(element));
  scanner.scan();
  const at = scanner.getTokenOffset();
  return text[at] === ',' ? at : undefined;
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

function replace(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}
